# The commands of this house. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

# The model of `make paint-local`: a preset, a folder, or an id.
MODEL ?= sd-turbo

.PHONY: help demo paint-local test lint format bench bench-gallery bench-gpu lighthouse deploy-gpu screenshots clean

help:
	@echo "make demo         everything on this machine: sandbox X, queue, painter, bot, workers, gallery"
	@echo "make paint-local  paint with a real model on this machine: MODEL=sd-turbo, a folder, or a model id"
	@echo "make deploy-gpu   the painter on Modal: its price and ceiling first, then its weights, then the service"
	@echo "make test         the whole suite (installs torch and diffusers for the painter's part)"
	@echo "make lint         ruff, mypy, import-linter"
	@echo "make format       let ruff format the code"
	@echo "make bench        200 prompts through a running demo, and what each cost in time"
	@echo "make bench-gallery  pages a second of the gallery with 10,000 and 100,000 creations, beside a bare page"
	@echo "make lighthouse   Lighthouse on wall, creation and person of a demo of its own, into docs/lighthouse.md"
	@echo "make bench-gpu    the painter's speed: on a GPU if there is one, else what our own parts cost; ARGS=--help"
	@echo "make screenshots  the pictures of the README, taken from a demo of its own"
	@echo "make clean        forget the virtual environment (your data stays)"

# A stamp per set of packages: set-up runs again when what it installs has changed.
$(VENV)/.demo: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "PYTHON: Python 3.11 or newer is needed, e.g. make demo PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "PYTHON: this Python cannot make a virtual environment; install its venv package"; exit 1; }
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

demo: $(VENV)/.demo
	@exec $(BIN)/python -m core demo

# `make demo DEMO_GPU_URL=http://127.0.0.1:8002` in another terminal paints with it.
paint-local: $(VENV)/.paint
	@exec $(BIN)/python -m gpu --engine diffusers --model "$(MODEL)"

# Settings come from the environment or as words: `make deploy-gpu GPU_MODEL=sd-turbo DEPLOY_DAY_MIN=1`.
deploy-gpu: $(VENV)/.modal
	@$(BIN)/python -m gpu.cost
	@$(BIN)/modal config show | grep -q '"token_id": "' || { echo "MODAL_TOKEN_ID: no account at Modal is known on this machine: run $(BIN)/modal setup"; exit 1; }
	@$(BIN)/modal run -m gpu.app::fetch_weights
	@$(BIN)/modal deploy -m gpu.app

# Files of tests on as many cores as there are; then those of the whole house, which wants the machine for itself.
# `make test TESTS=tests/bot` runs some.
test: $(VENV)/.test
ifdef TESTS
	@$(BIN)/python -m pytest $(TESTS)
else
	@$(BIN)/python -m pytest -n logical --dist loadfile --ignore=tests/e2e tests
	@$(BIN)/python -m pytest tests/e2e
endif

lint: $(VENV)/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.test
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: $(VENV)/.test
	@$(BIN)/python tests/bench/whole_way.py

bench-gallery: $(VENV)/.test
	@$(BIN)/python tests/bench/gallery.py $(ARGS)

# Lighthouse comes by npm, once, into the virtual environment's folder.
lighthouse: $(VENV)/.test
	@$(BIN)/python tests/bench/lighthouse.py

bench-gpu: $(VENV)/.test
	@$(BIN)/python tests/bench/gpu.py $(ARGS)

screenshots: $(VENV)/.test
	@$(BIN)/python docs/screenshots.py

clean:
	rm -rf $(VENV)
