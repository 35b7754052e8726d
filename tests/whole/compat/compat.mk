# make compat PROGRAMS=100000   random programs on the released packages and on ours

PROGRAMS ?= 2000

.PHONY: compat
compat: $(VENV)/.built $(VENV)/.test-tools
	$(BIN)/python tests/support/peers.py pcaspy aioca
	PROGRAMS=$(PROGRAMS) $(BIN)/python -m pytest -q -s tests/whole/compat -k generated
