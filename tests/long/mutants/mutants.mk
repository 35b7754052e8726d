# make mutants               puts each fault of tests/long/mutants/*.toml into a copy of the tree
# make mutants ONLY=text     those with this text in their name; FILE=dbr: of one list
# make mutants RESUME=1      without those that the run before has noticed

ONLY ?=
FILE ?=
RESUME ?=

.PHONY: mutants
mutants: $(VENV)/.built $(VENV)/.test-tools
	$(BIN)/python tests/support/peers.py pcaspy aioca
	$(BIN)/python tests/long/mutants/run.py --only "$(ONLY)" --file "$(FILE)" \
	    $(if $(RESUME),--resume)
