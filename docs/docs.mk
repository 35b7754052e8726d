# make docs        the documentation as HTML in docs/_build/html; warnings are errors
# make screenshot  the pictures in docs/images anew, without a screen
# make panels      the panels in examples/panels anew

DOCS := $(wildcard docs/*.md docs/*/*.md docs/conf.py)

$(VENV)/.docs-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@

.PHONY: docs
docs: $(VENV)/.built $(VENV)/.docs-tools $(DOCS)
	$(BIN)/sphinx-build --fail-on-warning --keep-going -b html docs docs/_build/html

# The environments of the windows are made by the script that knows those of the tests.
IMAGES ?= docs/images

.PHONY: screenshot panels
screenshot: $(VENV)/.built $(VENV)/.test-tools
	$(BIN)/python docs/images/make_images.py $(IMAGES)

panels: $(VENV)/.built
	$(BIN)/python examples/panels/make_panels.py
