# Every target does its own set-up in .venv and, once that is done, installs nothing again until pyproject.toml,
# constraints.txt or tools/fetch_bindings.py change. `make` alone lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

# Half as many again as there are processors: many tests wait for clocks, disks and processes.
WORKERS := $(shell expr \( $$(nproc) \* 3 + 1 \) / 2)

# Stamps: the appliance alone (what a box needs), and everything (training, export, tests;
# TensorRT for RTX among it, which builds plans without a GPU, and the bindings of other versions, in .venv/bindings).
APPLIANCE  := $(VENV)/.installed-appliance
EVERYTHING := $(VENV)/.installed-everything
WHEELS     := $(VENV)/.checked-wheels

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo everything test resilience lint format bench gpu-check gpu-cu12 gpu-cu13 rtx constraints clean

help:  ## list the targets
	@sed -nE 's/^([a-z0-9 -]+):.*##[ ]*(.*)/\1\t\2/p' Makefile | expand -t 24

demo: $(APPLIANCE)  ## a synthetic study through the service's inbox, into out/demo
	$(BIN)/strokebox demo --out out/demo

everything: $(EVERYTHING)  ## install what training, calibration, export and the tests need (torch among it)

test: $(EVERYTHING)  ## the tests
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

resilience: $(EVERYTHING)  ## as root: kills, power cuts, faults, bursts, mutants in full; hours; docs/resilience.md
	$(BIN)/python -m tests.resilience.full

lint: $(EVERYTHING) $(WHEELS)  ## style, types, the arrows between packages, wheels for JetPack 6
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(EVERYTHING)  ## reformat and apply the safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(EVERYTHING)  ## the paper's plain pipeline and ours, on one study: seconds, memory, agreement
	$(BIN)/python -m benchmarks

gpu-check: $(EVERYTHING)  ## on a GPU: what is installed, agreement with the CPU, speed; into out/gpu-check
	$(BIN)/python -m benchmarks gpu-check

gpu-cu12 gpu-cu13 rtx: $(APPLIANCE)  ## add what a GPU needs: CUDA 12 (JetPack 6), CUDA 13, or TensorRT for RTX
	$(PIP) --editable '.[$@]'

constraints: $(BIN)/python  ## rewrite constraints.txt from pyproject.toml (UPGRADE=yes: newest of everything)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet uv
	$(BIN)/python tools/pin.py $(if $(UPGRADE),--upgrade)

clean:  ## remove .venv, caches and what the commands wrote
	rm -rf $(VENV) out build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Whoever has everything has the appliance too.
$(APPLIANCE): pyproject.toml constraints.txt | $(BIN)/python
	@echo 'installing the appliance into $(VENV)'
	$(PIP) --editable .
	@touch $@

$(EVERYTHING): pyproject.toml constraints.txt tools/fetch_bindings.py | $(BIN)/python
	@echo 'installing everything into $(VENV): some minutes the first time'
	$(PIP) --editable '.[train,dev,rtx]'
	$(BIN)/python tools/fetch_bindings.py
	@touch $(APPLIANCE) $@

$(WHEELS): pyproject.toml constraints.txt tools/check_wheels.py $(EVERYTHING)
	$(BIN)/python tools/check_wheels.py
	@touch $@
