# Everything a person or CI runs. No target asks a question or needs a terminal.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
TOOLS := .venv-tools/bin
PYTEST := $(BIN)/pytest -q -ra --durations=10
PARALLEL := -n 2 --dist loadgroup

# Stamps: a target below is repeated only when what it was made from has changed.
CORE := .venv/.core
DEV := .venv/.dev
LINT := .venv-tools/.tools
SYSTEM := .venv/.system-java
POSTGRES := .venv/.system-postgres
PROMETHEUS := .venv/.system-prometheus
CHROMIUM := .venv/.system-chromium
BENCH := .venv-bench/.bench
MINUTES ?= 60 # of chaos
SEED ?= 1 # of chaos
FOLDER ?= # of chaos: on a small disk of its own, to be filled

.PHONY: help setup demo test check mutants schedules alarms chaos e2e browser bench bench-long docs clean stop

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(CORE) $(SYSTEM) ## Make .venv and install what the demo needs (Java and Maven too, where it can)

demo: setup ## The main job end to end: a simulated province to the national portal and the IOC
	$(BIN)/lgsp demo

test: $(DEV) $(SYSTEM) $(POSTGRES) $(PROMETHEUS) ## All but the browser's, with real Kafka, PostgreSQL and Prometheus
	$(PYTEST) $(PARALLEL) -m "not browser and not long"

check: $(DEV) $(LINT) $(PROMETHEUS) ## Format, lint, types, import rules, dead code, coverage, schemas, docs, deployment
	@deploy/check.sh

mutants: $(DEV) ## Take promises out of a copy of the code, one by one: each must fail a test (minutes)
	$(BIN)/python -m tests.mutants

schedules: $(DEV) ## Ten thousand schedules each of a portal and of a writer of files that misbehave (an hour)
	$(BIN)/python -m tests.connectors.kit.walk.schedules 10000
	HYPOTHESIS_EXAMPLES=2500 $(PYTEST) -o timeout=7200 tests/connectors/files/test_writer.py

alarms: $(DEV) $(SYSTEM) $(PROMETHEUS) ## The shipped alerts in a real Prometheus, rung by their real causes (a quarter of an hour)
	$(PYTEST) tests/alarms

chaos: $(DEV) $(SYSTEM) $(PROMETHEUS) ## An hour of faults on the whole service, its label held against the truth
	$(BIN)/python -m tests.chaos.hour $(MINUTES) $(SEED) $(FOLDER)

e2e: $(DEV) $(SYSTEM) ## Only the tests of the whole flow
	$(PYTEST) -m e2e

browser: $(DEV) $(SYSTEM) $(CHROMIUM) ## The IOC page in a real Chromium
	$(PYTEST) -m browser

bench: $(BENCH) $(SYSTEM) $(POSTGRES) ## Our service beside its peers on one event set: table, docs/performance.md (minutes)
	.venv-bench/bin/python -m benchmarks short

bench-long: $(BENCH) $(SYSTEM) $(POSTGRES) ## The same on the whole half-year, five rounds, and up to 10 million events (hours)
	.venv-bench/bin/python -m benchmarks long

docs: $(DEV) ## Write the generated tables again (settings, metrics, topics, .env.example)
	$(BIN)/lgsp docs

stop: ## Stop an embedded broker left in the background
	@if [ -x $(BIN)/lgsp ]; then $(BIN)/lgsp broker stop; fi

clean: stop ## Remove environments, caches and local state
	rm -rf .venv .venv-tools .venv-bench .lgsp .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	rm -rf .hypothesis .coverage* dist

$(CORE): requirements/core.txt requirements/build.txt pyproject.toml
	@deploy/setup.sh core

$(DEV): requirements/dev.txt $(CORE)
	@deploy/setup.sh dev

$(LINT): requirements/tools.txt | $(CORE)
	@deploy/setup.sh tools

$(BENCH): requirements/bench.txt requirements/build.txt pyproject.toml | $(CORE)
	@deploy/setup.sh bench

$(SYSTEM): | $(CORE)
	@deploy/setup.sh java

$(POSTGRES): | $(CORE)
	@deploy/setup.sh postgres

$(PROMETHEUS): | $(CORE)
	@deploy/setup.sh prometheus

$(CHROMIUM): | $(CORE)
	@deploy/setup.sh chromium
