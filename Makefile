# SPDX-License-Identifier: Apache-2.0
# The front door. meson and ninja do the work; this file only remembers how to ask them.

BUILD  ?= build
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)
SETUP  := tools/setup.sh
PYTHON := .deps/venv/bin/python
lower   = $(shell echo $(1) | tr A-Z a-z)

.PHONY: all demo test drift drill crash check fuzz bench install clean format asan help

all: $(BUILD)/build.ninja ## build plumb; installs what the machine lacks
	@ninja -C $(BUILD) -j $(JOBS)
	@ln -sfn src/cli/plumb $(BUILD)/plumb

# A folder that came or went is noticed here: meson itself looks only at those it knew.
$(BUILD)/build.ninja: tools/versions.sh tools/setup.sh $(wildcard src/*/meson.build) \
		$(wildcard test/unit/*/meson.build)
	@$(SETUP) build
	@if [ -f $@ ]; then meson setup --reconfigure $(BUILD) >/dev/null; \
		else meson setup $(BUILD); fi
	@touch $@

demo: all ## play the whole pipeline on generated posts, in ./demo
	@BUILD=$(BUILD) tools/demo.sh

test: ## unit tests, then everything the program promises
	@BUILD=$(BUILD) tools/test.sh

crash: all ## 200 kills, late wakers, full disks, the power lost at every point
	@$(SETUP) test
	@PLUMB_FULL=1 PLUMB_BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -s \
		$(addprefix test/e2e/test_,kill.py crash.py late.py disk.py power.py)

drift: all ## findings on recorded API versions and 1,000 made-up upgrades, with all misses
	@$(SETUP) test
	@PLUMB_FULL=1 PLUMB_BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -s test/drift

drill: all ## API upgrades played on made-up posts and recorded data: what is held, healed, missed
	@$(SETUP) test
	@PLUMB_FULL=1 PLUMB_BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -s test/e2e/test_drill.py

check: ## format, layers, two compilers with -Werror, sanitizers
	@tools/check.sh

fuzz: SECONDS := 600
fuzz: TARGET :=
fuzz: ## every fuzz target for SECONDS=600 each, or TARGET=name alone
	@tools/fuzz.sh --seconds $(SECONDS) $(if $(TARGET),--target $(TARGET))

bench: all ## plumb against its peers, alternately: PARTS= PEER= VARIANT= POSTS= ROUNDS= THREADS=
	@$(SETUP) bench
	@.deps/venv-bench/bin/python bench/bench.py --build $(BUILD) \
		$(foreach word,PARTS PEER VARIANT POSTS ROUNDS THREADS MARKDOWN, \
			$(if $($(word)),--$(call lower,$(word)) $($(word)))) $(if $(APPEND),--append)

install: TO = $(DESTDIR)$(PREFIX)
install: all ## into PREFIX (default /usr/local); DESTDIR is honoured
	@install -Dm755 -t $(TO)/bin $(BUILD)/src/cli/plumb $(BUILD)/src/sqlworker/plumb-sql
	@install -Dm755 -t $(TO)/lib/plumb .deps/libduckdb.so
	@install -d $(TO)/share/bash-completion/completions $(TO)/share/zsh/site-functions \
		$(TO)/share/fish/vendor_completions.d
	@$(BUILD)/plumb completion bash >$(TO)/share/bash-completion/completions/plumb
	@$(BUILD)/plumb completion zsh >$(TO)/share/zsh/site-functions/_plumb
	@$(BUILD)/plumb completion fish >$(TO)/share/fish/vendor_completions.d/plumb.fish
	@echo "installed plumb into $(TO)"

format: ## rewrite every C file as .clang-format says
	@$(SETUP) check
	@clang-format-14 -i $$(git ls-files '*.c' '*.h')

asan: ## a build with ASan and UBSan, in build-asan
	@$(SETUP) test
	@tools/build.sh asan

clean: ## forget builds and the demo; what was set up stays in .deps
	rm -rf build build-* demo

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18
