"""Positions that data give: counted from the front, and checked to be inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegen import ir
from codegen.ir import Kind
from codegen.schedule import nest, opened
from codegen.sizes import Size, minimum
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.pointwise import read


def checked(
    builder: Builder,
    variable: Variable,
    place: Sequence[Size],
    size: Size,
    body: Body,
    code: int,
) -> ir.Expression:
    """One index, counted from the start; a ``Check`` that it is inside."""
    raw = body.let(call("cast", "int64", read(builder, variable, place, body)))
    zero, extent = number(0, "int64"), ir.SizeValue(size)
    wrapped = call("add", "int64", raw, extent)
    index = body.let(
        call("where", "int64", call("lt", "bool", raw, zero), wrapped, raw)
    )
    low, high = call("ge", "bool", index, zero), call("lt", "bool", index, extent)
    inside = call("logical_and", "bool", low, high)
    body.statements.append(ir.Check(inside, code, (raw, extent)))
    return index


def check_unread(
    builder: Builder,
    count: Size,
    extents: Sequence[Size],
    check: Callable[[tuple[Size, ...], Body], object],
) -> None:
    """Checks for where each position points at ``count`` elements, which may be 0.

    Then no loop over elements comes by its position, and nothing else would find that
    it is outside. ``extents`` are those of the positions.
    """
    if isinstance(count, int) and count:
        return
    once = 1 - minimum(count, 1)
    axes, indices = opened((once, *extents), builder.fresh("i"))
    body = Body()
    check(indices[1:], body)
    builder.emit(nest(axes, tuple(body.statements), Kind.SERIAL), "check")


def out_of_range(builder: Builder, node: Apply, axis: int) -> int:
    """The code of the error for a position along ``axis`` that is outside."""
    outside = f"is out of range for dimension {axis} of size {{}}"
    return builder.code(f"{node.op}: index {{}} {outside}", IndexError)
