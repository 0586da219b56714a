"""Rows of the op-case table: what is computed element by element."""

from __future__ import annotations

import numpy as np

from symgraph import ops
from tests.ops.random_arrays import Arrays

ARRAYS = Arrays(17)
normal, between = ARRAYS.normal, ARRAYS.between
distinct, integers = ARRAYS.distinct, ARRAYS.integers


def named(names):
    """The ops of these classes, all of their parameters at their default."""
    return [getattr(ops, name)() for name in names.split()]


FLOAT_UNARY = {
    "Abs Neg Square Relu Sign Floor Ceil Trunc Round": (-3.0, 3.0),
    "Exp Exp2 Expm1 Sin Cos Sinh Cosh Tanh Arcsinh Arctan": (-2.0, 2.0),
    "Sigmoid Softplus Erf Erfc": (-2.0, 2.0),
    "Log Log2 Log10 Sqrt Reciprocal": (0.5, 3.0),
    "Log1p": (-0.5, 2.0),
    "Tan": (-1.2, 1.2),
    "Arcsin Arccos Arctanh": (-0.8, 0.8),
    "Arccosh": (1.2, 3.0),
    "IsNan IsInf IsFinite StopGradient Checkpoint": (-1.0, 1.0),
}
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.5, 2.5, 3e38])


def unary():
    """Functions of one argument: smooth values, integers, special values."""
    for names, (low, high) in FLOAT_UNARY.items():
        for op in named(names):
            yield op, (between(low, high, 2, 3) + 0.001,)
            yield op, (between(low, high, 5).astype("float32"),)
    for op in named("Abs Neg Square Relu Sign"):
        yield op, (integers(-9, 9, 2, 3, dtype="int32"),)
    yield ops.Abs(), (integers(0, 9, 5, dtype="uint8"),)
    for op in named("IsNan IsInf IsFinite"):
        yield op, (SPECIAL,)
    for dtype in ("bool", "int8", "uint64", "float64"):
        yield ops.LogicalNot(), (integers(0, 2, 2, 3, dtype=dtype),)
    for dtype in ("bool", "int8", "uint16", "int64"):
        yield ops.Invert(), (integers(0, 2, 2, 3, dtype=dtype),)


def binary():
    """Functions of two arguments of one shape."""
    for op in named("Add Sub Mul Maximum Minimum Arctan2"):
        yield op, (distinct(3, 5), distinct(3, 5) + 0.13)
        yield op, (normal(7).astype("float32"), normal(7).astype("float32"))
    for op in named("Div Mod FloorDiv"):
        signs = ARRAYS.rng.choice([-1, 1], (3, 5))
        yield op, (normal(3, 5), between(0.5, 2.0, 3, 5) * signs)
        yield op, (normal(7).astype("float32"), normal(7).astype("float32"))
    yield ops.Pow(), (between(0.5, 2.0, 2, 3), between(-2.0, 2.0, 2, 3))
    for op in named("Add Sub Mul Mod FloorDiv Maximum Minimum"):
        x, y = integers(-9, 9, 3, 5, dtype="int32"), integers(1, 5, 3, 5, dtype="int32")
        yield op, (x, y)
    yield ops.Pow(), (integers(-3, 4, 2, 3), integers(0, 5, 2, 3))
    for op in named("Add Mul Maximum Minimum"):
        arrays = integers(0, 2, 5, dtype="bool"), integers(0, 2, 5, dtype="bool")
        yield op, arrays


def truths(dtype):
    """Two arrays of zeros and ones."""
    return tuple(integers(0, 2, 3, 5, dtype=dtype) for _ in range(2))


def comparisons_and_bits():
    """Comparisons, logic and bits, each on dtypes it takes."""
    for op in named("Eq Ne Lt Le Gt Ge LogicalAnd LogicalOr LogicalXor"):
        for dtype in ("bool", "int16", "float32"):
            yield op, truths(dtype)
    for op in named("BitwiseAnd BitwiseOr BitwiseXor"):
        for dtype in ("bool", "int8", "uint64"):
            yield op, truths(dtype)
    for op in named("LeftShift RightShift"):
        for dtype in ("int32", "uint8"):
            arrays = integers(0, 99, 7, dtype=dtype), integers(0, 7, 7, dtype=dtype)
            yield op, arrays


def selections():
    """Where, branches, and casts between kinds of dtype."""
    condition = integers(0, 2, 2, 3, dtype="bool")
    yield ops.Where(), (condition, normal(2, 3), normal(2, 3))
    yield ops.Where(), (condition, integers(0, 9, 2, 3), integers(0, 9, 2, 3))
    yield ops.IfElse(), (np.array(True), normal(2, 3), normal(2, 3))
    yield ops.IfElse(), (np.array(False), normal(5), normal(5))
    yield ops.IfElse(), (np.array(False), integers(0, 9), integers(0, 9))
    for source, target in [
        ("float64", "float32"),
        ("float32", "int8"),
        ("int64", "float64"),
        ("bool", "float32"),
        ("float32", "bool"),
        ("int32", "bool"),
        ("uint8", "int64"),
        ("int64", "uint8"),
    ]:
        yield ops.Cast(target), (between(0.3, 9.0, 2, 3).astype(source),)
    yield ops.Cast("float64"), (normal(2, 3),)


def barriers():
    """A value that waits for another of any type."""
    yield ops.Barrier(), (normal(2, 3), normal(5))
    yield ops.Barrier(), (integers(0, 9, 7), normal())


ELEMENTWISE_CASES = [
    *unary(),
    *binary(),
    *comparisons_and_bits(),
    *selections(),
    *barriers(),
]
