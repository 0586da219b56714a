# Everything runs in a virtual environment of its own; nothing needs to be installed
# first but Python 3.11 or newer.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
# Without a C compiler, the one in the ziglang wheel serves.
TOOLCHAIN := $(shell { command -v cc || command -v gcc || command -v clang; } >/dev/null 2>&1 || echo ,toolchain)

.PHONY: demo test check bench-kernels clean
demo: $(VENV)/demo.stamp
	$(BIN)/python examples/quickstart.py

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Options by ONLY="resnet product" THREADS="1 2" TARGET="avx2 sse2".
bench-kernels: $(VENV)/dev.stamp
	$(BIN)/python -m tests.benchmarks.kernels $(if $(ONLY),--only $(ONLY)) \
	$(if $(THREADS),--threads $(THREADS)) $(if $(TARGET),--target $(TARGET))

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[examples$(TOOLCHAIN)]'
	touch $@

$(VENV)/dev.stamp: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev$(TOOLCHAIN)]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
