# make soak MINUTES=60   the server under changing clients and faults; tests/long/soak/run.py
#
# Writes build/soak/summary.txt and .json; fails if something was lost or grows.
MINUTES ?= 60

.PHONY: soak
soak: $(VENV)/.built $(VENV)/.test-tools
	$(BIN)/python tests/long/soak/run.py --minutes $(MINUTES)
