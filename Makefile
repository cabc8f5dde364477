# `make` lists the targets. Every command runs in the project's own virtual environment.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
export PYTHONPATH := $(CURDIR):$(CURDIR)/operator

# Asked for once, and only by the targets that use it.
PY = $(eval PY := $(shell $(PYTHON) tools/environment.py path $(ENVIRONMENT)))$(PY)

# The lock of the environment: dev has everything, train-trees runs bots of trees without torch.
ENVIRONMENT := dev

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Build the virtual environment from its lock, once (ENVIRONMENT=train-trees without torch)
	@$(PYTHON) tools/environment.py setup $(ENVIRONMENT)

# The demo and its cluster need no torch.
TREES_PY = "$$($(PYTHON) tools/environment.py path train-trees)"

.PHONY: setup-trees
setup-trees:
	@$(PYTHON) tools/environment.py setup train-trees

.PHONY: print-python
print-python: ## Print the environment's interpreter
	@$(PYTHON) tools/environment.py path $(ENVIRONMENT)

.PHONY: hooks
hooks: setup ## Run `make check` before every commit
	@$(PY) -m pre_commit install

EXTRAS := operator infer train-trees train exchange
LOCK := pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet $(UPGRADE)

.PHONY: lock
lock: setup ## Resolve requirements/*.txt from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(PY) -m uv $(LOCK) --extra dev -o requirements/dev.txt
	for extra in $(EXTRAS); do \
		$(PY) -m uv $(LOCK) --extra $$extra -c requirements/dev.txt -o requirements/$$extra.txt; \
	done

# Folders with our Python; those that do not exist yet are left out.
SOURCES := $(wildcard bot_runtime bot_exchange operator/bot_operator demo tests tools benchmarks)

.PHONY: format
format: setup ## Format the code and apply the safe fixes of the linter
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .

.PHONY: crds
crds: setup ## Generate crds/ and docs/api.md from the models of the contract
	$(PY) -m tools.generate_crds

.PHONY: check
check: setup ## Format, lint, types, import contracts, text, generated files
	$(PY) -m ruff format --check .
	$(PY) -m ruff check --no-cache .  # its cache forgets that an import's module appeared
	$(PY) -m mypy $(SOURCES)
	$(dir $(PY))lint-imports --no-logo
	$(PY) -m tools.generate_crds --check
	$(PY) -m tools.check_text
	$(PY) -m tools.check_code

.PHONY: test
test: setup ## Everything: check, unit, integration and end-to-end tests, and a closing table
	$(PY) -m tests.tiers check unit integration e2e

.PHONY: test-unit
test-unit: setup ## Unit tests: two to four minutes, no network
	$(PY) -m tests.tiers unit

.PHONY: test-integration
test-integration: setup ## Tests against a real kube-apiserver and controller-manager
	$(PY) -m tests.tiers integration

.PHONY: test-e2e
test-e2e: setup ## The whole story on a real kubelet
	$(PY) -m tests.tiers e2e

.PHONY: fuzz
fuzz: setup ## 5,000 generated resources against the real API server and operator (FUZZ=n, SEED=n, FROM=n)
	BOTCRIPTO_FUZZ=$(or $(FUZZ),5000) BOTCRIPTO_FUZZ_SEED=$(SEED) BOTCRIPTO_FUZZ_FROM=$(FROM) \
		$(PY) -m pytest tests/integration/test_bad_input.py -k generated -s

.PHONY: scan
scan: setup ## kube-score and checkov over the manifests and over what the operator creates
	$(PY) -m pytest tests/scan

.PHONY: demo
demo: setup-trees ## From nothing to a bot that decides, on a real Kubernetes (CANDLES=file, CLUSTER=current)
	@$(TREES_PY) -m demo

.PHONY: demo-local
demo-local: setup-trees ## The same bot as plain processes, without Kubernetes (CANDLES=file, STORE=folder)
	@$(TREES_PY) -m demo local

.PHONY: bench
bench: setup ## Benchmarks, each ratio held against its limit (NAME=x for one)
	@$(PY) -m benchmarks $(NAME)

FAULTS := tests/integration/faults
.PHONY: crash-points
crash-points: setup ## The operator killed before and after every write of a bot's life (CRASH_SEED=n, CRASH_FROM=n)
	CRASH_POINTS=all $(PY) -m pytest $(FAULTS)/test_crash_points.py -s

.PHONY: soak
soak: setup ## Half an hour of churn under two replicas that kill each other (SOAK_SECONDS=n, SOAK_SEED=n)
	SOAK_SECONDS=$${SOAK_SECONDS:-1800} $(PY) -m pytest $(FAULTS)/test_soak.py -s

.PHONY: paper-hours
paper-hours: setup ## A bot trades on paper for six hours, disturbed (PAPER_HOURS=n, PAPER_FOLDER=folder)
	$(PY) -m tests.hours

.PHONY: clean
clean: ## Remove what checks and tests left here, and environments unused for two weeks
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist reports
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	$(PYTHON) tools/environment.py prune

-include tests/cluster/cluster.mk
