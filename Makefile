# Everything a developer needs; `make help` lists it.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
INI    ?= development.ini
WORKERS ?= 2
DEBIAN := chromium fonts-dejavu-core rabbitmq-server
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install run test test-all check bench screenshots locale hooks clean debian

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): setup.py pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=24'
	$(BIN)/pip install --quiet --editable '.[test]'
	@touch $@

install: $(STAMP) ## create .venv with the application and its tools

run: $(STAMP) ## set up a database with demo data and serve at http://localhost:6543
	@$(BIN)/abah -c $(INI) setup --demo
	@exec $(BIN)/abah -c $(INI) serve

debian:
	@scripts/debian-packages $(DEBIAN)

test: $(STAMP) debian ## run the tests (under 15 minutes)
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow" $(ARGS)

test-all: $(STAMP) debian ## run every test, the long ones too
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: $(STAMP) ## ruff, mypy, import rules, migration drift, documentation of hooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/abah -c development.ini db check --fresh
	$(BIN)/python -m pytest -q tests/contracts/test_hook_docs.py

bench: $(STAMP) ## measure; prints a table and writes build/bench.json
	$(BIN)/python -m benchmarks

screenshots: $(STAMP) debian ## renew the pictures of README and docs from the browser test
	ABAH_SCREENSHOTS=docs/images $(BIN)/python -m pytest -q -m browser tests/functional

locale: $(STAMP) ## collect new texts into the catalogues and compile them
	$(BIN)/python -m core.locale_build update

hooks: $(STAMP) ## write docs/plugins/hooks.md from the hook specifications
	$(BIN)/abah docs hooks

clean: ## remove what was built, keep the database
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .hypothesis
