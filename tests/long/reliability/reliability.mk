# make reliability   the long forms of the robustness tests; figures in build/reliability.txt

.PHONY: reliability
reliability: $(VENV)/.built $(VENV)/.test-tools
	rm -f build/reliability.txt
	PCASPY_RELIABILITY=long $(BIN)/python -m pytest -o timeout=900 \
		tests/long/reliability tests/server/wire/test_wire_robustness.py \
		tests/server/state/test_damage.py
	cat build/reliability.txt
