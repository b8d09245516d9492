# Everything a user or a developer types. Each target makes its own environment first.
#
#   make scan                      draw the first curve: N2, cc-pVDZ, uccsd against exact
#   make test                      the fast test suite, with coverage
#
# Variables, on the command line or in the environment:
#   PYTHON       interpreter that makes the environment (default: python3.11, else the first >= 3.11)
#   TORCH_INDEX  extra package index with PyTorch wheels. Empty by default; the CPU-only wheels save
#                gigabytes on Linux machines without a GPU:
#                make scan TORCH_INDEX=https://download.pytorch.org/whl/cpu
#   VENV         folder of the environment (default: .venv)
#   THREADS      threads of a scan (default: 1; more pay off only in large active spaces)
#   TEST_WORKERS processes of the test suite, one thread each (default: 2)
#   PEERS        programs of the benchmarks (benchmarks/README.md). "all" adds TenCirChem-NG (licence:
#                not for commercial use) and MindQuantum, each in an environment of its own; "none"
#                leaves PySCF's sigma build only (default: default)
#   BENCH_ARGS   further options of the benchmarks, such as --large or --docs
#   EXTRAS       extras that test-extras installs, each into an empty environment
#   HYDRONIUM    file with the energies of H3O+ for bench-learning (benchmarks/learning/hydronium.py)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
TORCH_INDEX ?=
TEST_WORKERS ?= 2
PYTEST_ARGS ?=
THREADS ?= 1
HYDRONIUM ?=
PEERS ?= default
BENCH_ARGS ?=
EXTRAS ?= ibm braket ionq ibm,braket,ionq

ifndef PYTHON
PYTHON := $(shell for p in python3.11 python3.12 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; \
	done)
endif

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STAMP_BENCH := $(VENV)/.installed-bench
STAMP_DOCS := $(VENV)/.installed-docs
BENCH_VENVS := benchmarks/.venvs
STAMPS_PEERS := $(BENCH_VENVS)/tencirchem/.installed $(BENCH_VENVS)/mindquantum/.installed
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --constraint constraints.txt --editable
THREADED = OMP_NUM_THREADS=$(1) OPENBLAS_NUM_THREADS=$(1) MKL_NUM_THREADS=$(1) NUMBA_NUM_THREADS=$(1)
# Tests run one thread per process, so that the answer does not depend on the machine.
PYTEST = $(call THREADED,1) MPLBACKEND=Agg $(BIN)/python -m pytest

.PHONY: help venv scan test test-slow rehearse test-extras check lint format format-check types imports spelling doctest \
	bench bench-solvers bench-devices bench-boltzmann bench-learning bench-plugins docs clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

# ------------------------------------------------------------------------------ the environment

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "No Python 3.11 or newer found. Install one, or name it: make PYTHON=/path/to/python3.11"; \
		exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing qmlmat and what it needs into $(VENV) (minutes, the first time)"
	$(INSTALL) ".[test]"
	@touch $@

$(STAMP_BENCH): $(STAMP)
	$(INSTALL) ".[test,bench]"
	@touch $@

$(STAMP_DOCS): $(STAMP)
	$(INSTALL) ".[test,docs]"
	@touch $@

venv: $(STAMP)  ## make the environment

# ----------------------------------------------------------------------------------- what it is for

scan: $(STAMP)  ## compute, store and draw the curve of scans/n2.toml; run again to resume
	@test -e scans/n2.toml || { mkdir -p scans && $(BIN)/qmlmat init scans/n2.toml; }
	@$(BIN)/qmlmat scan scans/n2.toml --threads $(THREADS)

# ------------------------------------------------------------------------------------------- tests

test: $(STAMP)  ## the fast test suite, with branch coverage
	$(PYTEST) -n $(TEST_WORKERS) -m "not slow and not gpu" --cov --cov-report=term $(PYTEST_ARGS)

test-slow: $(STAMP)  ## the tests that take minutes: killed scans, full-size tutorials
	$(PYTEST) -n $(TEST_WORKERS) -m "slow and not gpu" $(PYTEST_ARGS)

rehearse: $(STAMP)  ## cloud hardware against rehearsal servers, figures and tables of faults (half an hour)
	$(PYTEST) -s -m slow tests/hardware/test_rehearsed_surfaces.py tests/hardware/test_real_clients.py
	$(call THREADED,1) PYTHONPATH=tests/support $(BIN)/python tests/hardware/faults_table.py

