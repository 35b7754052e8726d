# make demo     build, then a server and a client for some seconds
# make test     build, then every test (PYTEST_ARGS="-k name" for some of them)
# make lint     every check that reads the source only (tools/lint.mk)
# make clean    remove what the build made; `make distclean` the environments as well
#
# All set-up happens here, in a virtual environment of the project's own: .venv, or
# .venv-python3.13 with PYTHON=python3.13. CC and CXX choose the compiler.

PYTHON ?= python3
PYTEST_ARGS ?=
# Processes that run test files side by side; 0: everything in one process.
TEST_JOBS ?= 3
# Clients, servers and programs that the tests compare with, see tests/support/peers.py.
PEERS := lume-pva aioca pcaspy pyepics caproto pyca cachannel cothread lewis \
	ligo-softioc ophyd-async coniql jupyter gui pydm p4p pvapy softioc

VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin

# The server's project and the client's, and how both are built.
PROJECTS := pyproject.toml setup.py client/pyproject.toml client/setup.py \
	client/backend.py tools/building.py
# Everything the extension modules are compiled from, and all C++ of ours.
GENERATED := $(patsubst %.pyx,%.cpp,$(wildcard src/*/*.pyx src/*/*/*.pyx))
ENGINE := $(wildcard ext/*/*.cpp ext/*/*.hpp)
BRIDGE := $(filter-out $(GENERATED),$(wildcard src/*/*/*.cpp src/*/*/*.hpp))
CYTHON := $(foreach d,* */* */*/*,$(wildcard src/$d/*.pyx src/$d/*.pxd))
CPP := $(ENGINE) $(BRIDGE) $(wildcard tests/*/*/*.cpp tests/*/*/*.hpp examples/native/*.cpp)

.PHONY: all demo test format clean distclean
all: $(VENV)/.built

# The stamps: environment, build requirements, the project itself, tools.
$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

# Both projects, editable. What is compiled is compiled in place, afterwards.
$(VENV)/.installed: $(VENV)/.created $(PROJECTS)
	$(BIN)/python -m pip install --quiet --group build
	PCASPY_COMPILE=0 $(BIN)/python -m pip install --quiet --no-build-isolation \
	    --editable . --editable client
	@touch $@

$(VENV)/.built: $(VENV)/.installed $(ENGINE) $(BRIDGE) $(CYTHON)
	$(BIN)/python setup.py --quiet build_ext --inplace --force
	$(BIN)/python client/setup.py --quiet build_ext --inplace --force
	@touch $@

$(VENV)/.test-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group test
	@touch $@

$(VENV)/.lint-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group lint
	@touch $@

# Its client for PVAccess, where it can be installed.
$(VENV)/.demo-tools: $(VENV)/.created pyproject.toml
	-$(BIN)/python -m pip install --quiet --group demo
	@touch $@

demo: $(VENV)/.built $(VENV)/.demo-tools
	$(BIN)/python examples/demo.py

test: $(VENV)/.built $(VENV)/.test-tools
	$(BIN)/python tests/support/peers.py $(PEERS)
ifeq ($(PYTEST_ARGS),)
	@# The random programs beside the others: both mostly wait.
	@mkdir -p build
	$(BIN)/python -m pytest -q -m generated -n 2 -p no:cacheprovider \
	    tests/whole/compat > build/generated.log 2>&1 & \
	$(BIN)/python -m pytest -q -m "not alone and not generated" -n $(TEST_JOBS) \
	    --dist loadfile --no-loadscope-reorder --durations=20; others=$$?; \
	wait $$!; random=$$?; cat build/generated.log; exit $$((others + random))
	$(BIN)/python -m pytest -q -m alone
else
	$(BIN)/python -m pytest $(PYTEST_ARGS)
endif

format: $(VENV)/.lint-tools
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

clean:
	rm -rf build dist src/*.egg-info
	rm -f $(GENERATED) src/*/*.so src/*/*/*.so .venv*/.installed .venv*/.built

distclean: clean
	rm -rf .venv* .peers

-include benchmarks/bench.mk
-include tests/engine/fuzz/fuzz.mk
-include tests/long/reliability/reliability.mk
-include tests/long/monkey/monkey.mk
-include tests/long/soak/soak.mk
-include tests/long/scale/scale.mk
-include tests/whole/compat/compat.mk
-include tests/long/mutants/mutants.mk
-include tests/whole/sanitize.mk
-include docs/docs.mk
-include tools/lint.mk
-include tools/tools.mk
