"""Batch normalization in training: statistics in a sweep of their own, the rest fused.

The convolution that makes x takes its statistics instead where that pays, and the one
that makes its gradient both sums: see ``channel_sums.py``.

Training BN is the moments of x, then one affine map that fuses with its neighbours.
Its gradient is one sweep for both sums, then one pointwise expression, which again
fuses, with the mask of the relu before it for instance.
"""

from __future__ import annotations

from codegen import ir
from codegen.reductions import Finish, Term, Terms, reduction
from codegen.reductions import cast as cast_to
from codegen.schedule import elementwise
from codegen.sizes import Size, minimum, product
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.pointwise import read
from symgraph.lowering.reduce import Space, space_of
from symgraph.lowering.values import Stored, plain_view
from symgraph.ops import expand_dims, sqrt
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.batch_norm import (
    BatchNormTraining,
    BatchNormTrainingGrad,
    elements,
)
from symgraph.ops.moments import Moments, PairedSums
from symgraph.ops.statistics import unless_empty

Statements = tuple[ir.Statement, ...]
WIDE = "float64"  # in which statistics are summed


def expand_batch_norm_training(
    op: BatchNormTraining, x: Variable, gamma: Variable, beta: Variable
) -> tuple[Variable, Variable, Variable]:
    """y = (x - mean) scale + beta, with scale = gamma / sqrt(variance + epsilon)."""
    mean, variance = Moments(op.axes)(x)
    scale = gamma if op.mean_only else gamma / sqrt(variance + op.epsilon)
    y = Affine(op.axes)(AddBias(op.axes)(x, -mean), scale, beta)
    return y, mean, variance


def expand_batch_norm_training_grad(
    op: BatchNormTrainingGrad,
    x: Variable,
    gamma: Variable,
    mean: Variable,
    variance: Variable,
    dy: Variable,
) -> tuple[Variable, Variable, Variable]:
    """dx = a dy + (x - mean) b + c, a, b and c one number for each parameter.

    With r = 1 / sqrt(variance + epsilon) and m elements a statistic: a = gamma r,
    b = -a r dgamma / m, c = -a dbeta / m (``BatchNormTrainingGrad``, rearranged);
    with ``mean_only`` r = 1 and b = 0.
    """
    dbeta, dscaled = PairedSums(op.axes)(dy, AddBias(op.axes)(x, -mean))
    m = elements(x, op.axes)
    if op.mean_only:
        return Affine(op.axes)(dy, gamma, -gamma * dbeta / m), dscaled, dbeta
    rate = 1.0 / sqrt(unless_empty(variance, x, op.axes, 1.0) + op.epsilon)
    slope, dgamma = gamma * rate, dscaled * rate
    centred = AddBias(op.axes)(x, -mean)  # a second one: cheaper than to store it
    spread = Affine(op.axes)(centred, -slope * rate * dgamma / m, -slope * dbeta / m)
    return dy * expand_dims(slope, op.axes) + spread, dgamma, dbeta


def lower_moments(builder: Builder, node: Apply) -> None:
    """The mean p + s/m and variance (q - s s/m)/m, from one sweep over x.

    s and q are the sums, in float64, of x - p and of its square, and p is one of the
    numbers (Chan, Golub & LeVeque, "Algorithms for Computing the Sample Variance",
    1983, section 3). So (mean - p)^2 is at most m times the variance, and what is
    lost by the subtraction at most about m 2^-53 of it.
    """
    x, axes = node.inputs[0], node.op.axes
    targets = [builder.allocate(v) for v in node.outputs]
    space = space_of(builder, x)
    count = product(tuple(builder.shape(x)[axis] for axis in axes))
    pivot = _pivot(builder, x, axes, count)

    def terms(indices: tuple[Size, ...]) -> tuple[Statements, tuple[Term, ...]]:
        body = Body()
        value = read(builder, x, space.index(indices), body)
        centre = pivot.at(_kept_of(space, indices, axes), body)
        centred = body.let(call("sub", WIDE, cast_to(value, WIDE), centre))
        both = Term("add", centred), Term("add", call("square", WIDE, centred))
        return tuple(body.statements), both

    def finish(kept: tuple[Size, ...], totals: tuple[ir.Expression, ...]) -> Statements:
        body, index = Body("m"), space.kept(kept, axes)
        s, q = totals
        m = call("cast", WIDE, ir.SizeValue(count))
        shift = body.let(call("div", WIDE, s, m))
        rest = call("sub", WIDE, q, call("mul", WIDE, s, shift))
        variance = call("maximum", WIDE, call("div", WIDE, rest, m), number(0, WIDE))
        mean = call("add", WIDE, pivot.at(index, body), shift)
        for target, value in zip(targets, (mean, variance), strict=True):
            element = cast_to(value, x.dtype)
            body.store(target.buffer, target.position(index), element)
        return tuple(body.statements)

    _emit(builder, space, axes, terms, finish)


def _pivot(builder: Builder, x: Variable, axes: tuple[int, ...], count: Size) -> Stored:
    """The first of the numbers of each statistic, where it is finite, else 0.

    It is not written where there is none.
    """
    shape = builder.shape(x)
    kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    target = plain_view(builder.buffer(WIDE, kept))

    def statements(indices: tuple[Size, ...]) -> Statements:
        body, rest = Body(), iter(indices)
        index = tuple(0 if axis in axes else next(rest) for axis in range(len(shape)))
        first = body.let(cast_to(read(builder, x, index, body), WIDE))
        finite = call("isfinite", "bool", first)
        value = call("where", WIDE, finite, first, number(0, WIDE))
        body.store(target.buffer, target.position(indices[:-1]), value)
        return tuple(body.statements)

    builder.emit(elementwise((*kept, minimum(count, 1)), statements))
    return target


def lower_paired_sums(builder: Builder, node: Apply) -> None:
    """Both sums in one sweep; what computes their operands runs inside it."""
    p, q = node.inputs
    targets = tuple(builder.allocate(v) for v in node.outputs)
    space = space_of(builder, p)

    def terms(indices: tuple[Size, ...]) -> tuple[Statements, tuple[Term, ...]]:
        body, index = Body(), space.index(indices)
        left, right = read(builder, p, index, body), read(builder, q, index, body)
        both = Term("add", left), Term("add", call("mul", p.dtype, left, right))
        return tuple(body.statements), both

    def finish(kept: tuple[Size, ...], totals: tuple[ir.Expression, ...]) -> Statements:
        index = space.kept(kept, node.op.axes)
        pairs = zip(targets, totals, strict=True)
        return tuple(ir.Store(t.buffer, t.position(index), total) for t, total in pairs)

    _emit(builder, space, node.op.axes, terms, finish)


def _emit(
    builder: Builder, space: Space, axes: tuple[int, ...], terms: Terms, finish: Finish
) -> None:
    """The reduction over ``axes`` in the loops of ``space``."""
    name = builder.fresh("r")
    for step in reduction(space.extents, space.axes(axes), terms, finish, name):
        builder.emit(step)


def _kept_of(
    space: Space, indices: tuple[Size, ...], axes: tuple[int, ...]
) -> tuple[Size, ...]:
    reduced = set(space.axes(axes))
    left = tuple(i for place, i in enumerate(indices) if place not in reduced)
    return space.kept(left, axes)
