# Each target does its own set-up. `make demo` needs Python 3.11 or later and nothing else.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$p"; break; }; done)
BIN := .venv/bin
SEEDS ?= 10000
MUTANTS ?= 60
SEED ?= 1
LIMIT ?= 0
DATA ?= ../shared/data/openai-moderation-2022.jsonl
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# Some machines forbid Python to keep what it has compiled. The tests start hundreds of processes, and
# each would compile the whole service anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint ready parts compiled unit bench flow chaos review odd-servers first-hours screening simulate mutants kafka moderate-dataset evaluate schemas picture demo-picture deploy-check lock clean

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 20

first-hours: .venv/.dev ## the wheel in a bare folder, from demo to the first verdicts; writes build/first_hours.json
	$(BIN)/python -m tests.first.hours

demo: .venv/.runtime ## watch messages become verdicts, on embedded parts
	$(BIN)/python -m consumer demo

# Files in their own order: the long ones, which wait for brokers most of the time, come first, and many
# small ones fill the rest. Three at a time keep two cores busy.
test: ready ## lint, types, import contracts and every test, on a real broker and server
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

# What has to be before the tests, beside each other.
ready: .venv/.dev
	@$(MAKE) --no-print-directory --jobs 3 --output-sync lint parts compiled

# Mostly waits for downloads and for installers, of which one may run at a time.
parts: .venv/.dev
	$(BIN)/python -m tests.brokers.kafka --prepare
	$(BIN)/python -m tests.databases
	$(BIN)/python -m tests.browser.chromium

# Three workers would collect the tests at the same moment, and each would compile all of them.
compiled: .venv/.dev
	@said=$$($(BIN)/python -m pytest --collect-only -qq) || { echo "$$said"; exit 1; }

lint: .venv/.dev ## ruff, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: .venv/.dev ## the tests that need neither broker nor server
	$(BIN)/python -m pytest tests/unit

bench: .venv/.dev ## measure against hand-written consumers; writes build/bench.json
	$(BIN)/python -m tests.benchmarks.bench

flow: .venv/.dev ## how well calls fill servers of 16 to 256 slots; writes build/flow.json
	$(BIN)/python -m tests.servers.flow

chaos: .venv/.dev ## kill and freeze workers and brokers, then audit; writes build/chaos.json
	$(BIN)/python -m tests.chaos.chaos

review: .venv/.dev ## two reviewers in two browsers, kills, 50 at one desk; writes build/review.json
	$(BIN)/python -m tests.databases
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m tests.review.review

odd-servers: .venv/.dev ## servers that answer oddly, row by row; writes build/odd_servers.json
	$(BIN)/python -m tests.odd.odd_servers

screening: .venv/.dev ## what a filter saves on ../shared/data, and whether its tests hold; writes build/screening.json
	$(BIN)/python -m tests.screening.screening

simulate: .venv/.dev ## SEEDS=n worlds from seeds, on a virtual clock; writes build/simulate.json
	$(BIN)/python -m tests.simulation.simulate --seeds $(SEEDS)

mutants: .venv/.dev ## deliberate bugs and a sample (MUTANTS=n SEED=s) that tests must catch; build/mutants.json
	$(BIN)/python -m tests.mutants.mutants --sample $(MUTANTS) --seed $(SEED)

kafka: .venv/.dev ## start a local Kafka broker and keep it running
	$(BIN)/python -m tests.brokers.kafka

moderate-dataset: .venv/.dev ## DATA=file.jsonl through real Kafka and llama.cpp; build/dataset.json
	$(BIN)/python -m tests.dataset.moderate "$(DATA)"

evaluate: .venv/.dev ## DATA=file.jsonl LIMIT=n through safeguard evaluate, killed twice; build/evaluate.json
	$(BIN)/python -m tests.dataset.evaluate "$(DATA)" --limit $(LIMIT)

schemas: .venv/.dev ## write deploy/schemas/, deploy/kubernetes/, the README's tables and consumer/FILES.md
	$(BIN)/python -m tests.generated

picture: .venv/.dev ## draw the rooms and which imports which; writes deploy/rooms.svg
	$(BIN)/python -m tests.rooms

demo-picture: .venv/.runtime ## play the demo once and draw its screen; writes deploy/demo.svg
	$(BIN)/python -m consumer demo --seconds 60 --plain --svg deploy/demo.svg

deploy-check: .venv/.dev ## deploy/ by promtool, kubectl and whatever else of its own tools is here; builds the image
	$(BIN)/python -m tests.deploy.check $(IMAGE_FLAGS)

lock: ## pin the dependencies anew (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--upgrade pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--upgrade --group dev pyproject.toml -c requirements.lock -o tests/requirements.lock

clean: ## remove everything that was built
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@if [ -z "$(PYTHON)" ]; then
		echo "Python 3.11 or later with venv is needed; set PYTHON=/path/to/python3.11" >&2
		exit 2
	fi
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements.lock | .venv/bin/python
	@echo "Installing what a worker runs on into .venv"
	$(PIP) --require-hashes -r requirements.lock
	if [ ! -e $(BIN)/safeguard ]; then
		printf '#!%s\nimport sys\n\nsys.path.insert(0, "%s")\nfrom consumer.__main__ import main\n\nmain()\n' \
			"$(CURDIR)/$(BIN)/python" "$(CURDIR)" > $(BIN)/safeguard
		chmod +x $(BIN)/safeguard
	fi
	touch $@

.venv/.dev: tests/requirements.lock pyproject.toml | .venv/bin/python
	$(PIP) --require-hashes -r tests/requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	touch .venv/.runtime $@
