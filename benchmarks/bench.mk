# Targets of the benchmarks; included by the main Makefile.
# `make bench` takes about an hour, `make bench QUICK=1` some minutes.
PYTHON ?= python3
BENCH_FLAGS = $(if $(QUICK),--quick,--publish) $(if $(ONLY),--only $(ONLY))

.PHONY: bench
bench:
	$(PYTHON) benchmarks/run.py $(BENCH_FLAGS)
