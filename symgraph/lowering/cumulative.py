"""Running sums and products along an axis, and products that leave one factor out."""

from __future__ import annotations

from codegen import ir
from codegen.ir import Kind
from codegen.schedule import parallel
from codegen.sizes import Size, symbol
from symgraph.graph import Apply
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.values import Stored
from symgraph.ops.cumulative import CumProd, CumSum

Statements = tuple[ir.Statement, ...]


def lower_cumulative(builder: Builder, node: Apply) -> None:
    """One running total for each place outside the axis."""
    x, target = builder.unblocked(node.inputs[0]), builder.allocate(node.outputs[0])
    if 0 in x.shape:
        return
    axis, length = node.op.axis, x.shape[node.op.axis]
    name, total = builder.fresh("j"), ir.Local(builder.fresh("total"), x.dtype)
    assert isinstance(node.op, (CumSum, CumProd))
    sums = isinstance(node.op, CumSum)
    along = symbol(name)
    if isinstance(node.op, CumSum) and node.op.reverse:
        along = length - 1 - along

    def body(indices: tuple[Size, ...]) -> Statements:
        index = (*indices[:axis], along, *indices[axis:])
        element = x.at(index, Body(inline=True))
        grown = ir.Accumulate(total, "add" if sums else "mul", element)
        store = ir.Store(target.buffer, target.position(index), total)
        first = ir.Let(total.name, number(0 if sums else 1, x.dtype))
        return first, ir.Loop(name, 0, length, (grown, store), Kind.SERIAL)

    kept = (*x.shape[:axis], *x.shape[axis + 1 :])
    builder.emit(parallel(kept, body, builder.fresh("i")))


def lower_product_of_others(builder: Builder, node: Apply) -> None:
    """The product of what comes before, then times that of what comes after."""
    x, target = builder.unblocked(node.inputs[0]), builder.allocate(node.outputs[0])
    if 0 in x.shape:
        return
    *kept, length = x.shape
    names = [builder.fresh("j"), builder.fresh("j")]
    totals = [ir.Local(builder.fresh("total"), x.dtype) for _ in names]

    def body(indices: tuple[Size, ...]) -> Statements:
        rising, falling = symbol(names[0]), length - 1 - symbol(names[1])
        before = _sweep(x, target, (*indices, rising), totals[0])
        after = _sweep(x, target, (*indices, falling), totals[1], times=True)
        return (
            ir.Let(totals[0].name, number(1, x.dtype)),
            ir.Loop(names[0], 0, length, before, Kind.SERIAL),
            ir.Let(totals[1].name, number(1, x.dtype)),
            ir.Loop(names[1], 0, length, after, Kind.SERIAL),
        )

    builder.emit(parallel(kept, body, builder.fresh("i")))


def _sweep(
    x: Stored,
    target: Stored,
    index: tuple[Size, ...],
    total: ir.Local,
    times: bool = False,
) -> Statements:
    """Store (or multiply by) the product of what was met before ``index``."""
    position = target.position(index)
    value: ir.Expression = total
    if times:
        value = call("mul", x.dtype, ir.Load(target.buffer, position), total)
    element = x.at(index, Body(inline=True))
    store = ir.Store(target.buffer, position, value)
    return store, ir.Accumulate(total, "mul", element)
