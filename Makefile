# Two commands do all the set-up: `make demo` and `make test`. Both build .venv when a lock file has changed, and only then.
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The lock is complete, so nothing is resolved; only wheels, so nothing unhashed is run; compiled when first imported.
LOCKED := $(PIP) install --require-hashes --no-deps --only-binary :all: --no-compile
ITSELF := $(PIP) install --no-deps --no-build-isolation --editable .
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links
CHECKED := monitor tests $(wildcard dashboards alerts benchmarks)
TOOLS := build/tools
ARGS ?=
# One process runs the tests on services, which mind a busy machine; the others run beside it.
JOBS ?= 2
# Empty, whatever the caller has set: compiled modules are kept, or every start would compile numpy and pandas again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test lint format check mutations calibration bench faults chaos fuzz fuzz-decoder lag dashboards lock audit sbom clean

help:
	@echo "make demo        finds real drift in real data, on this machine, without any service (options in ARGS=)"
	@echo "make test        runs the linters, the type checker and every test (pytest's options in ARGS=)"
	@echo "make lint        runs only the linters and the type checker"
	@echo "make format      rewrites the code in its one format"
	@echo "make check       runs lint, and compares generated files with their sources"
	@echo "make mutations   breaks the code on purpose, in one way after the other, and says which test notices"
	@echo "make calibration  simulates false pages and missed drift, and writes docs/calibration.md (ten minutes)"
	@echo "make bench       measures the product against its targets, in one run"
	@echo "make faults      breaks workers, brokers and networks in every way, and writes docs/faults.md"
	@echo "make chaos       many short trials of stalls and changes of ownership"
	@echo "make lag         lets a worker with little memory catch up with ten million messages"
	@echo "make fuzz        sends a million hostile records through a real worker (options in ARGS=)"
	@echo "make fuzz-decoder  looks for input that the decoder reads wrongly, with atheris (libFuzzer's options in ARGS=)"
	@echo "make dashboards  generates the Grafana dashboards"
	@echo "make lock        resolves the dependencies again"
	@echo "make audit       asks a vulnerability service about every locked package (needs the network)"
	@echo "make sbom        writes a bill of materials (CycloneDX) of what runs to build/sbom.json"
	@echo "make clean       removes .venv and all caches"

$(BIN)/python:
	@python=$$(sh .ci/find-python) && echo "Creating a virtual environment in $(VENV) with $$python." && "$$python" -m venv $(VENV)

$(VENV)/runtime.stamp: requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@echo "Installing what Driftline needs to run, by the lock file's hashes."
	@$(LOCKED) -r requirements.lock -r requirements-build.lock
	@$(ITSELF)
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@echo "Installing what Driftline and its tests need, by the lock file's hashes."
	@$(LOCKED) -r requirements-dev.lock -r requirements-build.lock
	@$(ITSELF)
	@touch $@ $(VENV)/runtime.stamp

demo: $(VENV)/runtime.stamp
	@$(BIN)/driftline demo $(ARGS)

lint: $(VENV)/dev.stamp
	@echo "Checking the style with ruff."
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@echo "Checking the types with mypy."
	@$(BIN)/mypy $(CHECKED)

test: lint
	@echo "Running the tests. Those that need Kafka, Prometheus or Alertmanager say so when they are skipped."
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadscope $(ARGS)

format: $(VENV)/dev.stamp
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

check: lint
	@echo "Comparing the generated dashboards and alerts with their sources."
	@$(BIN)/python -m dashboards --check
	@$(BIN)/python -m alerts --check

mutations: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.mutations $(ARGS)

calibration: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.calibration $(ARGS)

bench: $(VENV)/dev.stamp
	@$(BIN)/python -m benchmarks $(ARGS)

faults: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.faults --write $(ARGS)

chaos: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.faults.chaos $(ARGS)

lag: $(VENV)/dev.stamp
	@$(BIN)/python -m benchmarks.lag $(ARGS)

fuzz: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.fuzz $(ARGS)

# Like pip-tools, atheris stays outside of the lock.
fuzz-decoder: $(VENV)/dev.stamp
	@$(PIP) install "atheris>=2.3"
	@$(BIN)/python -m tests.fuzz_decoder build/corpus $(or $(ARGS),-max_total_time=300 -max_len=4096)

dashboards: $(VENV)/dev.stamp
	@$(BIN)/python -m dashboards

# The lock files are resolved on Python 3.11. pip-tools stays outside of them: it is needed here and nowhere else.
lock: $(VENV)/dev.stamp
	@echo "Resolving the dependencies; this asks the package index about every file, which takes a few minutes."
	@$(PIP) install "pip-tools>=7.4"
	@$(COMPILE) --extra parquet --output-file requirements.lock pyproject.toml
	@$(COMPILE) --all-extras --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	@$(COMPILE) --only-build-deps --build-deps-for editable --constraint requirements-dev.lock \
		--output-file requirements-build.lock pyproject.toml

# What audits and lists the lock files lives apart from what they lock: it must not change it, and is no part of it.
# Strict: a package of which the service knows nothing was not audited, and must not look as if it had been.
$(TOOLS)/stamp: Makefile | $(BIN)/python
	@echo "Installing pip-audit and cyclonedx-bom into $(TOOLS)."
	@$(BIN)/python -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip --disable-pip-version-check --quiet install "pip-audit>=2.7,<3" "cyclonedx-bom>=5,<8"
	@touch $@

audit: $(TOOLS)/stamp
	@for lock in requirements.lock requirements-build.lock requirements-dev.lock; do \
		echo "Auditing $$lock."; \
		$(TOOLS)/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off $(ARGS) --requirement $$lock || exit 1; \
	done

sbom: $(TOOLS)/stamp
	@$(TOOLS)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-format JSON \
		--output-file build/sbom.json requirements.lock
	@echo "Wrote build/sbom.json."

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find monitor tests $(wildcard dashboards alerts benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +
