# make docs        the documentation as HTML in docs/_build/html; warnings are errors

DOCS := $(wildcard docs/*.md docs/*/*.md docs/conf.py)

$(VENV)/.docs-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@

.PHONY: docs
docs: $(VENV)/.built $(VENV)/.docs-tools $(DOCS)
	$(BIN)/sphinx-build --fail-on-warning --keep-going -b html docs docs/_build/html
