# Everything runs in a virtual environment of its own; nothing needs to be installed
# first but Python 3.11 or newer.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$p && break; done)
VENV ?= .venv
PEERS_VENV ?= .venv-peers
BIN := $(VENV)/bin
# Without a C compiler, the one in the ziglang wheel serves.
TOOLCHAIN := $(shell { command -v cc || command -v gcc || command -v clang; } >/dev/null 2>&1 || echo ,toolchain)

.PHONY: demo test check large sanitize bench bench-kernels clean
demo: $(VENV)/demo.stamp
	$(BIN)/python examples/quickstart.py

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Arrays of several hundred megabytes and more; needs 6 GB.
large: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 0 -m large tests/large

# Every op and kernel built for gcc's sanitizers: slower than the tests. The compiler
# itself runs without them. Some of it by ONLY="product or winograd".
sanitize: $(VENV)/dev.stamp
	$(BIN)/python -m tests.sanitizing $(VENV)/sanitized $(if $(ONLY),-k "$(ONLY)") \
	tests/compile/test_c_against_reference.py tests/lowering \
	tests/compile/test_quick.py tests/compile/test_quick_updates.py \
	tests/compile/test_scan.py tests/codegen/test_repeats.py tests/codegen/test_strands.py \
	tests/codegen/test_crew.py tests/codegen/test_joining.py \
	tests/codegen/test_branches.py tests/codegen/test_guards.py \
	tests/codegen/test_matrices.py tests/ops/test_branching.py \
	tests/codegen/test_gemm.py tests/codegen/test_gemm_epilogue.py \
	tests/codegen/test_reductions.py tests/codegen/test_loops.py \
	tests/codegen/test_convolution.py tests/codegen/test_convolution_winograd.py \
	tests/codegen/test_convolution_slides.py tests/codegen/test_convolution_sweeps.py \
	tests/codegen/test_weight_gradient.py \
	tests/codegen/test_convolution_epilogue.py tests/codegen/test_channel_sums.py \
	tests/codegen/test_pool.py tests/codegen/test_unpool.py \
	tests/codegen/test_convolution_pooling.py \
	tests/codegen/test_convolution_bands.py tests/codegen/test_convolution_places.py

# The peers have an environment of their own; what they cannot do the table says.
# Options by WORKS="infer1 call" PEERS="torch jax" PAIRS=5 OUTPUT=results.json.
bench: $(VENV)/dev.stamp $(PEERS_VENV)/peers.stamp
	$(BIN)/python -m tests.benchmarks --peer-python $(PEERS_VENV)/bin/python \
	$(if $(WORKS),--works $(WORKS)) $(if $(PEERS),--peers $(PEERS)) \
	$(if $(PAIRS),--pairs $(PAIRS)) $(if $(OUTPUT),--output $(OUTPUT))

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

# A peer that cannot be installed must not keep the others away.
$(PEERS_VENV)/peers.stamp: tests/benchmarks/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS_VENV)
	$(PEERS_VENV)/bin/python -m pip install --quiet -r $< || \
	for peer in $$(grep -v '^#' $<); do \
	$(PEERS_VENV)/bin/python -m pip install --quiet $$peer || true; done
	touch $@

clean:
	rm -rf $(VENV) $(PEERS_VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
