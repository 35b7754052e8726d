# make wheels      both wheels for each Python, tried in an empty environment, in dist/
#                  (PYTHONS="python3.11 python3.13" for some of them)

PYTHONS ?= python3.10 python3.11 python3.12 python3.13

.PHONY: wheels
wheels: $(VENV)/.created
	$(BIN)/python tools/wheels.py $(PYTHONS)
