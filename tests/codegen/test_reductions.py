"""Reductions of every form agree with NumPy, for fixed and run-time sizes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.ir import Buffer, Kernel, Load, Program, Role, Store
from codegen.reductions import Term, arg_extremum, reduction

NUMPY = {"add": np.sum, "mul": np.prod, "maximum": np.max, "minimum": np.min}
SHAPES = [
    (1,),
    (3,),
    (2000,),
    (300000,),
    (5, 7),
    (300, 700),
    (7, 3, 2),
    (2, 3, 5, 7),
    (1, 3, 1, 70),
    (20000, 3),
    (3, 40000),
    (50, 4, 30, 20),
    (70000, 2),
    (40, 2500),
]


def place(indices, shape):
    strides = sizes.contiguous_strides(shape)
    return sum((i * s for i, s in zip(indices, strides, strict=True)), 0)


def program(name, shape, axes, function, dtype, symbolic=False, index=False):
    """The program that reduces a buffer of ``shape`` along ``axes``."""
    names = tuple(f"n{axis}" for axis in range(len(shape))) if symbolic else ()
    extents = tuple(map(sizes.symbol, names)) if symbolic else shape
    kept = tuple(e for axis, e in enumerate(extents) if axis not in axes)
    x = Buffer("x", dtype, extents, Role.ARGUMENT)
    y = Buffer("y", "int64" if index else dtype, kept, Role.ARGUMENT)

    def store(indices, total):
        return (Store(y, place(indices, kept), total),)

    if index:
        steps = arg_extremum(
            extents,
            axes[0],
            lambda i: Load(x, place(i, extents)),
            function,
            store,
            name="r",
        )
    else:
        steps = reduction(
            extents,
            axes,
            lambda i: ((), (Term(function, Load(x, place(i, extents))),)),
            lambda i, totals: store(i, totals[0]),
            "r",
        )
    kernels = tuple(Kernel(step, f"{function} over {axes}") for step in steps)
    return Program(name, names, (x, y), kernels)


def subsets(rank):
    for count in range(rank + 1):
        yield from itertools.combinations(range(rank), count)


@pytest.mark.parametrize("symbolic", [False, True])
def test_sums_agree_with_numpy(symbolic):
    cases = [(shape, axes) for shape in SHAPES for axes in subsets(len(shape))]
    module = build(
        [
            program(f"p{number}", shape, axes, "add", "float32", symbolic)
            for number, (shape, axes) in enumerate(cases)
        ]
    )
    rng = np.random.default_rng(0)
    for number, (shape, axes) in enumerate(cases):
        x = rng.normal(1, 1, shape).astype("float32")
        expected = x.sum(axes, dtype="float64").astype("float32")
        results = []
        for threads in (1, 2, 3):
            y = np.full(expected.shape, np.nan, "float32")
            dims = shape if symbolic else ()
            assert module[f"p{number}"].run([x, y], dims, threads) == 0
            np.testing.assert_allclose(y, expected, rtol=3e-7, atol=1e-6)
            results.append(y)
        assert all(np.array_equal(results[0], other) for other in results)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8", "bool"])
def test_functions_and_dtypes(dtype):
    shapes = [((5, 70), (1,)), ((70, 5), (0,)), ((3, 2, 40), (0, 2)), ((100000,), (0,))]
    functions = ["maximum", "minimum"] if dtype == "bool" else list(NUMPY)
    cases = list(itertools.product(functions, shapes))
    module = build(
        [
            program(f"p{number}", shape, axes, function, dtype)
            for number, (function, (shape, axes)) in enumerate(cases)
        ]
    )
    rng = np.random.default_rng(0)
    for number, (function, (shape, axes)) in enumerate(cases):
        x = (rng.uniform(0, 2, shape)).astype(dtype)
        if function == "mul":
            x = x**0 if dtype == "uint8" else (x * 0 + 1).astype(dtype)
        expected = NUMPY[function](x, axes)
        y = np.zeros(expected.shape, dtype)
        assert module[f"p{number}"].run([x, y]) == 0
        if dtype in ("uint8", "int32"):
            expected = expected.astype(dtype)  # NumPy adds integers up in 64 bits
        np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_extrema_keep_nan_and_infinities():
    shapes = [((5, 70), (1,)), ((70, 5), (0,)), ((4, 3), (1,)), ((100000,), (0,))]
    cases = list(itertools.product(["maximum", "minimum"], shapes))
    module = build(
        [program(f"p{i}", s, a, f, "float32") for i, (f, (s, a)) in enumerate(cases)]
    )
    for number, (function, (shape, axes)) in enumerate(cases):
        x = np.random.default_rng(1).normal(size=shape).astype("float32")
        x[0] = np.inf
        x[1] = -np.inf
        x[2].flat[-1:] = np.nan
        if x.ndim == 1:
            x[77777] = np.nan
        expected = NUMPY[function](x, axes)
        y = np.zeros(expected.shape, "float32")
        module[f"p{number}"].run([x, y])
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("function", ["maximum", "minimum"])
def test_arg_extremum_finds_the_first_and_nan(function):
    cases = [((5, 70), 1), ((70, 5), 0), ((3, 7, 2), 1), ((100000,), 0)]
    module = build(
        [
            program(f"p{i}", shape, (axis,), function, "float32", index=True)
            for i, (shape, axis) in enumerate(cases)
        ]
    )
    reference = {"maximum": np.argmax, "minimum": np.argmin}[function]
    for number, (shape, axis) in enumerate(cases):
        x = np.random.default_rng(2).integers(0, 4, shape).astype("float32")
        for value in (0, np.nan, np.inf, -np.inf):
            x[2] = value
            expected = reference(x, axis)
            y = np.zeros(expected.shape, "int64")
            module[f"p{number}"].run([x, y])
            np.testing.assert_array_equal(y, expected)


def test_sums_of_millions_stay_accurate():
    shapes = [((4_000_000,), (0,)), ((1_000_000, 3), (0,)), ((2, 2_000_000), (1,))]
    module = build(
        [program(f"p{i}", s, a, "add", "float32") for i, (s, a) in enumerate(shapes)]
    )
    for number, (shape, axes) in enumerate(shapes):
        x = np.full(shape, 0.1, "float32")
        expected = x.sum(axes, dtype="float64")
        y = np.zeros(expected.shape, "float32")
        module[f"p{number}"].run([x, y])
        np.testing.assert_allclose(y, expected, rtol=6e-8)


def test_reducing_nothing_gives_the_neutral_value():
    module = build([program("p", (3, 5), (1,), "add", "float32", symbolic=True)])
    y = np.full(3, np.nan, "float32")
    assert module["p"].run([np.zeros((3, 0), "float32"), y], (3, 0)) == 0
    assert (y == 0).all()
    none = np.zeros(0, "float32")
    assert module["p"].run([np.zeros((0, 5), "float32"), none], (0, 5)) == 0
