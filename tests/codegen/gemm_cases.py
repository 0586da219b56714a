"""Products for the tests of ``codegen.gemm``: programs, data, and what they should be.

Many programs go into one module, so that a test compiles once.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from codegen import sizes
from codegen.build import build
from codegen.ir import Buffer, Gemm, Kernel, Program, Role
from codegen.target import runnable

TARGETS = runnable()[::-1]
TURNS = tuple(itertools.product((False, True), repeat=2))
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}  # of sum |a| |b|
THREADS = (1, 2, 3)


@dataclass(frozen=True)
class Case:
    """One product; ``symbolic`` names the sizes that are only known at the call."""

    m: int
    n: int
    k: int
    transpose_a: bool = False
    transpose_b: bool = False
    dtype: str = "float32"
    batch: int = 1
    repeats: str = ""  # operands with a batch stride of 0: "x", "y"
    symbolic: str = ""

    def at(self, m: int, n: int, k: int) -> Case:
        """The same with other sizes."""
        return replace(self, m=m, n=n, k=k)

    def size(self, name: str) -> sizes.Size:
        """``m``, ``n`` or ``k`` as the program knows it."""
        return sizes.symbol(name) if name in self.symbolic else getattr(self, name)

    @property
    def values(self) -> tuple[int, ...]:
        """What the run-time sizes are."""
        return tuple(getattr(self, name) for name in self.names)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in "mnk" if name in self.symbolic)


def step_of(case, epilogue=None, dtype=None):
    """The ``Gemm`` z = x y of ``case``, z in ``dtype``."""
    m, n, k = (case.size(name) for name in "mnk")
    x = Buffer("x", case.dtype, (case.batch, m, k), Role.ARGUMENT)
    y = Buffer("y", case.dtype, (case.batch, k, n), Role.ARGUMENT)
    z = Buffer("z", dtype or case.dtype, (case.batch, m, n), Role.ARGUMENT)
    strides = (
        0 if "x" in case.repeats else m * k,
        0 if "y" in case.repeats else k * n,
        m * n,
    )
    turns = case.transpose_a, case.transpose_b
    return Gemm(x, y, z, m, n, k, *turns, case.batch, strides, epilogue)


def program(case, name="f", epilogue=None, dtype=None, extra=()):
    """The program of ``step_of``; ``extra`` buffers follow x, y, z."""
    step = step_of(case, epilogue, dtype)
    arguments = (step.a, step.b, step.c, *extra)
    return Program(name, case.names, arguments, (Kernel(step, "gemm"),))


def operands(case, rng):
    """Random x and y in the order of memory that the transpositions say."""
    x_batch = 1 if "x" in case.repeats else case.batch
    y_batch = 1 if "y" in case.repeats else case.batch
    x = _random(rng, (x_batch, case.m, case.k), case.dtype)
    y = _random(rng, (y_batch, case.k, case.n), case.dtype)
    if case.transpose_a:
        x = np.ascontiguousarray(x.swapaxes(1, 2))
    if case.transpose_b:
        y = np.ascontiguousarray(y.swapaxes(1, 2))
    return x, y


def product(case, x, y, of=lambda array: array):
    """x y in float64 (integers in their own dtype), ``of`` applied to both first."""
    left = x.swapaxes(1, 2) if case.transpose_a else x
    right = y.swapaxes(1, 2) if case.transpose_b else y
    if case.dtype in TOLERANCE:
        left, right = left.astype("float64"), right.astype("float64")
    total = np.matmul(of(left), of(right))
    return np.broadcast_to(total, (case.batch, case.m, case.n))


def run(native, case, arrays, dtype=None, threads=1):
    """z for these operands, from memory full of rubbish."""
    z = np.full((case.batch, case.m, case.n), 77, dtype or case.dtype)
    x, y, *extra = arrays
    assert native.run([x, y, z, *extra], case.values, threads) == 0
    return z


def check(native, case, seed=0):
    """The product is right, and bit for bit the same for every number of threads."""
    x, y = operands(case, np.random.default_rng(seed))
    results = [run(native, case, (x, y), threads=threads) for threads in THREADS]
    expected = product(case, x, y)
    if case.dtype in TOLERANCE:
        allowed = TOLERANCE[case.dtype] * product(case, x, y, np.abs)
        assert np.all(np.abs(results[0] - expected) <= allowed), case
    else:
        np.testing.assert_array_equal(results[0], expected, str(case))
    for result in results[1:]:
        np.testing.assert_array_equal(results[0], result, str(case))


def check_all(cases, target):
    """``check`` for every case, compiled as one module."""
    cases = tuple(dict.fromkeys(cases))
    programs = [program(case, f"f{at}") for at, case in enumerate(cases)]
    module = build(programs, target)
    for at, case in enumerate(cases):
        check(module[f"f{at}"], case, at)


def _random(rng, shape, dtype):
    if dtype in TOLERANCE:
        return rng.standard_normal(shape).astype(dtype)
    if dtype == "bool":
        return rng.random(shape) < 0.2
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype)
