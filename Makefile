# Alentours. `make run` and `make test` work in a fresh clone; they need python3 (3.11 or newer) and make only.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CODE := app.py citizen_api notifications content tests bench

.DEFAULT_GOAL := help
.PHONY: help setup run test check fix openapi bench services lock pre-commit

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with the locked versions (only when they changed)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Alentours needs Python 3.11 or newer: make PYTHON=python3.11 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 cannot make virtual environments: install its venv package (Debian: apt-get install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: $(STAMP) ## Start Alentours with its demo city (PORT=8000)
	$(BIN)/alentours serve --demo --port $(PORT)

test: $(STAMP) ## Run the tests, on SQLite and (where it runs, always in CI) PostgreSQL
	$(BIN)/python -m pytest --numprocesses=auto $(ARGS)

check: $(STAMP) ## Lint, format, types, imports, generated files in step
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/alentours openapi write --check

fix: $(STAMP) ## Repair what lint and format can
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

openapi: $(STAMP) ## Write openapi.yaml, docs/settings.md and docs/problems.md
	$(BIN)/alentours openapi write

bench: $(STAMP) ## Measure, and write the tables in docs/performance.md
	$(BIN)/python bench/server.py
	$(BIN)/python bench/nearest.py
	$(BIN)/python bench/push.py
	$(BIN)/python bench/mobility.py
	$(BIN)/python bench/slots.py

services: ## Start PostgreSQL, Redis and RabbitMQ where they are missing; install PostGIS and wrk for the bench (Debian, root)
	@sh deploy/services.sh

lock: $(STAMP) ## Pin the newest versions that pyproject.toml allows, without registry addresses
	$(BIN)/pip-compile --quiet --upgrade --extra dev --no-strip-extras --generate-hashes --allow-unsafe \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --output-file requirements.lock pyproject.toml

pre-commit: $(STAMP) ## Check before every commit from now on
	$(BIN)/pre-commit install
