# make fuzz SECONDS=60             runs every target that long
# make fuzz SECONDS=60 TARGETS=dbr   one of them
#
# Needs clang with libFuzzer (Debian: clang), another one with FUZZ_CXX=clang++-19. New inputs are kept in build/fuzz/found,
# and what breaks an invariant in build/fuzz/TARGET-crash-*: it belongs into
# tests/engine/fuzz/corpus/TARGET, which `make test` replays.

SECONDS ?= 60
TARGETS ?= framer dbr session search events values
FUZZ_CXX ?= clang++

FUZZ_OUT := build/fuzz
FUZZ_EPICS = $(shell $(BIN)/python -c "import importlib.util as u; \
	print(u.find_spec('epicscorelibs').submodule_search_locations[0])")
FUZZ_FLAGS = -std=c++20 -O1 -g -Wall -Wextra -pthread -fno-omit-frame-pointer \
	-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
	-D_GNU_SOURCE -Dlinux -DUNIX -Iext -Isrc -Itests/fuzz -isystem $(FUZZ_EPICS)/include
FUZZ_SOURCES := $(wildcard $(addprefix ext/,$(addsuffix /*.cpp,base proto net dbr access pv server client)))
FUZZ_OBJECTS := $(FUZZ_SOURCES:%.cpp=$(FUZZ_OUT)/%.o)

.PHONY: fuzz fuzz-build
.SECONDARY: $(FUZZ_OBJECTS)
fuzz-build: $(TARGETS:%=$(FUZZ_OUT)/fuzz_bin_%)

fuzz-build: | fuzz-compiler

.PHONY: fuzz-compiler
fuzz-compiler:
	@echo 'int main() {}' | $(FUZZ_CXX) -fsanitize=fuzzer-no-link -x c++ -c -o /dev/null - \
	    || { echo "make fuzz needs clang with libFuzzer (Debian and Ubuntu:" \
	         "apt-get install clang; or FUZZ_CXX=clang++-19)"; exit 1; }

fuzz: fuzz-build
	@for target in $(TARGETS); do \
		mkdir -p $(FUZZ_OUT)/found/$$target; \
		echo "== $$target"; \
		$(FUZZ_OUT)/fuzz_bin_$$target -max_total_time=$(SECONDS) -print_final_stats=1 \
			-rss_limit_mb=2048 -timeout=20 -max_len=4096 \
			-artifact_prefix=$(FUZZ_OUT)/$$target- \
			$(FUZZ_OUT)/found/$$target tests/engine/fuzz/corpus/$$target \
			> $(FUZZ_OUT)/$$target.log 2>&1 \
			|| { tail -60 $(FUZZ_OUT)/$$target.log; exit 1; }; \
		grep -E 'cov: ' $(FUZZ_OUT)/$$target.log | tail -1; \
		grep -E 'stat::' $(FUZZ_OUT)/$$target.log; \
	done

$(FUZZ_OUT)/%.o: %.cpp tests/engine/fuzz/fuzz.mk | $(VENV)/.installed
	@mkdir -p $(@D)
	$(FUZZ_CXX) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_OUT)/fuzz_bin_%: tests/engine/fuzz/fuzz_main.cpp tests/engine/fuzz/%.hpp $(FUZZ_OBJECTS)
	$(FUZZ_CXX) $(FUZZ_FLAGS) -fsanitize=fuzzer -DTARGET=$* '-DFUZZ_HEADER="$*.hpp"' \
		-MMD -MP -MF $@.d -o $@ $< $(FUZZ_OBJECTS) \
		-L$(FUZZ_EPICS)/lib -Wl,-rpath,$(FUZZ_EPICS)/lib -lca -lCom

-include $(FUZZ_OBJECTS:.o=.d) $(wildcard $(FUZZ_OUT)/*.d)
