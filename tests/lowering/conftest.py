"""Graphs run as C, without the rooms above the lowering."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from codegen import build
from codegen.sizes import evaluate as value_of
from codegen.target import TARGETS, host_target
from symgraph.graph import Graph, Variable, evaluate
from symgraph.lowering.lower import lower
from symgraph.lowering.lowered import Lowered
from tests.effort import effort
from tests.lowering import graphs

Arrays = Sequence[Any]

TOLERANCE = {"float32": 3e-6, "float64": 1e-13}  # of the largest number
# Sanitized C is not optimized, so that no multiply-adds are fused: each rounds twice.
ROUNDINGS = 2 if "-O0" in os.environ.get("SYMGRAPH_CFLAGS", "") else 1


def run_lowered(lowered: Lowered, inputs: Arrays, target: Any) -> list[Any]:
    """The outputs that the compiled programs compute."""
    wide = any(value.dtype == "float64" for value in lowered.graph.outputs)
    flags = effort(target, "float64" if wide else "float32")
    module = build.build(lowered.programs, target, flags=flags)
    return run_built(module, lowered, inputs)


def run_built(module: build.Module, lowered: Lowered, inputs: Arrays) -> list[Any]:
    """The same of programs that are compiled, alone or among others."""
    given = [np.asarray(a, order="C") for a in inputs]
    given += [shared.get_value() for shared in lowered.shared]
    sizes = tuple(
        int(given[place]) if axis is None else given[place].shape[axis]
        for place, axis in lowered.sizes
    )
    values = dict(zip(lowered.program.sizes, sizes, strict=True))

    def empty(shape: Any, dtype: str) -> Any:
        return np.full([value_of(size, values) for size in shape], 7, dtype)

    kept = [empty(buffer.shape, buffer.dtype) for buffer in lowered.invariants]
    if lowered.prologue is not None:
        assert module[lowered.prologue.name].run([*given, *kept], sizes) == 0
    pairs = zip(lowered.output_shapes, lowered.graph.outputs, strict=True)
    results = [empty(shape, output.dtype) for shape, output in pairs]
    code = module[lowered.program.name].run([*given, *kept, *results], sizes)
    if code:
        raise lowered.failures[code].error()
    return results


@pytest.fixture(autouse=True)
def same_numbers_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of a test do not depend on which tests ran before it."""
    monkeypatch.setattr(graphs, "rng", np.random.default_rng(0))


@pytest.fixture
def lowered() -> Callable[..., Lowered]:
    """Lowers a graph for this machine."""

    def make(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> Lowered:
        return lower(Graph(inputs, outputs), "tested", host_target())

    return make


@pytest.fixture(params=["host", "sse2"])
def check(request: pytest.FixtureRequest) -> Callable[..., Lowered]:
    """Compares C with the NumPy reference; gives what was lowered."""
    host = host_target()
    target = host if request.param == "host" else TARGETS[request.param]

    def compare(
        inputs: Sequence[Variable], outputs: Sequence[Variable], arrays: Arrays
    ) -> Lowered:
        lowered = lower(Graph(inputs, outputs), "tested", target)
        wanted = evaluate(outputs, dict(zip(inputs, arrays, strict=True)))
        for got, want in zip(run_lowered(lowered, arrays, target), wanted, strict=True):
            scale = np.abs(want).max(initial=1.0) if want.dtype.kind == "f" else 0
            tolerance = TOLERANCE.get(want.dtype.name, 0) * ROUNDINGS
            assert got.shape == want.shape
            np.testing.assert_allclose(
                got, want, rtol=10 * tolerance, atol=tolerance * scale
            )
        return lowered

    return compare
