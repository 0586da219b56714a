"""The gradient of max-pooling, window by window.

Where windows overlap, each adds its share. One image's channel, or block of channels,
is a unit of work then, and its windows come in row-major order, so that the sums are
the same however the work is shared out; of images in blocks whose maxima's places are
kept, a kernel adds them up in the same order. Where windows tile the image, each writes
all of its elements, and its maximum is found once for all of them.
"""

from __future__ import annotations

from codegen import ir
from codegen.convolution import unpools
from codegen.ir import Kind
from codegen.schedule import elementwise, parallel
from codegen.sizes import Size, product, symbol
from symgraph.graph import Apply, is_float
from symgraph.lowering import conv
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.layouts import (
    image_of,
    is_dense,
    logical_index,
    loop_extents,
    masked,
)
from symgraph.lowering.pointwise import read
from symgraph.lowering.pool import cotangent_of, max_pool_grad, place_of
from symgraph.lowering.values import Computed, Index, Stored
from symgraph.lowering.windows import places_of, pooling_of, windows_tile
from symgraph.ops.pool_places import MaxPool2DScatter


def lower_max_pool_grad(builder: Builder, node: Apply) -> None:
    """dx from the windows: dy at the first maximum of each, else 0."""
    output = node.outputs[0]
    users = builder.users.get(output, ())
    if any(conv.is_unpooled_by(builder, output, user) for user in users):
        builder.values[output] = _gathered(builder, node)  # which nobody reads
        return
    source = builder.stored(node.inputs[0])
    blocked = source.block > 1 and source.channel == 1
    target = builder.allocate(node.outputs[0], source.block if blocked else 1)
    tile = windows_tile(node)
    waits = tile and not isinstance(builder.value(cotangent_of(node)), Stored)
    if not waits and blocked and _has_kernel(builder, node, source, target):
        _unpool(builder, node, source, target)
    elif tile:
        _write(builder, node, target)
    else:
        _add(builder, node, target, blocked)


def _has_kernel(builder: Builder, node: Apply, source: Stored, target: Stored) -> bool:
    """Whether the places are kept, and the windows are such as the kernel has."""
    if not isinstance(node.op, MaxPool2DScatter) or not is_float(target.dtype):
        return False
    lanes = builder.target.lanes(target.dtype)
    fits = source.block == lanes and is_dense(source, 1)
    return fits and unpools(pooling_of(node))


def _unpool(builder: Builder, node: Apply, source: Stored, target: Stored) -> None:
    """Every element gathers from the windows that hold it, in their order."""
    dy, pooling = cotangent_of(node), pooling_of(node)
    image = builder.image(dy, target.block)
    step = ir.PoolBackward(image, source.buffer, image_of(target), pooling)
    work = product(builder.shape(dy)) * (pooling.window[0] * pooling.window[1])
    builder.emit(step, flops=work)


def _gathered(builder: Builder, node: Apply) -> Computed:
    """dx element by element."""
    dx = node.outputs[0]
    return Computed(
        dx.dtype,
        builder.shape(dx),
        lambda index, body: max_pool_grad(builder, node, index, body),
    )


def _write(builder: Builder, node: Apply, target: Stored) -> None:
    """Every window writes its own elements."""
    dx, dy = node.outputs[0], cotangent_of(node)
    extents = list(loop_extents(target))
    extents[2:4] = builder.shape(dy)[2:]

    def statements(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        body, index = Body(), logical_index(target, indices)
        chosen = place_of(builder, node, index, body)
        cotangent = body.let(read(builder, dy, index, body))
        places = places_of(builder, node.op, dx, index)
        for tap, (row, column) in enumerate(places):
            here = call("eq", "bool", chosen, number(tap, "int32"))
            share = call("keep", dy.dtype, cotangent, here)
            at = (*index[:2], row.at, column.at)
            element = masked(share, target, at)
            body.store(target.buffer, target.position(at), element)
        return tuple(body.statements)

    builder.emit(elementwise(extents, statements))


def _add(builder: Builder, node: Apply, target: Stored, blocked: bool) -> None:
    """dx = 0; then every window adds dy at its first maximum."""
    builder.emit(_zeros(target), "zeros")
    names = [builder.fresh("y"), builder.fresh("x"), builder.fresh("lane")]
    rows, columns = builder.shape(cotangent_of(node))[2:]

    def body(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        lane = (symbol(names[2]),) if blocked else ()
        place = (*indices, symbol(names[0]), symbol(names[1]), *lane)
        inner = _window(builder, node, target, logical_index(target, place))
        if blocked:
            inner = (ir.Loop(names[2], 0, target.block, inner, Kind.SIMD),)
        across = ir.Loop(names[1], 0, columns, inner, Kind.SERIAL)
        return (ir.Loop(names[0], 0, rows, (across,), Kind.SERIAL),)

    extents = loop_extents(target)[:2]
    builder.emit(parallel(extents, body, builder.fresh("i")))


def _zeros(target: Stored) -> ir.Step:
    def statements(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        position = target.position(logical_index(target, indices))
        return (ir.Store(target.buffer, position, number(0, target.dtype)),)

    return elementwise(loop_extents(target), statements)


def _window(
    builder: Builder, node: Apply, target: Stored, index: tuple[Index, ...]
) -> tuple[ir.Statement, ...]:
    """What one window adds: dy to the first of its elements that is its maximum."""
    dx, dy = node.outputs[0], cotangent_of(node)
    body = Body()
    cotangent = body.let(read(builder, dy, index, body))
    chosen = place_of(builder, node, index, body)
    for tap, (row, column) in enumerate(places_of(builder, node.op, dx, index)):
        held: ir.Expression = call("eq", "bool", chosen, number(tap, "int32"))
        share = call("keep", dy.dtype, cotangent, held)
        position = target.position((*index[:2], row.at, column.at))
        body.statements.append(ir.Store(target.buffer, position, share, add=True))
    return tuple(body.statements)
