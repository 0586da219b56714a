"""The rows of ``Scan`` in the table of op cases: each way it can be applied."""

from __future__ import annotations

from dataclasses import replace

from symgraph import ops
from symgraph.graph import Graph, TensorType, Variable, is_float
from symgraph.ops.scan_body import Body
from tests.ops.random_arrays import Arrays, size

normal = Arrays(23).normal


def variable(*shape, dtype="float64"):
    """A variable whose sizes are not known: the arrays decide them."""
    return Variable(TensorType(dtype, shape))


def in_dtype(op, dtype):
    """``op`` with its floats in another dtype: that of a scan's body is its own."""
    if not isinstance(op, ops.Scan):
        return op
    given = op.body.graph.inputs
    types = [v.type.with_dtype(dtype) if is_float(v.dtype) else v.type for v in given]
    inputs = [Variable(type_) for type_ in types]
    return op.with_body(inputs, op.body.applied(inputs))


def recurrent():
    """h' = tanh(x W + h U), the sum of x so far, and what each step saw of both."""
    x, h, total = variable(None, 3), variable(None, 5), variable(None, 3)
    w, u = variable(3, 5), variable(5, 5)
    new = ops.tanh(ops.matmul(x, w) + ops.matmul(h, u))
    ends = [new, total + x, new + new, h]
    return Body(Graph([x, h, total, w, u], ends))


def fibonacci():
    """Integers, no sequence, two states that change places."""
    a, b = variable(dtype="int64"), variable(dtype="int64")
    return Body(Graph([a, b], [b, a + b, b]))


def scaled():
    """Nothing is carried: y_t = exp(x_t) c."""
    x, c = variable(None), variable(None)
    return Body(Graph([x, c], [ops.exp(x) * c]))


def scan_rows():
    """Forwards and backwards, lengths known and not, with and without states."""
    recurrence = ops.Scan(recurrent(), 1, 2, 4)
    arrays = (normal(4, 2, 3), normal(2, 5), normal(2, 3), normal(3, 5), normal(5, 5))
    yield recurrence, arrays
    yield replace(recurrence, reverse=True), arrays
    steps = size(4)
    yield replace(recurrence, length=None), (*arrays, steps)
    first = size(0), size(1)
    yield ops.Scan(fibonacci(), 0, 2, 7), first
    yield ops.Scan(fibonacci(), 0, 2, None), (*first, size(5))
    yield ops.Scan(scaled(), 1, 0, 3), (normal(3, 5), normal(5))
    yield ops.Scan(scaled(), 1, 0, 0), (normal(0, 5), normal(5))


SCAN_CASES = [*scan_rows()]
