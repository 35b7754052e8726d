# make scale SCALE=0.1   a server with a million PVs, 20,000 circuits and a million
#                        subscriptions, or a share of it; tests/long/scale/run.py
#
# Writes build/scale/scale.json, and the whole with PUBLISH=1 the table of gets of
# docs/explanation/scale.md. It takes some minutes and 3 GB of memory.
SCALE ?= 1

.PHONY: scale
scale: $(VENV)/.built
	$(BIN)/python tests/long/scale/run.py --scale $(SCALE) \
		$(if $(PUBLISH),--publish)
