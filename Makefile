# Everything begins here. The tools come from the lock file; uv itself is fetched where the machine has none.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test up down lint types format contracts

UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := .uv/bin/uv
endif
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready

help: ## Show what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: $(READY) ## Real orders from checkout to doorstep, then the audit (about 2 minutes)
	@$(BIN)/packhorse demo

up: $(READY) ## Start the whole system and leave it running until Ctrl-C or `make down`
	@$(BIN)/packhorse up

down: $(READY) ## Stop what `make up` started
	@$(BIN)/packhorse down

test: $(READY) ## All tests on a real Kafka and a real PostgreSQL, with the coverage of the pure modules
	@rm -f .coverage
	$(BIN)/pytest --cov --cov-config=pyproject.toml --cov-report=
	$(BIN)/coverage report --include='services/*/packhorse_*/state.py,services/*/packhorse_*/reactions.py,services/*/packhorse_*/policies.py' --fail-under=95

lint: $(READY) ## Style, layers between the packages, and generated files that are stale
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(READY) ## Strict type check
	$(BIN)/mypy libs services tests

format: $(READY) ## Put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

contracts: $(READY) ## Export schemas, samples, AsyncAPI and the event catalogue
	$(BIN)/python -m packhorse_contracts.export

$(READY): pyproject.toml uv.lock $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
	@if [ "$(UV)" = .uv/bin/uv ] && [ ! -x .uv/bin/uv ]; then $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet uv; fi
	@$(UV) sync --quiet --all-packages --frozen --python $(PYTHON)
	@touch $@