test-extras:  ## each provider's client as users install it, in an empty environment (gigabytes)
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found: make test-extras PYTHON=..."; exit 1; }
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; unset PYTHONPATH; \
	for extra in $(EXTRAS); do \
		echo "Installing qmlmat[$$extra]"; \
		$(PYTHON) -m venv --clear "$$folder/env"; \
		"$$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check \
			$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --constraint constraints.txt ".[$$extra]"; \
		(cd "$$folder" && env/bin/python "$(CURDIR)/tests/extras.py" "$$extra"); \
	done

# ------------------------------------------------------------------------------------------ checks

check: lint format-check types imports spelling doctest  ## every static check and the doctests

lint: $(STAMP)  ## ruff: likely mistakes, docstrings, names, complexity
	$(BIN)/ruff check .

format: $(STAMP)  ## rewrite the files in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

format-check: $(STAMP)  ## ruff: format, without writing
	$(BIN)/ruff format --check .

types: $(STAMP)  ## mypy --strict
	$(BIN)/mypy

imports: $(STAMP)  ## import-linter: layers, the door of each framework, no cycles
	$(BIN)/lint-imports --no-logo

spelling: $(STAMP)  ## typos
	$(BIN)/typos

doctest: $(STAMP)  ## the examples in the docstrings
	$(PYTEST) --doctest-modules qmlmat

# ------------------------------------------------------------------------------ benchmarks and docs

$(BENCH_VENVS)/%/.installed: benchmarks/requirements-%.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found: make bench PYTHON=..."; exit 1; }
	@echo "Making $(@D) (minutes, the first time)"
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

bench: $(STAMP_BENCH) $(if $(filter all,$(PEERS)),$(STAMPS_PEERS))  ## time side by side with peers (PEERS=all: more of them)
	$(call THREADED,1) $(BIN)/python -m benchmarks --peers $(PEERS) $(BENCH_ARGS)

bench-solvers: $(STAMP)  ## tables of tracking, optimisers, ADAPT-VQE, circuits on the N2 curve, excited states (20 minutes)
	$(call THREADED,1) $(BIN)/python -m benchmarks.tracking
	$(call THREADED,1) $(BIN)/python -m benchmarks.optimizers
	$(call THREADED,1) $(BIN)/python -m benchmarks.adapt
	$(call THREADED,1) $(BIN)/python -m benchmarks.layers
	$(call THREADED,1) $(BIN)/python -m benchmarks.excited

bench-devices: $(STAMP)  ## tables of mappings, gates, the statevector simulator, shots, mitigation of noise (15 minutes)
	$(call THREADED,1) $(BIN)/python -m benchmarks.mappings
	$(call THREADED,1) $(BIN)/python -m benchmarks.gates
	$(call THREADED,1) $(BIN)/python -m benchmarks.statevector
	$(call THREADED,1) $(BIN)/python -m benchmarks.shots
	$(call THREADED,1) $(BIN)/python -m benchmarks.noise

bench-boltzmann: $(STAMP)  ## tables of Boltzmann machines: seeds, surfaces, samples, bands, chains (20 minutes)
	$(call THREADED,1) $(BIN)/python -m benchmarks.boltzmann

bench-learning: $(STAMP)  ## tables of learnt surfaces (hours; HYDRONIUM=file.npz adds H3O+)
	$(call THREADED,1) $(BIN)/python -m benchmarks.learning.data
	$(call THREADED,1) $(BIN)/python -m benchmarks.learning.water
	$(call THREADED,1) $(BIN)/python -m benchmarks.learning.intersection
	$(call THREADED,1) $(BIN)/python -m benchmarks.learning.conditioned
	$(call THREADED,1) $(BIN)/python -m benchmarks.learning.water_dynamics
	$(call THREADED,1) $(BIN)/python -m benchmarks.learning.active
	$(call THREADED,1) $(BIN)/python -m benchmarks.learning.devices
	$(if $(HYDRONIUM),$(call THREADED,1) $(BIN)/python -m benchmarks.learning.hydronium --data $(HYDRONIUM))

bench-plugins: $(STAMP)  ## tables of our simulator inside of PennyLane and Qiskit beside theirs (20 minutes)
	$(call THREADED,1) $(BIN)/python -m benchmarks.plugins
	$(call THREADED,1) $(BIN)/python -m benchmarks.primitives

docs: $(STAMP_DOCS)  ## the documentation, in docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "Documentation: docs/_build/html/index.html"

clean:  ## remove caches and built files; the environment and your scans stay
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks \
		.coverage .coverage.* htmlcov build dist docs/_build docs/api docs/tutorials
	find qmlmat tests tutorials benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
