"""The table of op cases: for every op, static parameters and inputs for it.

One table drives the tests of type inference, shape inference, references, gradients
of first and second order, printing, and every back end against the reference. Floats
are float64, far enough from ties and kinks for central differences to see a slope.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from symgraph import ops
from symgraph.graph import Op
from symgraph.ops.advanced import Positions
from symgraph.ops.subtensor import At, Range
from tests.ops.cases_linalg import linalg_rows
from tests.ops.cases_nn import NN_CASES
from tests.ops.cases_scan import in_dtype, scan_rows

RNG = np.random.default_rng(17)


# Ops that mean something else, or nothing, where their inputs' sizes are not known:
# only a dimension that is statically 1 is repeated, and a state has two words.
NEED_SHAPES = (ops.BroadcastTo, ops.RandomBits, ops.RandomUniform)


class Case(NamedTuple):
    """An op and the arrays it is applied to."""

    op: Op
    arrays: tuple[Any, ...]

    @property
    def label(self) -> str:
        """What the case is called in a test report."""
        return f"{self.op} {' '.join(str(a.dtype) + str(a.shape) for a in self.arrays)}"

    @property
    def has_floats(self) -> bool:
        """Whether it is another case in another dtype."""
        return any(np.asarray(array).dtype.kind == "f" for array in self.arrays)

    def in_dtype(self, dtype: str) -> Case:
        """The same with its floats in ``dtype``."""
        arrays = [np.asarray(array) for array in self.arrays]
        turned = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
        return Case(in_dtype(self.op, dtype), tuple(turned))


def named(names):
    """The ops of these classes, all of their parameters at their default."""
    return [getattr(ops, name)() for name in names.split()]


def normal(*shape):
    """Standard normal values."""
    return RNG.normal(size=shape)


def between(low, high, *shape):
    """Uniform values."""
    return RNG.uniform(low, high, shape)


def distinct(*shape):
    """Values that differ by at least 1/4, in no order, none within 1/8 of 0."""
    return RNG.permutation(prod(shape)).reshape(shape) / 4.0 - 1.875


def integers(low, high, *shape, dtype="int64"):
    """Integers from low up to high - 1."""
    return RNG.integers(low, high, shape).astype(dtype)


def size(value):
    """An int64 scalar."""
    return np.array(value, "int64")


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
        signs = RNG.choice([-1, 1], (3, 5))
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


def comparisons_and_bits():
    """Comparisons, logic and bits, each on dtypes it takes."""
    for op in named("Eq Ne Lt Le Gt Ge LogicalAnd LogicalOr LogicalXor"):
        for dtype in ("bool", "int16", "float32"):
            arrays = (
                integers(0, 2, 3, 5, dtype=dtype),
                integers(0, 2, 3, 5, dtype=dtype),
            )
            yield op, arrays
    for op in named("BitwiseAnd BitwiseOr BitwiseXor"):
        for dtype in ("bool", "int8", "uint64"):
            arrays = (
                integers(0, 2, 3, 5, dtype=dtype),
                integers(0, 2, 3, 5, dtype=dtype),
            )
            yield op, arrays
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


def shapes():
    """Dimensions read and changed, sizes known and not."""
    yield ops.Dim(1), (normal(2, 3, 5),)
    yield ops.BroadcastTo((2, 3)), (normal(3),)
    yield ops.BroadcastTo((5, 2, 3)), (normal(2, 1),)
    yield ops.BroadcastTo((None, 2, None)), (normal(2, 1), size(5), size(3))
    yield ops.BroadcastTo((2, 3)), (normal(),)
    yield ops.Reshape((3, 2)), (normal(2, 3),)
    yield ops.Reshape((None, 5)), (normal(2, 3, 5), size(6))
    yield ops.Reshape((0, 7)), (normal(2, 0),)
    yield ops.Transpose((1, 2, 0)), (normal(2, 3, 5),)
    yield ops.Arange(5), ()
    yield ops.Arange(None, "float32"), (size(7),)


def reductions():
    """Each reduction over one, several, all and no elements."""
    for op in (ops.Sum, ops.Prod, ops.Max, ops.Min):
        for axes in [(0,), (1,), (0, 2), (0, 1, 2), ()]:
            yield op(axes), (distinct(2, 3, 5),)
        yield op((1,)), (integers(-3, 4, 2, 3),)
    yield ops.Sum((0,)), (normal(0, 3),)
    yield ops.Prod((0,)), (np.array([[0.0, 2.0, 3.0], [0.5, 0.0, 0.0]]).T,)
    for op in (ops.Any, ops.All):
        yield op((0,)), (integers(0, 2, 3, 5, dtype="bool"),)
        yield op((0, 1)), (integers(0, 2, 3, 0, dtype="bool"),)
    for op in (ops.ArgMax, ops.ArgMin):
        yield op(1), (distinct(2, 3, 5),)
        yield op(0), (integers(0, 3, 7, 5, dtype="int8"),)
    yield ops.ProductOfOthers(), (np.array([[2.0, 0.0, 3.0], [0.5, 0.0, 0.0]]),)
    yield ops.ProductOfOthers(), (normal(2, 1),)


def statistics():
    """Sums taken together."""
    for axes in [(0,), (0, 2), (0, 1, 2)]:
        yield ops.Moments(axes), (normal(2, 3, 5),)
        yield ops.PairedSums(axes), (normal(2, 3, 5), normal(2, 3, 5))


def products():
    """Matrices, batches of them, and empty ones."""
    yield ops.MatMul(), (normal(2, 3), normal(3, 5))
    yield ops.MatMul(), (normal(7, 2, 3), normal(7, 3, 5))
    yield ops.MatMul(), (normal(2, 0), normal(0, 5))
    yield ops.MatMul(), (integers(0, 9, 2, 3), integers(0, 9, 3, 5))


def joins():
    """Joining, splitting, padding."""
    yield ops.Concatenate(0), (normal(2, 3), normal(5, 3))
    yield ops.Concatenate(1), (normal(2, 3), normal(2, 0), normal(2, 5))
    yield ops.Concatenate(1), (normal(2, 3),)
    yield ops.Split(1, (2, 0, 3)), (normal(2, 5),)
    yield ops.Split(0, (None, 2)), (normal(5, 2), size(3))
    yield ops.Pad(((1, 2), (0, 3)), 0.5), (normal(2, 3),)
    yield ops.Pad(((1, 0),), -1.0), (integers(0, 9, 5, dtype="int32"),)


def subtensors():
    """Positions and ranges, read and written, known and not."""
    whole = Range(0, 5)
    some = [
        ((At(1), Range(0, 3), whole), (), (3, 5)),
        ((Range(3, 2, -1), At(-2), Range(1, 2, 3)), (), (2, 2)),
        ((At(None), At(-3), Range(None, None, 2)), (-1, 1, 2), (2,)),
        ((Range(0, 0), Range(0, 3), Range(4, 5, -1)), (), (0, 3, 5)),
    ]
    for index, scalars, part in some:
        rest = tuple(size(n) for n in scalars)
        yield ops.Subtensor(index), (normal(7, 3, 5), *rest)
        for increment in (False, True):
            op = ops.SetSubtensor(index, increment)
            yield op, (normal(7, 3, 5), normal(*part), *rest)


def takes():
    """Arrays of positions, read and written; positions written are distinct."""
    once, twice = np.array([[4, -3, 0]]), np.array([1, 0, 1, -1])
    yield ops.Take(0), (normal(5, 3), once)
    yield ops.Take(1), (normal(2, 3, 5), twice)
    yield ops.Take(0, 2), (normal(3, 5, 2), np.array([0, -1]), np.array([4, 3]))
    yield ops.Put(0), (normal(5, 3), normal(1, 3, 3), once)
    yield ops.Put(1, 1, True), (normal(2, 3, 5), normal(2, 4, 5), twice)
    pair = np.array([0, -1], "int32"), np.array([4, 3], "int32")
    yield ops.Put(0, 2), (normal(3, 5, 2), normal(2, 2), *pair)
    mixed = (Range(1, 2), Positions(), At(None))
    yield ops.AdvancedSubtensor(mixed), (normal(3, 5, 2), size(1), once)
    arrays = normal(3, 5, 2), normal(2, 1, 3), size(-1), once
    yield ops.AdvancedSetSubtensor(mixed), arrays
    apart = (Positions(), Range(None, None, 2), Positions())
    arrays = normal(5, 7, 3), size(1), size(3), np.array([4, 0]), np.array([2, 2])
    yield ops.AdvancedSubtensor(apart), arrays
    arrays = normal(5, 7, 3), normal(2, 3), size(1), size(3), *arrays[3:]
    yield ops.AdvancedSetSubtensor(apart, True), arrays
    nothing_between = (Range(0, 5), Positions(), At(None))
    arrays = normal(5, 3, 2), size(1), np.array([2, 0])
    yield ops.AdvancedSubtensor(nothing_between, True), arrays
    arrays = arrays[0], normal(2, 5), *arrays[1:]
    yield ops.AdvancedSetSubtensor(nothing_between, False, True), arrays


def orders():
    """Running sums and products, and order."""
    for axis in (0, 1):
        yield ops.CumSum(axis), (normal(2, 5),)
        yield ops.CumSum(axis, True), (normal(3, 2),)
        yield ops.CumProd(axis), (np.array([[2.0, 0.0, 3.0], [0.5, 0.0, 0.0]]),)
        yield ops.ArgSort(axis), (distinct(3, 5),)
    yield ops.CumSum(0), (integers(0, 9, 5, dtype="int8"),)
    yield ops.ArgSort(0), (np.array([2, 1, 2, 1, 0], "uint8"),)


ROWS = [
    *unary(),
    *binary(),
    *comparisons_and_bits(),
    *selections(),
    *barriers(),
    *shapes(),
    *reductions(),
    *statistics(),
    *products(),
    *joins(),
    *subtensors(),
    *takes(),
    *orders(),
    *linalg_rows(),
    *scan_rows(),
    *NN_CASES,
]
CASES = [Case(op, tuple(arrays)) for op, arrays in ROWS]
