# `make demo` and `make test` do all their set-up themselves: a virtual environment in .venv, nothing outside this folder.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test lint bench clean

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

# Ours beside what a user would otherwise pick, in one run; `make bench ARGS=--quick` for the short one.
# Peers that cannot be installed are left out, and the table says so.
bench: install
	-$(BIN)/python -m pip install --quiet --constraint constraints.txt infomeasure
	-$(BIN)/python -m pip install --quiet --constraint constraints.txt libKSG
	$(BIN)/python -m tests.benchmarks.bench $(ARGS)

clean:
	rm -rf .venv build dist *.egg-info infomem-demo
