# make monkey MINUTES=5   random keys, clicks and sizes on the terminal view, while its
#                         server changes, stalls, is killed and comes back; SEED=... repeats
#
# A short form runs with the other tests.
.PHONY: monkey
monkey: $(VENV)/.built $(VENV)/.test-tools
	MONKEY_MINUTES=$(if $(filter command line,$(origin MINUTES)),$(MINUTES),5) \
	    MONKEY_SEED=$(SEED) $(BIN)/python -m pytest tests/long/monkey -q -s
