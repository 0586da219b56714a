"""Arrays made of nothing but their shape."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import ir
from codegen.ir import Kind
from codegen.reductions import cast
from codegen.schedule import parallel
from codegen.sizes import Size, symbol
from symgraph.graph import Apply
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.values import Index, flat


def arange(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The index itself."""
    return cast(ir.SizeValue(flat(index[0])), node.outputs[0].dtype)


def lower_product_of_others(builder: Builder, node: Apply) -> None:
    """The product of what comes before, then times that of what comes after."""
    x, target = builder.unblocked(node.inputs[0]), builder.allocate(node.outputs[0])
    *kept, length = x.shape
    names = [builder.fresh("j"), builder.fresh("j")]

    def body(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        rising, falling = symbol(names[0]), length - 1 - symbol(names[1])
        return (
            *_sweep(builder, x, target, (*indices, rising), names[0], length, False),
            *_sweep(builder, x, target, (*indices, falling), names[1], length, True),
        )

    builder.emit(parallel(kept, body, builder.fresh("i")))


def _sweep(builder, x, target, index, name, length, times):  # type: ignore[no-untyped-def]
    """Stores (or multiplies by) the product of what the sweep has met so far."""
    total = ir.Local(builder.fresh("total"), x.dtype)
    position = target.position(index)
    value: ir.Expression = total
    if times:
        value = call("mul", x.dtype, ir.Load(target.buffer, position), total)
    element = x.at(index, Body(inline=True))
    loop = (
        ir.Store(target.buffer, position, value),
        ir.Accumulate(total, "mul", element),
    )
    first = ir.Let(total.name, number(1, x.dtype))
    return first, ir.Loop(name, 0, length, loop, Kind.SERIAL)
