# `make demo` and `make test` do all their set-up themselves: a virtual environment in .venv, nothing outside this folder.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test lint fuzz bench bench-gpu clean

install: .venv/.installed

# Set up once, and again only when the requirements change.
.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: install
	$(BIN)/infomem demo

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest

# Any data, 2,000 cases of each backend, and 10,000 outputs of a module, twice: an hour.
fuzz: install
	$(BIN)/python -m pytest tests/kernels/test_any_data.py --hypothesis-profile=thorough
	$(BIN)/python -m pytest tests/callbacks/test_any_output.py --hypothesis-profile=exhaustive

# Ours beside what a user would otherwise pick, in one run; `make bench ARGS=--quick` for the short one.
# Peers that cannot be installed are left out, and the table says so.
bench: install
	-$(BIN)/python -m pip install --quiet --constraint constraints.txt infomeasure
	-$(BIN)/python -m pip install --quiet --constraint constraints.txt libKSG
	$(BIN)/python -m tests.benchmarks.bench $(ARGS)
	$(BIN)/python -m tests.benchmarks.overhead

# The same on a CUDA device, with the python of the machine, whose torch knows the device.
bench-gpu:
	$(PYTHON) -m tests.benchmarks.bench_gpu $(ARGS)

clean:
	rm -rf .venv build dist *.egg-info infomem-demo
