# make sanitize           ASan and UBSan over the Python tests, the C++ tests and the
#                         corpora; TSan over the C++ tests and the threaded stress
# make sanitize SHORT=1   the same over fewer tests, for every change
#
# The packages are built into an environment of their own, build/sanitize/venv, which
# borrows the tools of the ordinary one. What a sanitizer finds in any process is in
# build/sanitize/report.*, and makes it fail.

SHORT ?=
SAN := build/sanitize
SAN_PYTHON := $(CURDIR)/$(SAN)/venv/bin/python
SAN_SITE = $(CURDIR)/$(SAN)/venv/lib/python$(shell $(BIN)/python -c \
	"import sys; print('%d.%d' % sys.version_info[:2])")/site-packages
SAN_PRELOAD = $(foreach l,libasan.so libstdc++.so,$(realpath $(shell $(CXX) -print-file-name=$(l))))
# Python itself does not free everything; the engine's counters look for leaks of ours.
# Tests that measure memory leave little of it for the quarantine.
SAN_ENV = ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8:log_path=$(CURDIR)/$(SAN)/report \
	UBSAN_OPTIONS=print_stacktrace=1:log_path=$(CURDIR)/$(SAN)/report \
	TSAN_OPTIONS=halt_on_error=1:log_path=$(CURDIR)/$(SAN)/report
# Those that do not run the packages' own code, or measure it.
SAN_SKIP := --ignore=tests/whole/packaging --ignore=tests/whole/typing --ignore=tests/whole/docs \
	--ignore=tests/whole/gui --ignore=tests/whole/notebook --ignore=tests/engine/cpp --ignore=tests/engine/fuzz
SAN_TESTS := $(if $(SHORT),tests/server/unit tests/server/failures tests/server/wire/test_wire_values.py \
	tests/server/wire/test_wire_slow_clients.py tests/client/test_lying_server.py,tests $(SAN_SKIP))
STRESS_SECONDS := $(if $(SHORT),5,60)
CPP_MAKE = $(MAKE) --no-print-directory -C tests/engine/cpp PYTHON=$(CURDIR)/$(BIN)/python

.PHONY: sanitize sanitize-built sanitize-python sanitize-cpp sanitize-threads
sanitize: sanitize-cpp sanitize-threads sanitize-python

# Made once; a .pth file lends the ordinary environment's packages.
$(SAN)/.created: $(VENV)/.installed $(VENV)/.test-tools
	$(BIN)/python -m venv --without-pip $(SAN)/venv
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
	    > $(SAN_SITE)/borrowed.pth
	@touch $@

$(SAN)/.built: $(SAN)/.created $(ENGINE) $(BRIDGE) $(CYTHON) $(PROJECTS)
	for setup in setup.py client/setup.py; do \
	    SANITIZE=address,undefined $(SAN_PYTHON) $$setup --quiet build_ext --force \
	        --build-lib $(SAN_SITE) --build-temp $(CURDIR)/$(SAN)/temp || exit 1; \
	done
	$(SAN_PYTHON) setup.py --quiet build_py --build-lib $(SAN_SITE)
	@touch $@

# What the others compile, but for what `make test` compiles anyway.
sanitize-built: $(SAN)/.built
	$(CPP_MAKE) SANITIZE=thread engine_tests stress

# The Python files change without a build: a copy of today's.
sanitize-python: $(SAN)/.built
	rm -f $(SAN)/report.*
	$(SAN_PYTHON) -c "import shutil, sys; [shutil.copytree('src/' + p, sys.argv[1] + \
	    '/' + p, dirs_exist_ok=True, ignore=shutil.ignore_patterns('*.so', '*.cpp')) \
	    for p in ('pcaspy', 'aioca')]" $(SAN_SITE)
	LD_PRELOAD="$(SAN_PRELOAD)" $(SAN_ENV) $(SAN_PYTHON) -m pytest -q -p no:cacheprovider \
	    -n $(TEST_JOBS) --dist loadfile -m "not alone and not generated" -o timeout=300 $(SAN_TESTS) $(PYTEST_ARGS)
	@! cat $(SAN)/report.* 2> /dev/null

sanitize-cpp:
	$(CPP_MAKE) -j2 SANITIZE=address,undefined check check-pva replay
	for target in $(notdir $(wildcard tests/engine/fuzz/corpus/*)); do \
	    build/cpp/address-undefined/replay $$target tests/engine/fuzz/corpus/$$target/* \
	        > $(SAN)-replay.log || { tail -50 $(SAN)-replay.log; exit 1; }; \
	done

sanitize-threads:
	$(CPP_MAKE) -j2 SANITIZE=thread check stress
	build/cpp/thread/stress $(STRESS_SECONDS)
