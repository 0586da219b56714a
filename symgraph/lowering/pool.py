"""Max-pooling and its adjoints, pointwise: each output element reads what it needs.

Written this way round (the gradient too gathers rather than scatters) they fuse with
the pointwise ops after them, run in any layout, and need no memory set to zero. Only
the gradient of a maximum over windows that overlap, or that tile the image, goes
through the windows: ``pool_scatter``. Pooling itself is a kernel where images are in
blocks: ``pool_kernel``. Read ``windows.py`` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import islice

import numpy as np

from codegen import ir
from codegen.sizes import Size
from symgraph.graph import Apply, Variable, is_float
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.pointwise import read
from symgraph.lowering.values import Index
from symgraph.lowering.windows import Place, Share, gathered, taps_of, window_of
from symgraph.ops.pool import Pooling
from symgraph.ops.pool_places import (
    MaxPool2DGather,
    MaxPool2DScatter,
    MaxPool2DWithPlaces,
)


def max_pool(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The largest element of the window."""
    x = node.inputs[0]
    lowest = -np.inf if is_float(x.dtype) else int(np.iinfo(x.dtype).min)
    window = window_of(builder, node.op, x, index, number(lowest, x.dtype), body)
    return reduce(lambda a, b: body.let(call("maximum", x.dtype, a, b)), window)


def max_pool_select(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The tangent at the window's first maximum."""
    tangent = node.inputs[-1]
    source = place_of(builder, node, index, body)
    zero = number(0, tangent.dtype)
    values = window_of(builder, node.op, tangent, index, zero, body)
    selected: ir.Expression = zero
    for tap, value in enumerate(values):
        here = call("eq", "bool", source, number(tap, "int32"))
        selected = body.let(call("where", tangent.dtype, here, value, selected))
    return selected


def max_pool_grad(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """dy of the one window that holds this element, if it is the first maximum."""
    dy = cotangent_of(node)
    counts = builder.shape(dy)[2:]

    def share(rows: Place, columns: Place, tap: Size) -> Share:
        at = (*index[:2], rows.at, columns.at)
        source = place_of(builder, node, at, body)
        return read(builder, dy, at, body), call("eq", "bool", source, _as_int32(tap))

    return gathered(node.op, index, counts, share, body)


def place_of(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The first tap of a window that holds its maximum: read, or found in x and y."""
    if isinstance(node.op, MaxPool2DScatter | MaxPool2DGather):
        place = read(builder, node.inputs[0], index, body)
        return body.let(call("cast", "int32", place))
    x, y = node.inputs[:2]
    largest = read(builder, y, index, body)
    return source_of(builder, node.op, x, index, largest, body)


def source_of(
    builder: Builder,
    op: Pooling,
    x: Variable,
    index: Sequence[Index],
    largest: ir.Expression,
    body: Body,
) -> ir.Expression:
    """The number of the first tap of a window that holds its maximum."""
    last = op.window[0] * op.window[1] - 1  # if no other tap holds it, this one does
    taps = list(islice(taps_of(builder, op, x, index, body), last))
    source: ir.Expression = number(last, "int32")
    for tap in reversed(range(last)):
        value, inside = taps[tap].value, taps[tap].inside
        found = call("eq", "bool", value, largest)
        is_nan = call("ne", "bool", value, value)
        held = call("logical_or", "bool", found, is_nan)
        for condition in inside:
            held = call("logical_and", "bool", held, condition)
        chosen = call("where", "int32", held, number(tap, "int32"), source)
        source = body.let(chosen)
    return source


def cotangent_of(node: Apply) -> Variable:
    """What is scattered to the places."""
    return node.inputs[1 if isinstance(node.op, MaxPool2DScatter) else 2]


def places_of_maxima(builder: Builder, node: Apply, block: int) -> ir.Buffer | None:
    """Memory for the places where the op gives them, in its image's layout."""
    if not isinstance(node.op, MaxPool2DWithPlaces):
        return None
    return builder.allocate(node.outputs[1], block).buffer


def _as_int32(size: Size) -> ir.Expression:
    if isinstance(size, int):
        return number(size, "int32")
    return call("cast", "int32", ir.SizeValue(size))
