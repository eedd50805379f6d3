# A thin front to Meson: the commands of the README. The program is build/refframe.

BUILD ?= build
# Tests are part of the build where cmocka is installed.
TESTS != pkg-config --exists cmocka && echo true || echo false

.PHONY: build quickstart atlas test test-long bench sanitize sanitize-thread valgrind fuzz play coverage format clean help

build: $(BUILD)/build.ninja
	meson compile -C $(BUILD)

$(BUILD)/build.ninja:
	.ci/dependencies
	meson setup $(BUILD) -Dtests=$(TESTS)

quickstart: build
	$(BUILD)/refframe run experiments/quickstart/experiment.yaml

# The experiments of the atlas (experiments/README.md) anew, a night's work; then which tables differ from the committed ones.
ATLAS = controls necessity what_decides ends sizes vocabulary broadcast luck guo scores depth function lesson two_ends two_ended_data two_ends_ids induction operators optimisation horizon place brake quickstart emergence_scale emergence
atlas: build
	-for name in $(ATLAS); do $(BUILD)/refframe run experiments/$$name/experiment.yaml --results $(BUILD)/atlas; done
	python3 experiments/atlas.py --again $(BUILD)/atlas $(ATLAS)

test:
	.ci/dependencies test
	test -e $(BUILD)/build.ninja || meson setup $(BUILD)
	meson configure $(BUILD) -Dtests=true
	meson compile -C $(BUILD)
	meson test -C $(BUILD) --print-errorlogs

# What takes minutes and is therefore no part of `test`.
test-long:
	.ci/dependencies test
	test -e $(BUILD)/build.ninja || meson setup $(BUILD)
	meson configure $(BUILD) -Dtests=true
	meson compile -C $(BUILD)
	meson test -C $(BUILD) --print-errorlogs --suite long

# Every engine, and PyTorch where PYTHON has it, in turns.
PYTHON ?= python3
bench: build
	$(PYTHON) tests/train/bench_engines.py $(BUILD)/refframe

# The whole suite with address and undefined-behaviour checks.
sanitize:
	.ci/dependencies test
	test -e build-sanitize/build.ninja || \
	    meson setup build-sanitize -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
	meson compile -C build-sanitize
	meson test -C build-sanitize --print-errorlogs

# The same for data races.
sanitize-thread:
	.ci/dependencies test
	test -e build-thread/build.ninja || \
	    meson setup build-thread -Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false
	meson compile -C build-thread
	meson test -C build-thread --print-errorlogs

# Every program in C; each verb of the program itself is in `test-long`.
valgrind:
	.ci/dependencies test
	command -v valgrind || { echo 'missing: valgrind' >&2; exit 1; }
	test -e $(BUILD)/build.ninja || meson setup $(BUILD)
	meson configure $(BUILD) -Dtests=true
	meson compile -C $(BUILD)
	meson test -C $(BUILD) --print-errorlogs --setup valgrind

# Every reader of foreign bytes, or those that TARGETS names, under libFuzzer for FUZZ_SECONDS each, FUZZ_JOBS at a time, with
# address and undefined-behaviour checks (needs clang). Exits non-zero on a finding, which is in build-fuzz/fuzz/findings.
# FUZZ_LENGTH is the longest input; FUZZ_ARGS are Meson's for a build folder that is not there yet, BUILD_FUZZ.
FUZZ_SECONDS ?= 60
FUZZ_JOBS ?= 1
FUZZ_LENGTH ?= 0
FUZZ_ARGS ?= -Doptimization=1
BUILD_FUZZ ?= build-fuzz
fuzz:
	.ci/dependencies fuzz
	test -e $(BUILD_FUZZ)/build.ninja || CC=clang meson setup $(BUILD_FUZZ) -Dtests=false -Dfuzz=true -Ddebug=true $(FUZZ_ARGS)
	meson compile -C $(BUILD_FUZZ) fuzz
	FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_JOBS=$(FUZZ_JOBS) FUZZ_LENGTH=$(FUZZ_LENGTH) tests/fuzz/fuzz.py $(BUILD_FUZZ) $(TARGETS)

# The page that trains, play.html, from src/web (needs Emscripten).
play: $(BUILD)/build.ninja
	.ci/dependencies play
	python3 src/web/make_play.py $(BUILD)/src play.html

# Lines reached by the tests, in build-coverage/meson-logs/coverage.txt (needs gcovr).
coverage:
	.ci/dependencies test
	test -e build-coverage/build.ninja || meson setup build-coverage -Dbuildtype=debug -Db_coverage=true
	meson compile -C build-coverage
	meson test -C build-coverage --print-errorlogs
	ninja -C build-coverage coverage-text

# The form of every C file, which `test-long` holds; clang-format 14, as each version has its own.
format:
	find src tests -name '*.[ch]' | xargs clang-format-14 -i

clean:
	rm -rf $(BUILD) build-sanitize build-thread build-fuzz build-coverage

help:
	@echo 'make             install what is missing (as root), build $(BUILD)/refframe'
	@echo 'make quickstart  build, run the quickstart experiment, say where its report is'
	@echo 'make atlas       run what the atlas of experiments/README.md lists, and say which tables differ (needs python3)'
	@echo 'make test        build and run the test suite'
	@echo 'make test-long   the tests that take minutes: every kill, fault and power cut, every compiler, every verb under valgrind'
	@echo 'make bench       training speed of every engine, and of PyTorch where PYTHON=... has it, against the machine'
	@echo 'make sanitize    the test suite with address and undefined-behaviour checks'
	@echo 'make sanitize-thread   the test suite with checks for data races'
	@echo 'make valgrind    the test programs in C under valgrind'
	@echo 'make fuzz        every reader of foreign bytes under libFuzzer, FUZZ_SECONDS=60 each'
	@echo 'make play        build the page that trains, play.html, again'
	@echo 'make coverage    lines that the tests reach'
	@echo 'make format      every C file in the form of .clang-format'
	@echo 'make clean       remove the build folders'
