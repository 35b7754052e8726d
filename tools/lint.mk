# make lint        every check that reads the sources only, lint-tidy included
# make lint-tidy   clang-tidy over the C++ of the packages; .clang-tidy says which checks

TIDY := $(filter %.cpp,$(ENGINE) $(BRIDGE))
TIDY_EPICS = $(VENV_SITE)/epicscorelibs/include
TIDY_INCLUDE = $(VENV_SITE)/numpy/_core/include $(TIDY_EPICS) $(TIDY_EPICS)/os/Linux \
	$(TIDY_EPICS)/compiler/gcc $(VENV_SITE)/pvxslibs/include $(shell $(BIN)/python -c \
	"import sysconfig; print(sysconfig.get_path('include'))")
TIDY_FLAGS = -std=c++20 -D_GNU_SOURCE -Dlinux -DUNIX -Iext -Isrc \
	$(addprefix -isystem ,$(TIDY_INCLUDE))
VENV_SITE = $(shell $(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")
LINT_JOBS ?= 2

.PHONY: lint lint-tidy
lint: $(VENV)/.built $(VENV)/.lint-tools
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint src  # starts pycodestyle
	$(BIN)/python tools/sizes.py
	$(BIN)/python tools/phrases.py
	$(BIN)/codespell
	$(BIN)/clang-format --dry-run -Werror $(CPP)
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(MAKE) --no-print-directory lint-tidy

lint-tidy: $(VENV)/.installed $(VENV)/.lint-tools
	printf '%s\n' $(TIDY) | xargs -P $(LINT_JOBS) -I {} \
	    $(BIN)/clang-tidy --quiet {} -- $(TIDY_FLAGS)
