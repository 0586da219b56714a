"""Convolutions whose sizes only the call knows: the sums as they are written.

The tuned kernels want filters of a known size; these loops want nothing and run at a
fraction of their speed. Positions outside the image, or between the strides of the
windows, count as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegen import ir
from codegen.reductions import Term, reduction
from codegen.sizes import Size, floordiv, maximum, minimum, mod
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.pointwise import read
from symgraph.lowering.tail import Tail

Statements = tuple[ir.Statement, ...]


def lower_conv2d(builder: Builder, node: Apply, tail: Tail) -> None:
    """y[n,k,i,j] = sum over c,r,s of x[n, c, i*stride + r*dilation - pad, ...] w."""
    x, filters = node.inputs
    outputs, inputs, rows, columns = builder.shape(filters)
    each = floordiv(outputs, node.op.groups)

    def factors(place: Sequence[Size], body: Body) -> tuple[ir.Expression, ...]:
        n, k, i, j, c, r, s = place
        channel = floordiv(k, each) * inputs + c
        spatial = _sources(node, (i, j), (r, s))
        pixel = _inside(builder, x, (n, channel), spatial, (), body)
        return pixel, read(builder, filters, (k, c, r, s), body)

    kept = builder.shape(node.outputs[0])
    _sum(builder, node, tail, (*kept, inputs, rows, columns), factors)


def lower_conv2d_backward_data(builder: Builder, node: Apply, tail: Tail) -> None:
    """dx[n,c,h,w] = sum over k,r,s of dy[n,k,(h + pad - r*dilation)/stride,...] w."""
    dy, filters = node.inputs[:2]
    outputs, inputs, rows, columns = builder.shape(filters)
    each = floordiv(outputs, node.op.groups)

    def factors(place: Sequence[Size], body: Body) -> tuple[ir.Expression, ...]:
        n, c, h, w, k, r, s = place
        output = floordiv(c, inputs) * each + k
        spatial, between = [], []
        for axis, (at, tap) in enumerate(((h, r), (w, s))):
            moved = at + node.op.padding[axis][0] - tap * node.op.dilation[axis]
            spatial.append(floordiv(moved, node.op.stride[axis]))
            between.append(mod(moved, node.op.stride[axis]))
        held = [call("eq", "bool", ir.SizeValue(b), _zero_size()) for b in between]
        gradient = _inside(builder, dy, (n, output), spatial, held, body)
        return gradient, read(builder, filters, (output, mod(c, inputs), r, s), body)

    kept = builder.shape(node.outputs[0])
    _sum(builder, node, tail, (*kept, each, rows, columns), factors)


def lower_conv2d_backward_weights(builder: Builder, node: Apply) -> None:
    """dw[k,c,r,s] = sum over n,i,j of dy[n,k,i,j] x[n, c, i*stride + ..., ...]."""
    x, dy = node.inputs[:2]
    outputs, inputs = builder.shape(node.outputs[0])[:2]
    each = floordiv(outputs, node.op.groups)

    def factors(place: Sequence[Size], body: Body) -> tuple[ir.Expression, ...]:
        k, c, r, s, n, i, j = place
        channel = floordiv(k, each) * inputs + c
        spatial = _sources(node, (i, j), (r, s))
        pixel = _inside(builder, x, (n, channel), spatial, (), body)
        return pixel, read(builder, dy, (n, k, i, j), body)

    batch, _, height, width = builder.shape(dy)
    kept = builder.shape(node.outputs[0])
    tail = Tail(node.outputs[0], lambda index, value, body: value, True, str(node.op))
    _sum(builder, node, tail, (*kept, batch, height, width), factors)


def _sum(
    builder: Builder,
    node: Apply,
    tail: Tail,
    extents: tuple[Size, ...],
    factors: Callable[[Sequence[Size], Body], tuple[ir.Expression, ...]],
) -> None:
    """The sum of products over the last three of ``extents``, then the tail."""
    target = builder.allocate(tail.output)
    dtype = node.outputs[0].dtype

    def terms(place: tuple[Size, ...]) -> tuple[Statements, tuple[Term, ...]]:
        body = Body()
        product = call("mul", dtype, *factors(place, body))
        return tuple(body.statements), (Term("add", product),)

    def finish(
        place: tuple[Size, ...], totals: tuple[ir.Expression, ...]
    ) -> Statements:
        body = Body(prefix="after")
        value = tail.apply(place, totals[0], body)
        body.store(target.buffer, target.position(place), value)
        return tuple(body.statements)

    for step in reduction(extents, (4, 5, 6), terms, finish, builder.fresh("r")):
        builder.emit(step, tail.label)


def _sources(node: Apply, place: Sequence[Size], tap: Sequence[Size]) -> list[Size]:
    """The row and column of the image that a tap of a window meets."""
    return [
        place[a] * node.op.stride[a]
        + tap[a] * node.op.dilation[a]
        - node.op.padding[a][0]
        for a in range(2)
    ]


def _inside(
    builder: Builder,
    images: Variable,
    place: Sequence[Size],
    spatial: Sequence[Size],
    conditions: Sequence[ir.Expression],
    body: Body,
) -> ir.Expression:
    """An element of ``images``, or zero where ``spatial`` is outside of them."""
    held = list(conditions)
    index = list(place)
    for at, size in zip(spatial, builder.shape(images)[2:], strict=True):
        held.append(call("le", "bool", _zero_size(), ir.SizeValue(at)))
        held.append(call("lt", "bool", ir.SizeValue(at), ir.SizeValue(size)))
        index.append(maximum(minimum(at, size - 1), 0))
    value = read(builder, images, index, body)
    for condition in held:
        value = call("where", value.dtype, condition, value, number(0, value.dtype))
    return value


def _zero_size() -> ir.Expression:
    return ir.SizeValue(0)
