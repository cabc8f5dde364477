# `make` lists the targets. Every command runs in the project's own virtual environment.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
export PYTHONPATH := $(CURDIR):$(CURDIR)/operator

# Asked for once, and only by the targets that use it.
PY = $(eval PY := $(shell $(PYTHON) tools/environment.py path))$(PY)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Build the virtual environment from the lock (only when lock or python changed)
	@$(PYTHON) tools/environment.py setup

.PHONY: print-python
print-python: ## Print the environment's interpreter
	@echo "$(PY)"

EXTRAS := operator infer train exchange
LOCK := pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet $(UPGRADE)

.PHONY: lock
lock: setup ## Resolve requirements/*.txt from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(PY) -m uv $(LOCK) --extra dev -o requirements/dev.txt
	for extra in $(EXTRAS); do \
		$(PY) -m uv $(LOCK) --extra $$extra -c requirements/dev.txt -o requirements/$$extra.txt; \
	done

# Folders with our Python; those that do not exist yet are left out.
SOURCES := $(wildcard bot_runtime bot_exchange operator/bot_operator tests tools benchmarks)

.PHONY: format
format: setup ## Format the code and apply the safe fixes of the linter
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .

.PHONY: crds
crds: setup ## Generate crds/ from the models of the contract
	$(PY) tools/generate_crds.py

.PHONY: check
check: setup ## Format, lint, types, import contracts, text, generated files
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy $(SOURCES)

-include tests/cluster/cluster.mk
