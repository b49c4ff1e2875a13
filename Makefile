# Everything a newcomer needs: `make demo` and `make test` work on a machine with Python 3.10-3.12 and PyPI.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# One thread per test process: two processes whose threads wait for each other are many times slower than one.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2
INSTALLED := $(VENV)/.installed

.PHONY: help demo test test-all check bench docs clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): requirements.txt constraints.txt setup.cfg $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 12) else f"Python 3.10-3.12 is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet -r requirements.txt -e ".[test,docs]"
	@$(BIN)/python -c 'import cv2' || { echo 'OpenCV needs system libraries: apt-get install libgl1 libglib2.0-0 (Debian, Ubuntu)'; exit 1; }
	touch $@

demo: $(INSTALLED)  ## the four-stream ensemble on the demo data set, tracked by MLflow
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/mlflow run . --env-manager local

test: $(INSTALLED)  ## the fast tests
	$(PYTEST) -m "not slow"

test-all: $(INSTALLED)  ## all tests
	$(PYTEST)

check: $(INSTALLED)  ## formatting, types, import rules, the fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

bench: $(INSTALLED)  ## side-by-side measurements, as ratios
	for file in benchmarks/bench_*.py; do $(BIN)/python $$file; done

docs: $(INSTALLED)  ## the documentation site, in build/docs/site
	$(BIN)/python docs/make_site.py

clean:  ## remove the environment
	rm -rf $(VENV)
