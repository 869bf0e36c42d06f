# make demo       bring everything up, ingest a short film, search its cast, print hits against the truth
# make test       the fast tier: linters, types, arrows, stubs, unit and contract tests, one short pass over the real stack
# make check-all  what every claim of the README and of docs/ rests on; takes long, needs the training environment and EGL

SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= $(shell tools/find_python.sh)
VENV := .venv
PY := $(VENV)/bin/python
TRAIN := .venv-train/bin/python
PIP := -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
TORCH_ROOMS := models training export
ROOMS := personsearch packs services evaluation synthetic tools

# Seed of the first film of the report; films that nobody has looked at: make report FIRST_SEED=12345
FIRST_SEED ?= 9601
GALLERY := build/gallery-$(FIRST_SEED)

# Films of the index's report: how many, how many of them share one cast, and the first seed: make index-report INDEX_SEED=12345
INDEX_FILMS ?= 20
INDEX_SHARING ?= 5
INDEX_SEED ?= 9801
INDEX := build/index-$(INDEX_SEED)

# Where several targets run side by side, as in CI, each line of the tests says whose it is.
LANE = $(if $(CI),2>&1 | sed -u 's/^/$@ | /')

.PHONY: help setup demo test test-serving check lint types arrows stubs buf train-env test-torch \
  check-all report index-report world clone milvus reindex presets pack fusers clean

help:
	@sed -n 's/^# \(make .*\)/  \1/p' Makefile

# ---- environments --------------------------------------------------------------------------------

$(VENV)/.serve: pyproject.toml constraints.txt
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	echo "installing personsearch into $(VENV) (a few minutes on a cold package cache)"
	$(PY) $(PIP) --editable . --config-settings editable_mode=compat
	touch $@

$(VENV)/.dev: $(VENV)/.serve
	@$(PY) $(PIP) --editable ".[dev]" --config-settings editable_mode=compat
	touch $@

.venv-triton/.ready: tools/setup_triton.sh constraints-triton.txt
	@tools/setup_triton.sh "$(PYTHON)"

.venv-train/.ready: pyproject.toml constraints.txt
	@test -x $(TRAIN) || $(PYTHON) -m venv .venv-train
	$(TRAIN) -m pip --disable-pip-version-check install --quiet "torch==2.13.0"
	$(TRAIN) $(PIP) av espeakng-loader moderngl numpy onnx onnxruntime opencv-python-headless openvino pillow pydantic rich safetensors scipy tensorboard transformers typer \
	  mypy pytest pytest-asyncio pytest-timeout
	touch $@

setup: $(VENV)/.serve .venv-triton/.ready
train-env: .venv-train/.ready

# ---- what people run -----------------------------------------------------------------------------

demo: setup
	@$(VENV)/bin/personsearch demo

test: check test-serving test-torch

test-serving: $(VENV)/.dev .venv-triton/.ready
	@$(PY) -m pytest tests --ignore=tests/models --ignore=tests/training --ignore=tests/export $(LANE)

test-torch: $(wildcard .venv-train/.ready)
	@if [ ! -f .venv-train/.ready ]; then \
	  echo "SKIPPED: tests of models/, training/ and export/: no .venv-train (make train-env installs torch)"; exit 0; fi
	$(TRAIN) -m mypy $(TORCH_ROOMS) $(LANE)
	$(TRAIN) -m pytest tests/models tests/training tests/export $(LANE)

check: lint types arrows stubs buf

lint: $(VENV)/.dev
	@$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.dev
	@$(PY) -m mypy $(ROOMS)

arrows: $(VENV)/.dev
	@$(VENV)/bin/lint-imports

stubs: $(VENV)/.dev
	@$(PY) tools/generate_stubs.py --check

buf: $(VENV)/.dev
	@if command -v npx >/dev/null; then $(PY) -m tools.lint_protos; \
	elif [ -n "$${CI:-}" ]; then echo "buf lint needs node's npx"; exit 1; \
	else echo "SKIPPED: buf lint (no npx on this machine)"; fi

# ---- every claim ---------------------------------------------------------------------------------

check-all: test milvus reindex presets clone world report index-report pack fusers

# The protocol `spine` on five films of five minutes and twelve people: renders, ingests, asks, and fails when a figure is
# below what is claimed. Killed and started again, it goes on. The report is in build/gallery-SEED/report.
report: $(VENV)/.dev .venv-triton/.ready
	@$(PY) -m evaluation gallery --films 5 --minutes 5 --identities 12 --first-seed $(FIRST_SEED) --out $(GALLERY) --require

# Everything that is claimed of the multimodality index, on twenty films of two minutes and twelve people each, five of
# which share one cast: renders, ingests, asks, runs csm, apes, iqiyi and identities, and fails when a line does not hold.
# Killed and started again, it goes on. The report is in build/index-SEED/report.
index-report: $(VENV)/.dev .venv-triton/.ready .venv-train/.ready
	@$(PY) -m evaluation index --count $(INDEX_FILMS) --sharing $(INDEX_SHARING) --minutes 2 --identities 12 --first-seed $(INDEX_SEED) --out $(INDEX) --require

# How hard the world is: fails, naming it, when a gate breaks; synthetic/world.json freezes the figures of a version.
world: $(VENV)/.dev
	@$(PY) -m evaluation gates --out build/world.json --pack packs/demo

# `make demo` as a stranger runs it: from a fresh clone, with a state directory of its own.
clone:
	@tools/check_clone.sh

# The contract tests of the index on a real Milvus Standalone (2.3.5 from PyPI, in its own environment).
milvus: $(VENV)/.dev
	@test -x .venv-milvus/bin/python || $(PYTHON) -m venv .venv-milvus
	.venv-milvus/bin/python -m pip --disable-pip-version-check install --quiet "milvus==2.3.5" "marshmallow<4" "setuptools<80"
	$(PY) -m pytest tests/backends -m standalone

# A gallery of 10,000 appearances goes from the demo pack to another and back: killed twice, asked all the time.
reindex: $(VENV)/.dev
	@nice $(PY) -m evaluation reindex --out build/reindex

# Every small preset with seeded weights: exported, loaded in a real Triton, and compared with torch at batches 1, 3 and the largest.
presets: $(VENV)/.dev .venv-triton/.ready .venv-train/.ready
	@$(TRAIN) -m export presets --out build/presets
	$(TRAIN) -m export verify --pack build/presets --reference build/presets/reference.npz
	$(PY) -m evaluation presets --pack build/presets --json build/presets/served.json --markdown build/presets/served.md

# The demo pack again, from nothing: renders the data, trains, exports, and compares. Faces take five hours
# of two cores (data and training), all else one; with a GPU, `PACK_OPTIONS="--device cuda --processes 15"`, six minutes.
pack: $(VENV)/.dev .venv-train/.ready
	@$(TRAIN) -m training demo-pack --words $(PACK_OPTIONS) --data build/synthcast --runs build/runs --out build/pack
	$(PY) tools/compare_packs.py packs/demo build/pack

# The networks that fuse what the demo pack embeds, from nothing: films, read-backs, two short trainings.
fusers: $(VENV)/.dev .venv-triton/.ready .venv-train/.ready
	@tools/make_fusers.sh build/fusers

clean:
	@rm -rf build runs .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
