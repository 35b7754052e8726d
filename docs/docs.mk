# make docs        the documentation as HTML in docs/_build/html; warnings are errors
# make screenshot  docs/images/oscilloscope.png anew, without a screen
# make panels      the panels in examples/panels anew

DOCS := $(wildcard docs/*.md docs/*/*.md docs/conf.py)

$(VENV)/.docs-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@

.PHONY: docs
docs: $(VENV)/.built $(VENV)/.docs-tools $(DOCS)
	$(BIN)/sphinx-build --fail-on-warning --keep-going -b html docs docs/_build/html

# The window's environment is made by the script that knows those of the tests.
.PHONY: screenshot panels
screenshot: $(VENV)/.built
	EPICS_CA_ADDR_LIST=127.0.0.1 EPICS_CA_AUTO_ADDR_LIST=NO \
	EPICS_CAS_INTF_ADDR_LIST=127.0.0.1 EPICS_CAS_AUTO_BEACON_ADDR_LIST=NO \
	EPICS_CA_SERVER_PORT=15064 EPICS_CA_REPEATER_PORT=15065 \
	QT_QPA_PLATFORM=offscreen PYTHONPATH=src \
	$$($(BIN)/python tests/support/peers.py gui | cut -d' ' -f2) \
	examples/scope_gui.py --screenshot docs/images/oscilloscope.png

panels: $(VENV)/.created
	$(BIN)/python examples/panels/make_panels.py
