"""Softmax, its logarithm, and cross-entropy: one row at a time, never overflowing.

A row is read for its maximum, read again for the sum of exp(x - maximum), and while it
is still in the cache turned into the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from codegen import ir
from codegen.ir import Kind
from codegen.schedule import parallel
from codegen.sizes import Size, symbol
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.values import Stored

Element = Callable[[Size], ir.Expression]


def lower_softmax(builder: Builder, node: Apply) -> None:
    """exp(x - maximum) / sum exp(x - maximum)."""

    def result(element: ir.Expression, total: ir.Local) -> ir.Expression:
        return call("div", total.dtype, call("exp", total.dtype, element), total)

    _normalized(builder, node, result)


def lower_log_softmax(builder: Builder, node: Apply) -> None:
    """(x - maximum) - log sum exp(x - maximum)."""

    def result(element: ir.Expression, total: ir.Local) -> ir.Expression:
        return call("sub", total.dtype, element, call("log", total.dtype, total))

    _normalized(builder, node, result)


def lower_cross_entropy(builder: Builder, node: Apply) -> None:
    """log sum exp(x) - x[label], with the label checked."""
    logits, labels = builder.unblocked(node.inputs[0]), node.inputs[1]
    classes, dtype = logits.shape[1], logits.dtype
    target = builder.allocate(node.outputs[0])
    label_at = builder.stored(labels)
    code = builder.code(
        f"cross_entropy: a label is not in 0..classes-1 of the logits {logits.dtype}"
        f"{node.inputs[0].type}",
        IndexError,
    )

    def body(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        (row,) = indices
        place = Body(prefix="label")
        label = place.let(call("cast", "int64", label_at.at((row,), place)))
        low = call("ge", "bool", label, number(0, "int64"))
        high = call("lt", "bool", label, ir.SizeValue(classes))
        inside = ir.Check(call("logical_and", "bool", low, high), code)
        sums, best, total = _row_sums(builder, lambda j: logits.at((row, j), _inline()), classes, dtype)
        base = logits.position((row, 0))
        chosen = ir.Gather(logits.buffer, base, logits.strides[1], label)
        shifted = call("sub", dtype, best, chosen)
        loss = call("add", dtype, call("log", dtype, total), shifted)
        store = ir.Store(target.buffer, target.position((row,)), loss)
        return (*place.statements, inside, *sums, store)

    builder.emit(parallel(target.shape, body, builder.fresh("i")))


def _normalized(
    builder: Builder,
    node: Apply,
    result: Callable[[ir.Expression, ir.Local], ir.Expression],
) -> None:
    """Each row of ``axis`` mapped by ``result`` of x - maximum and the row's sum."""
    x, axis = _source(builder, node.inputs[0]), node.op.axis
    axis = axis % len(x.shape)
    target = builder.allocate(node.outputs[0])
    kept = (*x.shape[:axis], *x.shape[axis + 1 :])
    name = builder.fresh("j")

    def body(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        def along(j: Size) -> tuple[Size, ...]:
            return (*indices[:axis], j, *indices[axis:])

        def element(j: Size) -> ir.Expression:
            return x.at(along(j), _inline())

        sums, best, total = _row_sums(builder, element, x.shape[axis], x.dtype)
        j = symbol(name)
        shifted = call("sub", x.dtype, element(j), best)
        store = ir.Store(target.buffer, target.position(along(j)), result(shifted, total))
        return (*sums, ir.Loop(name, 0, x.shape[axis], (store,), Kind.SIMD))

    builder.emit(parallel(kept, body, builder.fresh("i")))


def _row_sums(
    builder: Builder, element: Element, length: Size, dtype: str
) -> tuple[Sequence[ir.Statement], ir.Local, ir.Local]:
    """Statements for a row's maximum and the sum of exp(x - maximum)."""
    best = ir.Local(builder.fresh("best"), dtype)
    total = ir.Local(builder.fresh("total"), dtype)
    name = builder.fresh("j")
    value = element(symbol(name))
    grown = ir.Accumulate(best, "maximum", value)
    power = call("exp", dtype, call("sub", dtype, value, best))
    added = ir.Accumulate(total, "add", power)
    statements = (
        ir.Let(best.name, number(-np.inf, dtype)),
        ir.Loop(name, 0, length, (grown,), Kind.SIMD),
        ir.Let(total.name, number(0, dtype)),
        ir.Loop(name, 0, length, (added,), Kind.SIMD),
    )
    return statements, best, total


def _source(builder: Builder, variable: Variable) -> Stored:
    return builder.unblocked(variable)


def _inline() -> Body:
    return Body(inline=True)
