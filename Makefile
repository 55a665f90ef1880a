# SPDX-License-Identifier: Apache-2.0
# Two commands do everything on a fresh Debian machine: `make preflight`, `make test`.

VENV   ?= .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
REPORT := reports/local/host.html

.PHONY: wheel corpus matrices truth preflight test lint format bench build docs clean system venv check accuracy reach-truth

## preflight: set up all that is needed, then check this host and write an HTML report
preflight: build check

## check: preflight this host; findings do not fail the make target, errors do
check: build
	@mkdir -p $(dir $(REPORT))
	@$(BIN)/preflight check --exit-zero --format text --format html=$(REPORT)
	@echo "HTML report: $(REPORT)"

## system: the distribution's packages (bpftool, libbpf-tools, clang, libbpf headers, Python)
system:
	@sh tools/system-packages.sh

## venv: the Python environment, with preflight installed in it (editable, with its tests' needs)
venv: $(VENV)/.ready
$(VENV)/.ready: pyproject.toml | system
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

## build: compile the BPF objects with the distribution's clang, the lab's loader and the loops over BTF with
## gcc, and preflight's Python files: where PYTHONDONTWRITEBYTECODE is set, every run would parse them again
build: venv
	@$(BIN)/python tools/compile_bpf.py
	@$(BIN)/python tools/compile_lab.py
	@$(BIN)/python tools/compile_native.py
	@$(BIN)/python -m compileall -q preflight

## test: lint, types and the whole test suite; three workers for two processors, as one in three waits for a guest
test: build lint
	@$(BIN)/python -m pytest -n $${PYTEST_WORKERS:-3} --dist loadgroup

## lint: ruff and mypy
lint: venv
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: venv
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

## wheel: dist/ with the sources, a wheel for this machine's architecture and a slower one for every machine
wheel: build
	@$(BIN)/python -m hatchling build -t sdist -d dist
	@PREFLIGHT_NATIVE=required $(BIN)/python -m hatchling build -t wheel -d dist
	@PREFLIGHT_NATIVE=no $(BIN)/python -m hatchling build -t wheel -d dist

## docs: regenerate the pages that come from the registry and the command line
docs: venv
	@$(BIN)/python tools/make_docs.py

## truth: boot the kernels of matrices/lab.toml, record what they do, and write the surface table
truth: build
	@$(BIN)/python tools/record_truth.py --jobs 2

## gate: hold what the tracers cost the verifiers of three kernels against fixtures/gate/tracers.toml
GATE := $(BIN)/preflight gate tracers: --attach --jobs 2 --baseline fixtures/gate/tracers.toml --source-root bpf \
	--kernel debian/5.10.0-46-cloud-amd64 --kernel debian/6.12.117+deb13-cloud-amd64 --kernel debian/7.3.4+deb13-cloud-amd64
gate: build
	@$(GATE)

## gate-baseline: the same, and write what was measured into the baseline
gate-baseline: build
	@$(GATE) --update

## matrices: judge the sets of matrices/ on the catalogue's kernels: matrices/*.md, *.json, reports/*.html
matrices: build
	@$(BIN)/python tools/make_matrices.py

## lab-arm64: guest programs for arm64 kernels (`preflight lab` boots them with qemu-system-aarch64)
lab-arm64: build
	@$(BIN)/python tools/foreign_lab.py arm64

## bench: CPU ratios against peers, measured in the same run
bench: build
	@$(BIN)/python -m benchmarks

## accuracy: hold relocation against libbpf, reachability and findings against recorded truth: reports/accuracy.md
accuracy: venv
	@$(BIN)/python tools/fetch_test_kernels.py
	@$(BIN)/python tools/core_accuracy.py
	@$(BIN)/python tools/reach_accuracy.py
	@$(BIN)/python tools/predict_accuracy.py
	@$(BIN)/python tools/log_accuracy.py fixtures/verifier/rejections.jsonl --output reports/accuracy.md
	@$(BIN)/python tools/log_accuracy.py --corpus --output reports/accuracy.md

## corpus: load the refused programs of fixtures/verifier_corpus/ on this host and on kernels of the catalogue
## (one boot each), keep their logs, and write the decoder's accuracy on them into reports/accuracy.md
corpus: build
	@$(BIN)/python tools/record_corpus.py
	@$(BIN)/python tools/log_accuracy.py --corpus --output reports/accuracy.md

## reach-truth: boot kernels of the catalogue and record which misses their verifiers reach (minutes per kernel)
reach-truth: build
	@$(BIN)/python tools/reach_accuracy.py --boot

clean:
	rm -rf $(VENV) build dist preflight/_bpf reports/local .pytest_cache .mypy_cache .ruff_cache .hypothesis
