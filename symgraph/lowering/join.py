"""Putting arrays together, cutting them apart, and surrounding them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codegen import ir
from codegen.schedule import elementwise
from codegen.sizes import Size, maximum, minimum
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.pointwise import read
from symgraph.lowering.values import Index, Stored, flat
from symgraph.ops.arguments import fill_sizes
from symgraph.ops.join import Concatenate


def lower_concatenate(builder: Builder, node: Apply) -> None:
    """Each input copied to its place in the output, unless it was computed there."""
    for x, part in zip(node.inputs, _parts(builder, node), strict=True):
        if builder.value(x) != part:
            builder.emit(filled(builder, x, part), "Concatenate")


def place_in_whole(builder: Builder, variable: Variable) -> Stored | None:
    """The part of a concatenation that ``variable`` is, where it is nothing else."""
    readers = builder.users.get(variable, set())
    if len(readers) != 1 or builder.is_delivered(variable):
        return None
    (node,) = readers
    if type(node.op) is not Concatenate or node.inputs.count(variable) != 1:
        return None
    if (variable in builder.invariant) != (node.outputs[0] in builder.invariant):
        return None
    return _parts(builder, node)[node.inputs.index(variable)]


def _parts(builder: Builder, node: Apply) -> list[Stored]:
    """Where the inputs of a concatenation lie in its memory."""
    output, axis = node.outputs[0], node.op.axis
    known = builder.values.get(output)
    target = known if isinstance(known, Stored) else builder.destination(output)
    parts = []
    start: Size = 0
    for x in node.inputs:
        shape = builder.shape(x)
        offset = target.offset + start * target.strides[axis]
        parts.append(replace(target, shape=shape, offset=offset))
        start = start + shape[axis]
    return parts


def lower_split(builder: Builder, node: Apply) -> None:
    """Each piece is a view."""
    source, axis = builder.unblocked(node.inputs[0]), node.op.axis
    values = [builder.shapes.value_of(v) for v in node.inputs[1:]]
    start: Size = 0
    for piece, size in zip(
        node.outputs, fill_sizes(node.op.sizes, values), strict=True
    ):
        starts: list[Size] = [0] * len(source.shape)
        starts[axis] = start
        steps = [1] * len(source.shape)
        view = source.sliced(starts, steps, builder.shape(piece))
        assert view is not None  # only a blocked layout may refuse
        builder.values[piece] = view
        start = start + size
    builder.shapes.require(start, source.shape[axis], node)


def pad(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The element inside, or the value around it."""
    (x,) = node.inputs
    places: list[Index] = []
    conditions: list[ir.Expression] = []
    for entry, (before, after), size in zip(
        index, node.op.widths, builder.shape(x), strict=True
    ):
        if before == 0 and after == 0:
            places.append(entry)
            continue
        place = flat(entry) - before
        places.append(maximum(minimum(place, size - 1), 0))
        conditions.append(_less(-1, place))
        conditions.append(_less(place, size))
    value = read(builder, x, places, body)
    for condition in conditions:
        around = number(node.op.value, x.dtype)
        value = call("where", x.dtype, condition, value, around)
    return value


def filled(
    builder: Builder, source: Variable, target: Stored, add: bool = False
) -> ir.Step:
    """``target[i] = source[i]``, or ``+=``, over a part of some memory."""

    def statements(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        body = Body()
        value = read(builder, source, indices, body)
        store = ir.Store(target.buffer, target.position(indices), value, add)
        return (*body.statements, store)

    return elementwise(target.shape, statements)


def _less(left: Size, right: Size) -> ir.Expression:
    return call("lt", "bool", ir.SizeValue(left), ir.SizeValue(right))
