"""Every family of loops and kernels, of any size: compiled once, called with many.

Sizes are about those of vectors, unrolled loops and blocks of a sweep, with 0 and 1
among them. All but the channels of images are known at the call only. What is summed
is positive: an error is measured against the sum. Products and convolutions have tests
of their own in ``tests/codegen``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symgraph as sg
from codegen.build import build
from codegen.target import runnable
from symgraph.graph import Graph, Variable, evaluate
from symgraph.lowering.lower import Lowered, lower
from symgraph.ops.batch_norm import BatchNormTraining
from tests.effort import effort_in
from tests.lowering.conftest import run_built
from tests.lowering.test_each_target import TOLERANCE, near

SOME = st.one_of(st.just(1), st.integers(2, 40), st.integers(2, 300))
SIZES = {  # by the letters of ``Family.inputs``; of a capital letter at least one
    "n": st.one_of(st.integers(0, 1), SOME),
    "m": st.one_of(st.integers(0, 1), SOME),
    "N": SOME,
    "M": SOME,
    "A": st.integers(1, 9),
    "B": st.integers(1, 40),
    "C": st.integers(1, 70),
    "a": st.integers(0, 9),
    "b": st.integers(0, 40),
    "c": st.integers(0, 70),
    "h": st.integers(3, 23),
    "w": st.integers(3, 23),
    "1": st.just(1),
    "5": st.just(5),
}


class Family(NamedTuple):
    """How outputs are made of inputs, and the sizes of each of these, a letter each."""

    outputs: Callable[..., Sequence[Variable]]
    inputs: tuple[str, ...]


def elementwise(x, row, column):
    curved = sg.tanh(x) * row + sg.exp(-x * x) / (1 + abs(column))
    return [curved, x > row, x.T - column.T, abs(x + column).sum(), (x * row).max(1)]


def losses(x):
    """The label of each row is found from its own numbers."""
    loss = sg.nn.cross_entropy(x, sg.argmax(x, axis=1))
    return [loss, sg.grad((loss * loss).sum(), x)]


def recurrence(x, start):
    y, _ = sg.scan(lambda a, s: sg.tanh(a + 0.5 * s), x, start)
    return [y, *sg.grad((y * y).sum(), [x, start])]


def moved(x):
    joined = sg.concatenate([x, x[::-1], x[1:]], axis=0)
    return [joined, x[::2, 1:], sg.cumsum(x, 0), sg.cumsum(x, 1), sg.sort(x, axis=1)]


def taken(x):
    order = sg.argsort(x[:, 0])
    rows = x[order]
    first = sg.inc_subtensor(x[order[0]], 2.0)
    return [rows, sg.grad((rows * rows).sum(), x), first]


def normalized(x, gamma, beta):
    y, mean, variance = BatchNormTraining((0, 2, 3))(x, gamma, beta)
    return [y, mean, variance, *sg.grad((y * y * y).sum(), [x, gamma, beta])]


def with_gradient(function):
    def outputs(x):
        y = function(x)
        return [y, sg.grad((y * y * y).sum(), x)]

    return outputs


def reduced(axis):
    return {
        f"sums over {axis}": Family(
            lambda x: [abs(x).sum(axis), (1 + 0.01 * x).prod(axis)], ("abc",)
        ),
        f"extrema over {axis}": Family(
            lambda x: [x.max(axis), x.min(axis), abs(x).mean(axis), x.var(axis)],
            ("ABC",),
        ),
    }


IMAGES = ("a5hw",)
FAMILIES = {
    "elementwise": Family(elementwise, ("nM", "M", "n1")),
    "softmax": Family(lambda x: [sg.nn.softmax(x), sg.nn.log_softmax(x)], ("nM",)),
    "softmax down": Family(lambda x: [sg.nn.softmax(x, axis=0)], ("Nm",)),
    "cross-entropy": Family(losses, ("nM",)),
    "places": Family(lambda x: [x.argmax(0), x.argmin(1), x.argmax(2)], ("ABC",)),
    "recurrence": Family(recurrence, ("abc", "bc")),
    "moved": Family(moved, ("NM",)),
    "taken": Family(taken, ("NM",)),
    "normalized": Family(normalized, ("A5hw", "5", "5")),
    "two by two": Family(with_gradient(lambda x: sg.nn.max_pool2d(x, 2)), IMAGES),
    "overlapping": Family(
        with_gradient(lambda x: sg.nn.max_pool2d(x, 3, 2, 1)), IMAGES
    ),
    "means": Family(with_gradient(lambda x: sg.nn.average_pool2d(x, 3, 2, 1)), IMAGES),
}
for axes in (0, 1, 2, (0, 1), (0, 2), (1, 2), None):
    FAMILIES |= reduced(axes)


def graph_of(family, dtype):
    """Its graph, of sizes not known but for those that are digits."""
    shapes = [[int(n) if n.isdigit() else None for n in name] for name in family.inputs]
    inputs = [sg.tensor(dtype=dtype, shape=shape) for shape in shapes]
    return Graph(inputs, family.outputs(*inputs))


class Compiled(NamedTuple):
    """All families for one target and dtype, in one module."""

    dtype: str
    module: Any
    lowered: dict[str, Lowered]

    def __repr__(self):
        return self.dtype

    def check(self, name, sizes, seed):
        """C against the definitions in float64 of the same numbers."""
        rng, family = np.random.default_rng(seed), FAMILIES[name]
        shapes = [[sizes[letter] for letter in letters] for letters in family.inputs]
        arrays = [rng.standard_normal(shape).astype(self.dtype) for shape in shapes]
        results = run_built(self.module, self.lowered[name], arrays)
        exact = graph_of(family, "float64")
        values = zip(exact.inputs, (a.astype("float64") for a in arrays), strict=True)
        for got, want in zip(
            results, evaluate(exact.outputs, dict(values)), strict=True
        ):
            assert got.shape == want.shape
            assert near(got, want, self.dtype)


EACH = [(target, dtype) for target in runnable() for dtype in TOLERANCE]


@pytest.fixture(scope="module", params=EACH, ids=lambda p: f"{p[0].name}-{p[1]}")
def compiled(request):
    target, dtype = request.param
    lowered = {
        name: lower(graph_of(family, dtype), f"p{place}", target)
        for place, (name, family) in enumerate(FAMILIES.items())
    }
    programs = [program for each in lowered.values() for program in each.programs]
    return Compiled(dtype, build(programs, target, flags=effort_in(dtype)), lowered)


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=10, deadline=None)
@given(sizes=st.fixed_dictionaries(SIZES), seed=st.integers(0, 9))
def test_any_size(compiled, name, sizes, seed):
    compiled.check(name, sizes, seed)
