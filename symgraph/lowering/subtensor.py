"""Reading and writing regular parts: views where positions are known, else gathers.

A position is *known* where it is a constant or an integer that the call brings with
it; then a part of an array is the same memory under another offset. A position that
a kernel has computed is added to the address at run time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen import ir
from codegen.schedule import elementwise
from codegen.sizes import Size, mod, product
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body, call
from symgraph.lowering.builder import Builder
from symgraph.lowering.join import filled
from symgraph.lowering.layouts import copy_loop
from symgraph.lowering.pointwise import read
from symgraph.lowering.positions import check_unread, checked, out_of_range
from symgraph.lowering.values import Stored
from symgraph.ops.subtensor import At, Range


@dataclass(frozen=True)
class Start:
    """Where data say that a part begins: at ``variable``, along a ``stride``.

    Of a position, which must be inside, ``size`` is that of its dimension and ``code``
    the error; a range has been cut to its dimension before.
    """

    variable: Variable
    stride: Size
    size: Size | None
    code: int


@dataclass(frozen=True)
class Part:
    """A part of an array: a strided view, moved on by what ``starts`` compute."""

    view: Stored
    starts: tuple[Start, ...] = ()

    def shift(self, builder: Builder, body: Body) -> ir.Expression | None:
        """How far data move the view on, in elements."""
        total: ir.Expression | None = None
        for start in self.starts:
            if start.size is None:
                value = read(builder, start.variable, (), body)
                place: ir.Expression = call("cast", "int64", value)
            else:
                size, code = start.size, start.code
                place = checked(builder, start.variable, (), size, body, code)
            term = call("mul", "int64", place, ir.SizeValue(start.stride))
            total = term if total is None else call("add", "int64", total, term)
        return None if total is None else body.let(total)

    def check_unread(self, builder: Builder) -> None:
        """The checks of positions where the part is empty."""
        positions = [(s, s.size) for s in self.starts if s.size is not None]

        def check(place: tuple[Size, ...], body: Body) -> None:
            for start, size in positions:
                checked(builder, start.variable, place, size, body, start.code)

        if positions:
            check_unread(builder, product(self.view.shape), (), check)


def lower_subtensor(builder: Builder, node: Apply) -> None:
    """A view where every start is known, else a copy of what the data point to."""
    x, *scalars = node.inputs
    part = _part(builder, node, builder.unblocked(x), scalars)
    if not part.starts:
        builder.values[node.outputs[0]] = part.view
        return
    target = builder.allocate(node.outputs[0])

    def statements(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        body = Body()
        shift = part.shift(builder, body)
        assert shift is not None
        position = part.view.position(indices)
        body.store(
            target.buffer,
            target.position(indices),
            ir.Gather(part.view.buffer, position, 1, shift),
        )
        return tuple(body.statements)

    builder.emit(elementwise(target.shape, statements))
    part.check_unread(builder)


def lower_set_subtensor(builder: Builder, node: Apply) -> None:
    """A copy of x, then the value stored or added over a part of it."""
    x, value, *scalars = node.inputs
    target = builder.allocate(node.outputs[0])
    builder.emit(copy_loop(builder.value(x), target), "copy")
    part = _part(builder, node, target, scalars)
    if not part.starts:
        builder.emit(filled(builder, value, part.view, node.op.increment))
        return

    def statements(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        body = Body()
        element, shift = read(builder, value, indices, body), part.shift(builder, body)
        assert shift is not None
        position = part.view.position(indices)
        scatter = ir.Scatter(
            part.view.buffer, position, 1, shift, element, node.op.increment
        )
        return (*body.statements, scatter)

    builder.emit(elementwise(part.view.shape, statements))
    part.check_unread(builder)


def _part(
    builder: Builder, node: Apply, array: Stored, scalars: Sequence[Variable]
) -> Part:
    """The part of ``array`` that the index of ``node`` names."""
    given = iter(scalars)
    starts: list[Start] = []
    kept: list[tuple[Size, Size]] = []
    offset = array.offset
    for axis, entry in enumerate(node.op.index):
        stride = array.strides[axis]
        variable = next(given) if _known_start(entry) is None else None
        start = _start(builder, node, axis, array, variable)
        if isinstance(start, Start):
            starts.append(start)
        else:
            offset = offset + start * stride
        if isinstance(entry, Range):
            size = entry.size
            count = builder.shapes.value_of(next(given)) if size is None else size
            assert count is not None
            kept.append((count, stride * entry.step))
    shape, strides = (tuple(pair[side] for pair in kept) for side in (0, 1))
    return Part(Stored(array.buffer, shape, strides, offset), tuple(starts))


def _known_start(entry: At | Range) -> int | None:
    """Where an entry begins, if the op itself says it."""
    return entry.position if isinstance(entry, At) else entry.start


def _start(
    builder: Builder, node: Apply, axis: int, array: Stored, given: Variable | None
) -> Size | Start:
    """Where the entry of an axis begins, from the front, or the data that say it."""
    entry, size = node.op.index[axis], array.shape[axis]
    place: Size | None = _known_start(entry)
    if given is not None:
        place = builder.shapes.value_of(given)
        if place is None and isinstance(entry, Range):
            return Start(given, array.strides[axis], None, 0)
        if place is None:
            code = out_of_range(builder, node, axis)
            return Start(given, array.strides[axis], size, code)
    assert place is not None
    if isinstance(entry, Range):
        return place
    if isinstance(place, int) and isinstance(size, int):
        return place % size
    _check_position(builder, node, place, axis, size)
    return mod(place, size)


def _check_position(
    builder: Builder, node: Apply, place: Size, axis: int, size: Size
) -> None:
    low = call("le", "bool", ir.SizeValue(size * -1), ir.SizeValue(place))
    high = call("lt", "bool", ir.SizeValue(place), ir.SizeValue(size))
    code = out_of_range(builder, node, axis)
    inside = call("logical_and", "bool", low, high)
    found = (ir.SizeValue(place), ir.SizeValue(size))
    builder.emit(ir.Check(inside, code, found), "check")
