# Everything begins here. The tools come from the lock file; uv itself is fetched where the machine has none.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test interpreters up down compose lint types format contracts pages diagrams chaos fuzz simulate bench bench-quick bench-soak profile sabotage release-record

UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := .uv/bin/uv
endif
# Of the interpreters from 3.11 on, one that was built with optimisation (`deploy/python.sh` says how it chooses).
PYTHON ?= $(shell deploy/python.sh)
# A distribution's own may lack what makes the environment for uv; uv itself needs no such thing.
WITH_VENV = $(shell for python in $$(deploy/python.sh all) python3; do $$python -c 'import ensurepip' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
READY := .venv/.ready

help: ## Show what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(READY) ## Real orders from checkout to doorstep, then the audit (about 2 minutes)
	@$(BIN)/packhorse demo

up: $(READY) ## Start the whole system and leave it running until Ctrl-C or `make down`
	@$(BIN)/packhorse up

down: $(READY) ## Stop what `make up` started
	@$(BIN)/packhorse down

# Tests mostly wait for servers: more workers than cores, each with its own broker and database.
WORKERS ?= 4
ifndef SIMULATION_SEED
SIMULATION_SEED := $(shell echo $$RANDOM)
endif
ifndef FUZZ_SEED
FUZZ_SEED := $(shell echo $$RANDOM)
endif
test: export SIMULATION_SEED := $(SIMULATION_SEED)
test: export FUZZ_SEED := $(FUZZ_SEED)
test: $(READY) ## All tests on a real Kafka and a real PostgreSQL, with the coverage of the pure modules (WORKERS=4)
	@rm -f .coverage .coverage.*
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup --durations 10 --cov --cov-config=pyproject.toml --cov-report=
	@echo "repeat with SIMULATION_SEED=$(SIMULATION_SEED) FUZZ_SEED=$(FUZZ_SEED)"
	$(BIN)/coverage report --include='services/*/packhorse_*/state.py,services/*/packhorse_*/reactions.py,services/*/packhorse_*/policies.py' --fail-under=95

interpreters: ## The tests that need no server, on every Python from 3.11 on that this machine has
	@for python in $$(deploy/python.sh all); do \
	    echo "== $$($$python --version), $$python"; export UV_PROJECT_ENVIRONMENT=.venv-$$(basename $$python); \
	    $(UV) sync --quiet --all-packages --frozen --python $$python || exit 1; \
	    $$UV_PROJECT_ENVIRONMENT/bin/pytest -q -n 2 --dist loadgroup services libs/contracts tests/simulation/test_simulation_regressions.py || exit 1; \
	done

FUZZ_FACTOR ?= 5
FUZZ_SECONDS ?= 60
fuzz: $(READY) ## Hostile records, FUZZ_FACTOR times the usual; then the decoder under atheris for FUZZ_SECONDS
	FUZZ_FACTOR=$(FUZZ_FACTOR) FUZZ_SEED=$(FUZZ_SEED) $(BIN)/pytest tests/fuzz
	@$(UV) sync --quiet --all-packages --frozen --group fuzz
	$(BIN)/python tests/fuzz/coverage_guided.py $(FUZZ_SECONDS) $(FUZZ_SEED)

simulate: $(READY) ## Order lives in virtual time under every fault (LIVES=20000, SEED=n repeats a run)
	@$(BIN)/python -m packhorse_simulation --lives $(or $(LIVES),20000) $(if $(SEED),--seed $(SEED))

sabotage: $(READY) ## Tests of the tests: each seeded defect must be caught (SABOTAGE=name, LIST=1, JSON=file)
	@$(BIN)/python -m tests.sabotage $(SABOTAGE) $(if $(LIST),--list) $(if $(JSON),--json $(JSON))

release-record: $(READY) ## Write down what this release writes down, for the next ones to read (tests/releases)
	@$(BIN)/python -m tests.releases

lint: $(READY) ## Style, layers between the packages, and generated files that are stale
	@$(UV) sync --quiet --all-packages --frozen --inexact --group lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m packhorse_contracts.export --check
	$(BIN)/python -m packhorse_cli.pages --check
	$(BIN)/python -m tests.bench.capacity --check
	$(BIN)/hadolint deploy/images/Dockerfile
	$(BIN)/shellcheck deploy/*.sh deploy/*/*.sh .ci/run

compose: .env ## The whole system in containers, with the demo's outside and its orders; needs a Docker engine
	docker compose --profile demo up --build

.env: .env.example
	@umask 077 && deploy/env.sh > $@

types: $(READY) ## Strict type check
	$(BIN)/mypy libs services tests

format: $(READY) ## Put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

contracts: $(READY) ## Export schemas, samples, AsyncAPI and the event catalogue
	$(BIN)/python -m packhorse_contracts.export

pages: $(READY) ## Bring the generated parts of the pages up to date
	$(BIN)/python -m packhorse_cli.pages

diagrams: $(READY) ## Draw which status leads to which, as the simulation's orders live, on the services' pages
	$(BIN)/python -m packhorse_simulation.ways

CHAOS_RATE ?= 4
MINUTES ?= 10
chaos: $(READY) ## Random faults under load for MINUTES, then the audit; SEED repeats a run's choices
	CHAOS_MINUTES=$(MINUTES) CHAOS_SEED=$(or $(SEED),0) CHAOS_RATE=$(CHAOS_RATE) $(BIN)/pytest -q -s -p no:logging --timeout 0 tests/chaos

bench: $(READY) ## Packhorse against the floor, the usual way, durable workflows, many orders, uneven loads (PARTS=sides,…)
	@$(UV) sync --quiet --all-packages --frozen --inexact --group bench
	$(BIN)/python -m tests.bench $(if $(PARTS),--parts $(PARTS))

bench-quick: $(READY) ## The three sides and their latency, in one short round (under 3 minutes)
	$(BIN)/python -m tests.bench --quick

bench-soak: $(READY) ## Memory of every service over 100,000 orders (about 10 minutes)
	$(BIN)/python -m tests.bench --parts soak

profile: $(READY) ## A flame graph of one service under load: SERVICE=order
	@$(UV) sync --quiet --all-packages --frozen --inexact --group bench
	$(BIN)/python -m tests.bench.profile $(or $(SERVICE),order)

$(READY): pyproject.toml uv.lock $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
	@if [ "$(UV)" = .uv/bin/uv ] && [ ! -x .uv/bin/uv ]; then $(WITH_VENV) -m venv .uv && .uv/bin/pip install --quiet uv; fi
	@python=$(PYTHON); echo "Python: $$python"; $(UV) sync --quiet --all-packages --frozen --python $$python
	@touch $@
