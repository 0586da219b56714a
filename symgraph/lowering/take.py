"""Reading and writing where arrays of positions point, each of which is checked."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import ir
from codegen.ir import Kind
from codegen.schedule import elementwise, nest, opened
from codegen.sizes import Size, product
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.layouts import copy_loop
from symgraph.lowering.pointwise import read
from symgraph.lowering.positions import check_unread, checked, out_of_range
from symgraph.lowering.values import Stored


def lower_take(builder: Builder, node: Apply) -> None:
    """Each element read from where the indices point, which is checked."""
    x, *indices = node.inputs
    source, target = builder.unblocked(x), builder.allocate(node.outputs[0])
    codes = _codes(builder, node)

    def statements(place: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        body, axis = Body(), node.op.axis
        position, at = _pointed(builder, source, axis, indices, place, body, codes)
        element = ir.Gather(source.buffer, position, 1, at)
        store = ir.Store(target.buffer, target.position(place), element)
        return (*body.statements, store)

    builder.emit(elementwise(target.shape, statements))
    _check_unread(builder, node, source, codes)


def lower_put(builder: Builder, node: Apply) -> None:
    """A copy of x, then the values in row-major order, for where one comes twice."""
    x, value, *indices = node.inputs
    target = builder.allocate(node.outputs[0])
    builder.emit(copy_loop(builder.value(x), target), "copy")
    codes = _codes(builder, node)
    axes, place = opened(builder.shape(value), builder.fresh("i"))
    body, axis = Body(), node.op.axis
    position, at = _pointed(builder, target, axis, indices, place, body, codes)
    element = read(builder, value, place, body)
    scatter = ir.Scatter(target.buffer, position, 1, at, element, node.op.increment)
    builder.emit(nest(axes, (*body.statements, scatter), Kind.SERIAL))
    _check_unread(builder, node, target, codes)


def _pointed(
    builder: Builder,
    array: Stored,
    axis: int,
    indices: Sequence[Variable],
    place: tuple[Size, ...],
    body: Body,
    codes: Sequence[int],
) -> tuple[Size, ir.Expression]:
    """Where in ``array`` the indices at ``place`` point: a size plus data."""
    width = len(builder.shape(indices[0]))
    before, middle, after = (
        place[:axis],
        place[axis : axis + width],
        place[axis + width :],
    )
    known = (*before, *(0 for _ in indices), *after)
    total: ir.Expression = number(0, "int64")
    for number_, (variable, code) in enumerate(zip(indices, codes, strict=True)):
        size = array.shape[axis + number_]
        index = checked(builder, variable, middle, size, body, code)
        step = ir.SizeValue(array.strides[axis + number_])
        term = call("mul", "int64", index, step)
        total = call("add", "int64", total, term)
    return array.position(known), body.let(total)


def _check_unread(
    builder: Builder, node: Apply, array: Stored, codes: Sequence[int]
) -> None:
    """The checks of positions where what they point at in ``array`` is empty."""
    first, count = node.op.axis, node.op.count
    indices, sizes = node.inputs[-count:], array.shape[first : first + count]
    rest = product((*array.shape[:first], *array.shape[first + count :]))

    def check(place: tuple[Size, ...], body: Body) -> None:
        for variable, size, code in zip(indices, sizes, codes, strict=True):
            checked(builder, variable, place, size, body, code)

    check_unread(builder, rest, builder.shape(indices[0]), check)


def _codes(builder: Builder, node: Apply) -> list[int]:
    """The error of each array of indices of ``Take`` or ``Put``."""
    axes = range(node.op.axis, node.op.axis + node.op.count)
    return [out_of_range(builder, node, axis) for axis in axes]
