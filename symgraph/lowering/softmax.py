"""Softmax, its logarithm, and cross-entropy: one row at a time, never overflowing.

A row is read for its maximum, read again for the sum of exp(x - maximum), and while it
is still in the cache turned into the result. The sum is one of float64: a row of
millions would lose it in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from codegen import ir
from codegen.ir import Kind
from codegen.reductions import cast
from codegen.schedule import parallel
from codegen.sizes import Size, symbol
from symgraph.graph import Apply
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder

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
    row = _LabelledRow(builder, node)
    target = builder.allocate(node.outputs[0])

    def body(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        logits, dtype = row.logits, row.logits.dtype
        checked, label = row.label(indices[0])
        sums, best, total = row.sums(indices[0])
        base = logits.position((indices[0], 0))
        chosen = ir.Gather(logits.buffer, base, logits.strides[1], label)
        shifted = call("sub", dtype, best, chosen)
        loss = call("add", dtype, call("log", dtype, total), shifted)
        store = ir.Store(target.buffer, target.position(indices), loss)
        return (*checked, *sums, store)

    builder.emit(parallel(target.shape, body, builder.fresh("i")))


def lower_cross_entropy_grad(builder: Builder, node: Apply) -> None:
    """(softmax(x) - one_hot(label)) dloss, in one sweep over each row."""
    row = _LabelledRow(builder, node)
    cotangent = builder.stored(node.inputs[2])
    target = builder.allocate(node.outputs[0])
    name = builder.fresh("j")

    def body(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        dtype, j = row.logits.dtype, symbol(name)
        checked, label = row.label(indices[0])
        sums, best, total = row.sums(indices[0])
        dloss = ir.Local(builder.fresh("dloss"), dtype)
        read = ir.Let(dloss.name, cotangent.at(indices, _inline()))
        power = call("exp", dtype, call("sub", dtype, row.element(indices[0], j), best))
        hot = call("cast", dtype, call("eq", "bool", ir.SizeValue(j), label))
        difference = call("sub", dtype, call("div", dtype, power, total), hot)
        position = target.position((indices[0], j))
        store = ir.Store(target.buffer, position, call("mul", dtype, difference, dloss))
        loop = ir.Loop(name, 0, row.logits.shape[1], (store,), Kind.SIMD)
        return (*checked, *sums, read, loop)

    builder.emit(parallel(target.shape[:1], body, builder.fresh("i")))


class _LabelledRow:
    """A row of logits and its label, read and checked."""

    def __init__(self, builder: Builder, node: Apply) -> None:
        self.builder = builder
        self.logits = builder.unblocked(node.inputs[0])
        self.labels = builder.stored(node.inputs[1])
        message = "cross_entropy: label {} of example {} is out of range for {} classes"
        self.code = builder.code(message, IndexError)

    def label(self, row: Size) -> tuple[Sequence[ir.Statement], ir.Expression]:
        """The label as int64, and the statements that read and check it."""
        body = Body(prefix=self.builder.fresh("label"))
        value = self.labels.at((row,), body)
        label = body.let(call("cast", "int64", value))
        low = call("ge", "bool", label, number(0, "int64"))
        classes = ir.SizeValue(self.logits.shape[1])
        high = call("lt", "bool", label, classes)
        found = (label, ir.SizeValue(row), classes)
        inside = ir.Check(call("logical_and", "bool", low, high), self.code, found)
        return (*body.statements, inside), label

    def element(self, row: Size, j: Size) -> ir.Expression:
        """logits[row, j]."""
        return self.logits.at((row, j), _inline())

    def sums(self, row: Size) -> tuple[Sequence[ir.Statement], ir.Local, ir.Local]:
        """The row's maximum and the sum of exp(x - maximum)."""
        length, dtype = self.logits.shape[1], self.logits.dtype
        return _row_sums(self.builder, partial(self.element, row), length, dtype)


def _normalized(
    builder: Builder,
    node: Apply,
    result: Callable[[ir.Expression, ir.Local], ir.Expression],
) -> None:
    """Each row of ``axis`` mapped by ``result`` of x - maximum and the row's sum."""
    x = builder.unblocked(node.inputs[0])
    axis = node.op.axis % len(x.shape)
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
        store = ir.Store(
            target.buffer, target.position(along(j)), result(shifted, total)
        )
        return (*sums, ir.Loop(name, 0, x.shape[axis], (store,), Kind.SIMD))

    builder.emit(parallel(kept, body, builder.fresh("i")))


def _row_sums(
    builder: Builder, element: Element, length: Size, dtype: str
) -> tuple[Sequence[ir.Statement], ir.Local, ir.Local]:
    """Statements for a row's maximum and the sum of exp(x - maximum)."""
    best, total = (ir.Local(builder.fresh(n), dtype) for n in ("best", "total"))
    wide = ir.Local(builder.fresh("wide"), "float64")
    name = builder.fresh("j")
    value = element(symbol(name))
    grown = ir.Accumulate(best, "maximum", value)
    power = call("exp", dtype, call("sub", dtype, value, best))
    added = ir.Accumulate(wide, "add", cast(power, wide.dtype))
    statements = (
        ir.Let(best.name, number(-np.inf, dtype)),
        ir.Loop(name, 0, length, (grown,), Kind.SIMD),
        ir.Let(wide.name, number(0, wide.dtype)),
        ir.Loop(name, 0, length, (added,), Kind.SIMD),
        ir.Let(total.name, cast(wide, dtype)),
    )
    return statements, best, total


def _inline() -> Body:
    return Body(inline=True)
