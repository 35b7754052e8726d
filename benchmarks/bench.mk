# Targets of the benchmarks; included by the main Makefile.
#
# make bench            server and client beside their peers: more than an hour; writes
#                       the tables and plots of docs/explanation/performance.md and
#                       benchmarks/README.md
# make bench QUICK=1    some minutes, rough, printed only
# make bench ROWS="..." these rows only, three times, against those that their goals name;
#                       printed only. Names: the metrics of benchmarks/goals.py, and
#                       aioca_ with a scenario of benchmarks/aioca/run.py
# make bench-server     the first half; also ONLY="gets fan10" REPEAT=3
# make bench-aioca      the second half
# make bench-pva      PVAccess beside p4p and softioc, printed only; some minutes
# make bench-micro      instructions of the codec and snapshot paths: over 3 % more than
#                       in the commit that renewed benchmarks/micro/baseline.json fails;
#                       counts nothing without valgrind

# Tables are published whole or not at all.
PUBLISH := $(if $(QUICK)$(ROWS)$(ONLY)$(CONTENDERS),,--publish)
BENCH_FLAGS = $(PUBLISH) $(if $(QUICK),--quick) $(if $(ROWS),--rows $(ROWS)) \
	$(if $(ONLY),--only $(ONLY)) $(if $(CONTENDERS),--contenders $(CONTENDERS)) \
	$(if $(REPEAT),--repeat $(REPEAT))
AIOCA_FLAGS = $(if $(QUICK)$(ROWS),,--publish) $(if $(QUICK),--rounds 1) \
	$(if $(ROWS),--rows $(ROWS)) $(if $(REPEAT),--rounds $(REPEAT))

$(VENV)/.bench-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

.PHONY: bench bench-server bench-aioca bench-pva bench-micro
bench: bench-server bench-aioca

bench-server: $(VENV)/.built $(VENV)/.bench-tools
	$(BIN)/python benchmarks/run.py $(BENCH_FLAGS)

bench-aioca: $(VENV)/.built $(VENV)/.bench-tools
	$(BIN)/python benchmarks/aioca/run.py $(AIOCA_FLAGS)

bench-pva: $(VENV)/.built
	$(BIN)/python benchmarks/pva/run.py

bench-micro: $(VENV)/.installed
	$(BIN)/python benchmarks/micro/micro.py
