"""Pooling to the kernel of that name, where images are in blocks; else to loops."""

from __future__ import annotations

from codegen import ir
from codegen.convolution import by_two
from codegen.schedule import elementwise
from codegen.sizes import Size, product
from symgraph.graph import Apply, is_float
from symgraph.lowering import conv
from symgraph.lowering.average_pool import average_pool
from symgraph.lowering.body import Body, call
from symgraph.lowering.builder import Builder
from symgraph.lowering.layouts import image_of, logical_index, loop_extents, masked
from symgraph.lowering.pool import max_pool, places_of_maxima, source_of
from symgraph.lowering.tail import Tail, image_index
from symgraph.lowering.values import Stored
from symgraph.lowering.windows import overlaps, pooling_of
from symgraph.ops.average_pool import AveragePool2D
from symgraph.ops.conv import Conv2D
from symgraph.ops.pool import MaxPool2D
from symgraph.ops.pool_places import PLACES, MaxPool2DWithPlaces

WIDE = 8  # lanes that are worth the way even where windows do not overlap


def lower_pool(builder: Builder, node: Apply, tail: Tail) -> None:
    """The pooled images, what follows them, and the places of the maxima."""
    x = node.inputs[0]
    lanes = builder.target.lanes(x.dtype) if is_float(x.dtype) else 0
    if not lanes or not _in_blocks(builder, node, lanes):
        _lower_loops(builder, node, tail)
        return
    image = builder.image(x, lanes)
    target = builder.allocate(tail.output, lanes)
    epilogue = tail.epilogue(image_index(lanes), x.dtype)
    places = places_of_maxima(builder, node, lanes)
    pooling = pooling_of(node)
    step = ir.Pool(image, image_of(target), pooling, epilogue, places)
    work = product(target.shape) * (pooling.window[0] * pooling.window[1])
    builder.emit(step, tail.label, work)


def _in_blocks(builder: Builder, node: Apply, lanes: int) -> bool:
    """Whether images lie in blocks, or are worth the way there and back.

    In plain order a place is found number by number, and maxima of windows that overlap
    hardly faster.
    """
    x, op = node.inputs[0], node.op
    value, channels = builder.value(x), x.type.shape[1]
    if isinstance(value, Stored) and value.block > 1:
        return value.block == lanes
    places = isinstance(op, MaxPool2DWithPlaces)
    largest = places or isinstance(op, MaxPool2D)
    slow = (largest and overlaps(op)) or (places and lanes >= WIDE)
    return slow and channels is not None and 2 * channels >= lanes


def takes_pooling(builder: Builder, kernel: Apply, node: Apply) -> bool:
    """Whether ``kernel`` pools its results, once what is between is done to them.

    It does so on registers where windows are 2 by 2, side by side, and else where it
    is worth the rows that are computed twice.
    """
    if not isinstance(kernel.op, Conv2D) or not conv.is_known(kernel):
        return False
    pooling = pooling_of(node)
    return by_two(pooling) or conv.pools_faster_itself(builder, kernel, node)


def _lower_loops(builder: Builder, node: Apply, tail: Tail) -> None:
    """Every window by itself, in the layout of x."""
    x = node.inputs[0]
    source = builder.stored(x)
    block = source.block if source.channel == 1 else 1
    target = builder.allocate(tail.output, block)
    places: Stored | None = None
    if isinstance(node.op, MaxPool2DWithPlaces):
        places = builder.allocate(node.outputs[1], block)
    pool = average_pool if isinstance(node.op, AveragePool2D) else max_pool

    def statements(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        body, index = Body(), logical_index(target, indices)
        found = body.let(pool(builder, node, index, body))
        if places is not None:
            place = source_of(builder, node.op, x, index, found, body)
            position = places.position(index)
            body.store(places.buffer, position, call("cast", PLACES, place))
        value = masked(tail.apply(index, found, body), target, index)
        body.store(target.buffer, target.position(index), value)
        return tuple(body.statements)

    builder.emit(elementwise(loop_extents(target), statements), tail.label)
