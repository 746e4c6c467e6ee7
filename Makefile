# Every task of the project, for laptop and CI alike. GNU make 3.81 suffices.
# `make help` lists them; `make setup` needs only python3 (3.11 or newer) with venv, pip's index and, for
# MicroPython, Debian's packages.

PYTHON3 ?= python3
BIN := .venv/bin
PYTHON := $(BIN)/python
OUT ?= out
# The tests' processes; `make test PYTEST_ARGS=` runs them one after the other.
PYTEST_ARGS ?= -n2

STUBS := .cache/stubs
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.PHONY: help setup micropython bench demo test check pytest firmware generate docs figures benchmark soak clean
.DEFAULT_GOAL := help

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(BIN)/.installed firmware micropython ## prepare .venv, the firmware and MicroPython

$(PYTHON):
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Vigie needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON3=python3.12" >&2; exit 1; }
	@$(PYTHON3) -c 'import ensurepip, venv' 2>/dev/null || \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    apt-get -q update && apt-get -q -y install python3-venv; \
	  else \
	    echo "Python's venv is missing. Run: sudo apt-get install python3-venv" >&2; exit 1; \
	  fi
	$(PYTHON3) -m venv .venv || { rm -rf .venv; exit 1; }

$(BIN)/.installed: pyproject.toml constraints.txt hatch_build.py | $(PYTHON)
	@echo "Installing the Python packages into .venv (a minute or two, once)"
	$(PYTHON) $(PIP_INSTALL) -e '.[dev]' -c constraints.txt
	@touch $@

firmware: $(BIN)/.installed ## compile the firmware (only what changed)
	@$(PYTHON) sdk/vigie/firmware/build.py

micropython: $(BIN)/.installed
	@$(PYTHON) -m vigie.micropython
	@if [ "$$(uname -m)" = x86_64 ]; then $(PYTHON) -m vigie.micropython i386 || \
	  echo "going on without the 32-bit board; its tests are skipped"; fi

bench: setup ## the main job: replay, stream, judge; writes out/bench/report.html
	@$(BIN)/vigie bench --report $(OUT)/bench

demo: setup ## a beating virtual bracelet in this terminal
	@$(BIN)/vigie demo

test: check pytest ## what CI runs

check: setup $(STUBS)/.installed ## style, types (host and firmware), documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/pyright --project firmware/pyrightconfig.json
	@$(MAKE) --no-print-directory docs

pytest: setup ## the tests alone
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(PYTHON) -m pytest $(PYTEST_ARGS)

docs: $(BIN)/.installed ## build the documentation, warnings are errors
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs $(OUT)/docs

generate: $(BIN)/.installed ## write what is derived from the protocol's definition
	$(PYTHON) -m vigie_protocol.generate

figures: setup ## measure the signal processing on recordings; writes the tables and pictures of docs/signal
	cd signal && ../$(PYTHON) -m evaluation --write

$(BIN)/.peers: $(BIN)/.installed
	$(PYTHON) $(PIP_INSTALL) -e '.[peers]' -c constraints.txt
	@touch $@

benchmark: setup $(BIN)/.peers ## measure speed and accuracy beside other libraries; prints tables
	@failed=; for script in tests/benchmarks/*.py; do echo "== $$script"; $(PYTHON) "$$script" || failed=1; done; \
	  test -z "$$failed"

soak: setup ## the long runs that `make test` leaves out
	$(PYTHON) -m pytest -m soak $(PYTEST_ARGS)

# Apart from .venv, because the stubs replace the standard library's own, which only the firmware may see. Those
# of rp2 come first: the port with all of `machine`; unix adds what it has alone.
$(STUBS)/.installed: Makefile | $(BIN)/.installed
	@rm -rf $(STUBS)
	$(PYTHON) $(PIP_INSTALL) --no-deps --target $(STUBS)/rp2 micropython-rp2-stubs==1.29.0.post1
	$(PYTHON) $(PIP_INSTALL) --no-deps --target $(STUBS)/unix micropython-unix-stubs==1.29.0.post1
	$(PYTHON) $(PIP_INSTALL) --no-deps --target $(STUBS)/stdlib micropython-stdlib-stubs==1.29.0.post2
	@touch $@

clean: ## remove what was built; keeps .venv and fetched tools
	rm -rf $(OUT) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis $(STUBS)
	find sdk/vigie/firmware -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
