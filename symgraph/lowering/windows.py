"""Windows of an image and their elements, from either side.

A pooled element reads the elements of its window (``taps_of``); an element of a
gradient reads the windows that hold it (``gathered``). What is outside the image is
read at the nearest place inside, and conditions say that it does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from codegen import ir
from codegen.sizes import Size, floordiv, maximum, minimum, mod
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.pointwise import read
from symgraph.lowering.values import Index, flat
from symgraph.ops import Max, Sum
from symgraph.ops.average_pool import AveragePool2D
from symgraph.ops.pool import Pooling

PIXELS = (2, 3)


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


def pooling_of(node: Apply) -> ir.Pooling:
    """The windows of a pooling op, or the one window that a reduction reads."""
    if spans_images(node):
        _, _, height, width = node.inputs[0].type.shape
        assert height is not None and width is not None
        size, summed = (height, width), isinstance(node.op, Sum)
        return ir.Pooling(size, size, summed=summed)
    op, mean = node.op, isinstance(node.op, AveragePool2D)
    counted = op.count_include_pad if mean else True
    return ir.Pooling(op.window, op.stride, op.padding, mean, counted)


def spans_images(node: Apply) -> bool:
    """Whether the op adds up the rows and columns of images, or finds their largest."""
    if not isinstance(node.op, Sum | Max) or node.op.axes != PIXELS:
        return False
    x, y = node.inputs[0].type, node.outputs[0].type
    return len(x.shape) == 4 and None not in x.shape[2:] and x.dtype == y.dtype


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


# --- from a window to its elements ------------------------------------------------


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


def taps_of(
    builder: Builder, op: Pooling, x: Variable, index: Sequence[Index], body: Body
) -> Iterator[Tap]:
    """The elements of the window of output ``index``, in row-major order."""
    for rows, columns in places_of(builder, op, x, index):
        at = (*index[:2], rows.at, columns.at)
        value = read(builder, x, at, body)
        yield Tap(value, at, (*rows.conditions, *columns.conditions))


def window_of(
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


def _inside(op: Pooling, axis: int, window: Size, tap: int, size: Size) -> Place:
    """The position of a tap, kept inside the image."""
    before, after = op.padding[axis]
    at = window * op.stride[axis] + (tap - before)
    if before == 0 and after == 0:
        return Place(at)
    clamped = maximum(minimum(at, size - 1), 0)
    return Place(clamped, (_less(at, size), _less(-1, at)))


# --- from an element to its windows -----------------------------------------------

# what a window gives to one of its elements, and when
Share: TypeAlias = "tuple[ir.Expression, ir.Expression | None]"


def gathered(
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
        rest = ir.SizeValue(mod(padded - tap, stride))
        starts = call("eq", "bool", rest, ir.SizeValue(0))
        inside = [_less(place, count), _less(-1, place), starts]
        clamped = maximum(minimum(place, count - 1), 0)
        yield Place(clamped, tuple(inside)), tap


def _less(left: Size, right: Size) -> ir.Expression:
    return call("lt", "bool", ir.SizeValue(left), ir.SizeValue(right))
