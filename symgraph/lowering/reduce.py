"""Sums, products, extrema over axes; what computes their input runs inside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen import ir
from codegen.reductions import Term, arg_extremum, cast, reduction
from codegen.sizes import Size
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body
from symgraph.lowering.builder import Builder
from symgraph.lowering.layouts import blocked_shape
from symgraph.lowering.pointwise import read
from symgraph.lowering.values import Index, Split, Stored
from symgraph.ops import All, Any, ArgMax, ArgMin, Max, Min, Prod, Sum

FUNCTIONS: dict[type, str] = {
    Sum: "add",
    Prod: "mul",
    Max: "maximum",
    Min: "minimum",
    Any: "maximum",
    All: "minimum",
}
IMAGE_AXES = (0, 2, 3)  # of what is summed for each channel
ARG_FUNCTIONS: dict[type, str] = {ArgMax: "maximum", ArgMin: "minimum"}


@dataclass(frozen=True)
class Space:
    """The loops over an array to reduce: in blocked order where it is blocked."""

    extents: tuple[Size, ...]
    block: int

    def index(self, indices: Sequence[Size]) -> tuple[Index, ...]:
        """The logical index of the element that the loops are at."""
        if self.block == 1:
            return tuple(indices)
        index: list[Index] = list(indices[:-1])
        index[1] = Split(indices[1], indices[-1], self.block)
        return tuple(index)

    def axes(self, logical: Sequence[int]) -> tuple[int, ...]:
        """The loops that run along some logical axes."""
        lanes = (len(self.extents) - 1,) if self.block > 1 and 1 in logical else ()
        return (*logical, *lanes)

    def kept(self, indices: Sequence[Size], logical: Sequence[int]) -> tuple[Size, ...]:
        """The logical index among the axes that stay, from the loops that stay."""
        if self.block == 1 or 1 in logical:
            return tuple(indices)
        *outer, lane = indices
        place = sum(axis not in logical for axis in range(1))
        outer[place] = outer[place] * self.block + lane
        return tuple(outer)


def space_of(builder: Builder, variable: Variable) -> Space:
    """How the loops over ``variable`` should run."""
    value, shape = builder.value(variable), builder.shape(variable)
    block = builder.lazy_block.get(variable, 1)
    if isinstance(value, Stored) and value.block > 1:
        block = value.block if value.channel == 1 and 0 not in value.strides else 1
    whole = block > 1 and isinstance(shape[1], int) and shape[1] % block == 0
    if not whole:
        return Space(shape, 1)
    return Space(blocked_shape(shape, block, 1), block)


def lower_reduction(
    builder: Builder, node: Apply, stored: Stored | None = None, label: str = ""
) -> None:
    """One total a kept index, in loops arranged for the memory order.

    With ``stored`` the elements are computed here, and stored there on the way.
    """
    x, output = node.inputs[0], node.outputs[0]
    function, space = FUNCTIONS[type(node.op)], space_of(builder, x)
    target = builder.allocate(output)

    def terms(
        indices: tuple[Size, ...],
    ) -> tuple[tuple[ir.Statement, ...], tuple[Term, ...]]:
        body = Body()
        index = space.index(indices)
        value = read(builder, x, index, body)
        if stored is not None:
            value = body.let(value)
            body.store(stored.buffer, stored.position(index), value)
        element = cast(value, output.dtype)
        return tuple(body.statements), (Term(function, element),)

    def finish(
        kept: tuple[Size, ...], totals: tuple[ir.Expression, ...]
    ) -> tuple[ir.Statement, ...]:
        position = target.position(space.kept(kept, node.op.axes))
        return (ir.Store(target.buffer, position, totals[0]),)

    axes = space.axes(node.op.axes)
    for step in reduction(space.extents, axes, terms, finish, builder.fresh("r")):
        builder.emit(step, label)


def adds_up_images(node: Apply) -> bool:
    """Whether the op sums each channel of images: what may be done as they are made."""
    return isinstance(node.op, Sum) and node.op.axes == IMAGE_AXES


def lower_arg_extremum(builder: Builder, node: Apply) -> None:
    """The first index of the largest or smallest along an axis."""
    x, output = builder.unblocked(node.inputs[0]), node.outputs[0]
    target = builder.allocate(output)
    steps = arg_extremum(
        x.shape,
        node.op.axis,
        lambda indices: x.at(indices, Body(inline=True)),
        ARG_FUNCTIONS[type(node.op)],
        lambda kept, place: (
            ir.Store(target.buffer, target.position(kept), cast(place, output.dtype)),
        ),
        name=builder.fresh("r"),
    )
    for step in steps:
        builder.emit(step)
