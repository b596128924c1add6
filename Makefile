# `make` or `make help` lists the commands: it prints the `##` comment of each target.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
# With the bytecode of the last run, each process is ready 6 seconds of CPU time earlier.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest
# Three processes for two cores, because a quarter of the time goes to waiting; at most 12, because each uses a GB of
# memory. A file runs in one process, so that its tests share servers and databases; the longest files run first
# (tests/support/collection_plugin.py).
PARALLEL = -n $(shell $(PYTHON) -c 'import os; print(max(2, min(12, os.cpu_count() * 3 // 2)))') --dist loadfile --no-loadscope-reorder

# The model of `make paint-local`: a preset, a folder, or a model id.
MODEL ?= sd-turbo

.DEFAULT_GOAL := help
.PHONY: help demo dev paint-local deploy-gpu test test-fast coverage lint format check bench bench-gallery bench-gpu bench-gpu-machine lighthouse measure-feed screenshots clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A stamp per set of packages: set-up runs again when what it installs has changed.
$(VENV)/.demo: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "PYTHON: Python 3.11 or newer is needed, e.g. make demo PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "PYTHON: this Python cannot create a virtual environment; install its venv package"; exit 1; }
	@echo "installing packages (once) ..."
	@$(PIP) -e ".[queue]"
	@touch $@

$(VENV)/.paint: $(VENV)/.demo
	@echo "installing torch and diffusers (once) ..."
	@$(PIP) -e ".[queue,diffusers]"
	@touch $@

$(VENV)/.modal: $(VENV)/.demo
	@echo "installing modal (once) ..."
	@$(PIP) -e ".[queue,modal]"
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "installing packages for tests (once) ..."
	@$(PIP) -e ".[queue,diffusers,modal,postgres,dev]"
	@touch $@

demo: $(VENV)/.demo ## Run everything on this machine: sandbox X, queue, GPU service, bot, workers, gallery
	@exec $(BIN)/threadpaint demo

dev: $(VENV)/.test ## Run the demo and restart it when code or templates change
	@exec $(BIN)/watchfiles --sigint-timeout 10 --ignore-paths data "$(BIN)/threadpaint demo" bot core worker gallery gpu sandbox

# `make demo DEMO_GPU_URL=http://127.0.0.1:8002` in another terminal uses it.
paint-local: $(VENV)/.paint ## Serve a real model on this machine: MODEL=sd-turbo, a folder, or a model id
	@exec $(BIN)/python -m gpu --engine diffusers --model "$(MODEL)"

# Settings come from the environment or as words: `make deploy-gpu GPU_MODEL=sd-turbo DEPLOY_DAY_MIN=1`.
deploy-gpu: $(VENV)/.modal ## Deploy the GPU service to Modal: show its price and ceiling, fetch weights, deploy
	@$(BIN)/python -m gpu.deploy
	@$(BIN)/modal config show | grep -q '"token_id": "' || { echo "MODAL_TOKEN_ID: no account at Modal on this machine: run $(BIN)/modal setup"; exit 1; }
	@$(BIN)/modal run -m gpu.app::fetch_weights
	@$(BIN)/modal deploy -m gpu.app

test: $(VENV)/.test ## Run all tests, or some: make test TESTS=tests/bot ARGS="-k options"
ifdef TESTS
	@$(PYTEST) $(ARGS) $(TESTS)
else
	@$(PYTEST) $(PARALLEL) $(ARGS) tests
endif

test-fast: $(VENV)/.test ## Run the tests that need no PostgreSQL, no browser and no processes of the product
	@$(PYTEST) $(PARALLEL) $(ARGS) -m "not postgres and not browser and not processes and not slow" --ignore=tests/e2e tests

coverage: $(VENV)/.test ## Run the fast tests and report which lines they reach
	@$(PYTEST) $(PARALLEL) $(ARGS) -m "not postgres and not browser and not processes and not slow" --ignore=tests/e2e --cov --cov-report=term:skip-covered tests

lint: $(VENV)/.test ## Check style, types, imports, names and spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/check_names.py
	@$(BIN)/codespell

translations: $(VENV)/.test ## Collect the texts of the gallery into the files of its languages, and count what is missing
	@$(BIN)/python -m tools.translations

format: $(VENV)/.test ## Format the code and fix what ruff can fix
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

check: lint test-fast ## Run before each commit: lint and test-fast

bench: $(VENV)/.test ## Measure everything that has a goal and print one table: ARGS="--only whole_way,gallery"
	@$(BIN)/python tests/bench/run.py $(ARGS)

bench-gallery: $(VENV)/.test ## Measure pages per second with 10,000 and 100,000 creations beside a bare page
	@$(BIN)/python tests/bench/gallery.py $(ARGS)

bench-gpu: $(VENV)/.test ## Measure the GPU service: on a GPU if there is one, else its own overhead; ARGS=--help
	@$(BIN)/python tests/bench/gpu.py $(ARGS)

# For a machine without a network: only Python, torch and the wheels of `gpu_machine.py pack`.
bench-gpu-machine: ## Measure a GPU machine in ten minutes from carried wheels: WHEELS=.wheels OUT=results
	@$(PYTHON) tests/bench/gpu_machine.py run "$(or $(WHEELS),.wheels)" "$(or $(OUT),results)" $(ARGS)

# npm installs Lighthouse into the virtual environment's folder, once.
lighthouse: $(VENV)/.test ## Run Lighthouse on three pages of a demo
	@$(BIN)/python tests/bench/lighthouse.py

measure-feed: $(VENV)/.test ## Measure the feed in Chromium: pictures per screen, covered share, shift, clicks, keys
	@$(BIN)/python tests/e2e/measure_feed.py

screenshots: $(VENV)/.test ## Take the pictures of the README from a demo
	@$(BIN)/python docs/screenshots.py

clean: ## Remove the virtual environment; your data stays
	rm -rf $(VENV)
