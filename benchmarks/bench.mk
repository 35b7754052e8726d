# Targets of the benchmarks; included by the main Makefile.
# `make bench` takes about an hour, `make bench QUICK=1` some minutes.
PYTHON ?= python3
BENCH_FLAGS = $(if $(QUICK),--quick,--publish) $(if $(ONLY),--only $(ONLY))

.PHONY: bench bench-micro
bench:
	$(PYTHON) benchmarks/run.py $(BENCH_FLAGS)

# Instructions of the codec and snapshot paths against benchmarks/micro/baseline.json.
bench-micro:
	$(PYTHON) benchmarks/micro/micro.py
