"""Rows of the op-case table: what changes, reduces, joins and indexes arrays."""

from __future__ import annotations

import numpy as np

from symgraph import ops
from symgraph.ops.advanced import Positions
from symgraph.ops.subtensor import At, Range
from tests.ops.random_arrays import Arrays, size

ARRAYS = Arrays(19)
normal, distinct, integers = ARRAYS.normal, ARRAYS.distinct, ARRAYS.integers


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


SHAPE_CASES = [
    *shapes(),
    *reductions(),
    *statistics(),
    *products(),
    *joins(),
    *subtensors(),
    *takes(),
    *orders(),
]
