"""Pooling and its adjoints, pointwise: each output element reads what it needs.

Written this way round (the gradient too gathers rather than scatters) they fuse with
the pointwise ops after them, run in any layout, and need no memory set to zero. Only
the gradient of a maximum over windows that overlap, or that tile the image, goes
through the windows: ``pool_scatter``. Pooling itself is a kernel where images are in
blocks: ``pool_kernel``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice, product
from typing import TypeAlias

import numpy as np

from codegen import ir
from codegen.sizes import Size, floordiv, maximum, minimum, mod
from symgraph.graph import Apply, Variable, is_float
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.pointwise import read
from symgraph.lowering.values import Index, flat
from symgraph.ops.average_pool import AveragePool2D, AveragePool2DGrad
from symgraph.ops.pool import Pooling
from symgraph.ops.pool_places import (
    MaxPool2DGather,
    MaxPool2DScatter,
    MaxPool2DWithPlaces,
)

# what a window gives to one of its elements, and when
Share: TypeAlias = "tuple[ir.Expression, ir.Expression | None]"


@dataclass(frozen=True)
class Place:
    """A position along one axis, and what must hold for it to exist."""

    at: Size
    conditions: tuple[ir.Expression, ...] = ()


@dataclass(frozen=True)
class Tap:
    """An element of a window, where it is, and what must hold for it to exist."""

    value: ir.Expression
    index: tuple[Index, ...]
    inside: tuple[ir.Expression, ...]


def max_pool(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The largest element of the window."""
    x = node.inputs[0]
    lowest = -np.inf if is_float(x.dtype) else int(np.iinfo(x.dtype).min)
    window = _window(builder, node.op, x, index, number(lowest, x.dtype), body)
    return reduce(lambda a, b: body.let(call("maximum", x.dtype, a, b)), window)


