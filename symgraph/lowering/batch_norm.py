"""Batch normalization in training: statistics in their own sweeps, the rest fused.

Training BN is the moments of x, then one affine map that fuses with its neighbours.
Its gradient is one sweep for both sums, then one pointwise expression, which again
fuses, with the mask of the relu before it for instance.
"""

from __future__ import annotations

from codegen import ir
from codegen.reductions import Term, reduction
from codegen.sizes import Size, product
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body, call
from symgraph.lowering.builder import Builder
from symgraph.lowering.pointwise import read
from symgraph.lowering.reduce import Space, space_of
from symgraph.lowering.values import Stored
from symgraph.ops import cast, expand_dims, shape, sqrt
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.batch_norm import BatchNormTraining, BatchNormTrainingGrad
from symgraph.ops.moments import Moments, PairedSums

Statements = tuple[ir.Statement, ...]


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
    m = _elements(x, op.axes)
    if op.mean_only:
        return Affine(op.axes)(dy, gamma, -gamma * dbeta / m), dscaled, dbeta
    rate = 1.0 / sqrt(variance + op.epsilon)
    slope, dgamma = gamma * rate, dscaled * rate
    centred = AddBias(op.axes)(x, -mean)  # a second one: cheaper than to store it
    spread = Affine(op.axes)(centred, -slope * rate * dgamma / m, -slope * dbeta / m)
    return dy * expand_dims(slope, op.axes) + spread, dgamma, dbeta


def lower_moments(builder: Builder, node: Apply) -> None:
    """The mean, then the mean square of what is left."""
    x, axes = node.inputs[0], node.op.axes
    mean, variance = (builder.allocate(v) for v in node.outputs)
    space = space_of(builder, x)

    def element(indices: tuple[Size, ...], body: Body) -> ir.Expression:
        return read(builder, x, space.index(indices), body)

    def first(indices: tuple[Size, ...]) -> tuple[Statements, tuple[Term, ...]]:
        body = Body()
        value = element(indices, body)
        return tuple(body.statements), (Term("add", value),)

    def second(indices: tuple[Size, ...]) -> tuple[Statements, tuple[Term, ...]]:
        body = Body()
        kept = _kept_of(space, indices, axes)
        centre = mean.at(kept, body)
        centred = body.let(call("sub", x.dtype, element(indices, body), centre))
        return tuple(body.statements), (Term("add", call("square", x.dtype, centred)),)

    count = product(tuple(builder.shape(x)[axis] for axis in axes))
    for target, terms in ((mean, first), (variance, second)):
        _reduce(builder, space, axes, terms, (target,), count)


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

    _reduce(builder, space, node.op.axes, terms, targets, None)


def _reduce(builder, space, axes, terms, targets, count) -> None:  # type: ignore[no-untyped-def]
    """The sums of ``terms``, divided by ``count`` where one is given."""

    def finish(kept: tuple[Size, ...], totals: tuple[ir.Expression, ...]) -> Statements:
        return tuple(
            _stored(target, space.kept(kept, axes), total, count)
            for target, total in zip(targets, totals, strict=True)
        )

    steps = reduction(
        space.extents, space.axes(axes), terms, finish, builder.fresh("r")
    )
    for step in steps:
        builder.emit(step)


def _stored(
    target: Stored, index: tuple[Size, ...], total: ir.Expression, count: Size | None
) -> ir.Statement:
    if count is not None:
        divisor = call("cast", total.dtype, ir.SizeValue(count))
        total = call("div", total.dtype, total, divisor)
    return ir.Store(target.buffer, target.position(index), total)


def _kept_of(
    space: Space, indices: tuple[Size, ...], axes: tuple[int, ...]
) -> tuple[Size, ...]:
    reduced = set(space.axes(axes))
    left = tuple(i for place, i in enumerate(indices) if place not in reduced)
    return space.kept(left, axes)


def _elements(x: Variable, axes: tuple[int, ...]) -> Variable | float:
    """How many elements a statistic is taken over, as a number of x's dtype."""
    total: Variable | float = 1.0
    for axis in axes:
        size = shape(x)[axis]
        total = total * (float(size) if isinstance(size, int) else cast(size, x.dtype))
    return total