def average_pool(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The mean of the window."""
    x = node.inputs[0]
    window = _window(builder, node.op, x, index, number(0, x.dtype), body)
    total = reduce(lambda a, b: body.let(call("add", x.dtype, a, b)), window)
    size = builder.shape(x)[2:]
    divisor = _divisor(node.op, [flat(entry) for entry in index[2:]], size, x.dtype)
    return call("div", x.dtype, total, divisor)


def max_pool_select(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The tangent at the window's first maximum."""
    tangent = node.inputs[-1]
    source = place_of(builder, node, index, body)
    zero = number(0, tangent.dtype)
    values = _window(builder, node.op, tangent, index, zero, body)
    selected: ir.Expression = zero
    for tap, value in enumerate(values):
        here = call("eq", "bool", source, number(tap, "int32"))
        selected = body.let(call("where", tangent.dtype, here, value, selected))
    return selected


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


def cotangent_of(node: Apply) -> Variable:
    """What is scattered to the places."""
    return node.inputs[1 if isinstance(node.op, MaxPool2DScatter) else 2]


def pooling_of(node: Apply) -> ir.Pooling:
    """The windows of a pooling op."""
    op, mean = node.op, isinstance(node.op, AveragePool2D)
    counted = op.count_include_pad if mean else True
    return ir.Pooling(op.window, op.stride, op.padding, mean, counted)


def places_of_maxima(builder: Builder, node: Apply, block: int) -> ir.Buffer | None:
    """Memory for the places where the op gives them, in its image's layout."""
    if not isinstance(node.op, MaxPool2DWithPlaces):
        return None
    return builder.allocate(node.outputs[1], block).buffer


def overlaps(op: Pooling) -> bool:
    """Whether an element may lie in several windows."""
    return any(s < w for s, w in zip(op.stride, op.window, strict=True))


def windows_tile(node: Apply) -> bool:
    """Whether each element is known to lie in exactly one window."""
    op, size = node.op, node.outputs[0].type.shape[2:]
    if op.stride != op.window or op.padding != ((0, 0), (0, 0)):
        return False
    pairs = zip(size, op.window, strict=True)
    return all(length is not None and length % span == 0 for length, span in pairs)


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

    return _gathered(node.op, index, counts, share, body)


def average_pool_grad(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The sum, over the windows that hold this element, of dy over their count."""
    dy = node.inputs[0]
    counts, size = builder.shape(dy)[2:], builder.shape(node.outputs[0])[2:]

    def share(rows: Place, columns: Place, tap: Size) -> Share:
        cotangent = read(builder, dy, (*index[:2], rows.at, columns.at), body)
        divisor = _divisor(node.op, (rows.at, columns.at), size, dy.dtype)
        return call("div", dy.dtype, cotangent, divisor), None

    return _gathered(node.op, index, counts, share, body)


def _gathered(
    op: Pooling,
    index: Sequence[Index],
    counts: Sequence[Size],
    share: Callable[[Place, Place, Size], Share],
    body: Body,
) -> ir.Expression:
    """The sum of ``share`` over the windows that hold the element at ``index``."""
    total: ir.Expression | None = None
    for (rows, r), (columns, s) in product(
        _holders(op, 0, flat(index[2]), counts[0]),
        _holders(op, 1, flat(index[3]), counts[1]),
    ):
        value, condition = share(rows, columns, r * op.window[1] + s)
        dtype, conditions = value.dtype, (*rows.conditions, *columns.conditions)
        for held in conditions if condition is None else (*conditions, condition):
            value = call("where", dtype, held, value, number(0, dtype))
        value = body.let(value)
        total = value if total is None else body.let(call("add", dtype, total, value))
    assert total is not None
    return total


def _holders(
    op: Pooling, axis: int, at: Size, count: Size
) -> Iterator[tuple[Place, Size]]:
    """The windows along an axis that hold position ``at``, each with its tap there."""
    span, stride = op.window[axis], op.stride[axis]
    padded = at + op.padding[axis][0]
    if stride >= span:
        place, tap = floordiv(padded, stride), mod(padded, stride)
        inside = [_less(place, count)]
        inside += [_less(tap, span)] if stride > span else []
        yield Place(minimum(place, count - 1), tuple(inside)), tap
        return
    for tap in range(span):
        place = floordiv(padded - tap, stride)
        starts = call("eq", "bool", _size(mod(padded - tap, stride)), _size(0))
        inside = [_less(place, count), _less(-1, place), starts]
        clamped = maximum(minimum(place, count - 1), 0)
        yield Place(clamped, tuple(inside)), tap


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


def _window(
    builder: Builder,
    op: Pooling,
    x: Variable,
    index: Sequence[Index],
    outside: ir.Expression,
    body: Body,
) -> Iterator[ir.Expression]:
    """The elements of the window of output ``index``, ``outside`` for padding."""
    for tap in taps_of(builder, op, x, index, body):
        value = tap.value
        for condition in tap.inside:
            value = call("where", x.dtype, condition, value, outside)
        yield body.let(value)


def taps_of(
    builder: Builder, op: Pooling, x: Variable, index: Sequence[Index], body: Body
) -> Iterator[Tap]:
    """The elements of the window of output ``index``, in row-major order."""
    for rows, columns in places_of(builder, op, x, index):
        at = (*index[:2], rows.at, columns.at)
        value = read(builder, x, at, body)
        yield Tap(value, at, (*rows.conditions, *columns.conditions))


def places_of(
    builder: Builder, op: Pooling, x: Variable, index: Sequence[Index]
) -> Iterator[tuple[Place, Place]]:
    """The row and the column of each element of the window of output ``index``."""
    size = builder.shape(x)[2:]
    for tap in product(range(op.window[0]), range(op.window[1])):
        rows, columns = (
            _inside(op, axis, flat(index[2 + axis]), tap[axis], size[axis])
            for axis in range(2)
        )
        yield rows, columns


def _inside(op: Pooling, axis: int, window: Size, tap: int, size: Size) -> Place:
    """The position of a tap, kept inside the image."""
    before, after = op.padding[axis]
    at = window * op.stride[axis] + (tap - before)
    if before == 0 and after == 0:
        return Place(at)
    clamped = maximum(minimum(at, size - 1), 0)
    return Place(clamped, (_less(at, size), _less(-1, at)))


def _divisor(
    op: AveragePool2D | AveragePool2DGrad,
    window: Sequence[Size],
    size: Sequence[Size],
    dtype: str,
) -> ir.Expression:
    """How many elements of a window count."""
    area: Size = op.window[0] * op.window[1]
    if not op.count_include_pad and op.padding != ((0, 0), (0, 0)):
        area = 1
        for axis in range(2):
            start = window[axis] * op.stride[axis] - op.padding[axis][0]
            stop = minimum(start + op.window[axis], size[axis])
            area = area * (stop - maximum(start, 0))
    if isinstance(area, int):
        return number(area, dtype)
    return call("cast", dtype, _size(area))


def _less(left: Size, right: Size) -> ir.Expression:
    return call("lt", "bool", _size(left), _size(right))


def _size(size: Size) -> ir.Expression:
    return ir.SizeValue(size)


def _as_int32(size: Size) -> ir.Expression:
    if isinstance(size, int):
        return number(size, "int32")
    return call("cast", "int32", _size(size))
