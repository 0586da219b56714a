"""Softmax, its logarithm, and cross-entropy: row by row, never overflowing.

A row is read for its maximum, then for the powers exp(x - maximum), each computed once:
where the result is made of them they are kept, and scaled once their sum is known. The
sum is one of float64: a row of millions would lose it in float32.
"""

from __future__ import annotations

import numpy as np

from codegen import ir
from codegen.reductions import cast
from codegen.schedule import Statements, parallel
from codegen.sizes import Size, symbol
from symgraph.graph import Apply
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.row_blocks import rows_at
from symgraph.lowering.rows import Cell, Rows, places_of
from symgraph.lowering.values import Stored
from symgraph.ops.cross_entropy import CrossEntropy, CrossEntropyGrad

_TWINS: dict[type, type] = {
    CrossEntropy: CrossEntropyGrad,
    CrossEntropyGrad: CrossEntropy,
}


def lower_softmax(builder: Builder, node: Apply) -> None:
    """exp(x - maximum) / sum exp(x - maximum)."""
    rows = _normalized(builder, node)
    sums, _, total = _sums(rows, keep=True)
    scale = rows.cell("scale", rows.dtype)
    body = (
        *sums,
        *rows.each(scale.set(_reciprocal(total, rows.dtype))),
        *rows.sweep(rows.keep(call("mul", rows.dtype, rows.kept, scale.value))),
    )
    _emit(rows, body, str(node.op))


def lower_log_softmax(builder: Builder, node: Apply) -> None:
    """(x - maximum) - log sum exp(x - maximum)."""
    rows = _normalized(builder, node)
    sums, best, total = _sums(rows, keep=False)
    logarithm = rows.cell("logarithm", rows.dtype)
    shifted = call("sub", rows.dtype, rows.element, best.value)
    body = (
        *sums,
        *rows.each(logarithm.set(_logarithm(total, rows.dtype))),
        *rows.sweep(rows.keep(call("sub", rows.dtype, shifted, logarithm.value))),
    )
    _emit(rows, body, str(node.op))


def lower_cross_entropy(builder: Builder, *nodes: Apply) -> None:
    """log sum exp(x) - x[label], (softmax(x) - one_hot(label)) dloss, or both at once.

    All labels are checked first, by a kernel that puts x[label] where the loss will be.
    """
    ops = {type(node.op): node for node in nodes}
    loss, gradient = ops.get(CrossEntropy), ops.get(CrossEntropyGrad)
    logits = builder.unblocked(nodes[0].inputs[0])
    labels = builder.stored(nodes[0].inputs[1])
    losses = builder.allocate(loss.outputs[0]) if loss else None
    _check_labels(builder, logits, labels, losses)
    target = builder.allocate(gradient.outputs[0]) if gradient else None
    rows = rows_at(builder, places_of(builder, logits, target, 1))
    sums, best, total = _sums(rows, keep=gradient is not None)
    body: Statements = sums
    if losses:
        body += _losses(rows, losses, best, total)
    if gradient:
        body += _gradient(builder, rows, gradient, labels, total)
    _emit(rows, body, "+".join(str(node.op) for node in nodes))


def twins(builder: Builder, node: Apply) -> list[Apply]:
    """The gradients of a cross-entropy, or the other way round, of the same labels."""
    kind = _TWINS.get(type(node.op))
    if kind is None:
        return []
    logits, labels = node.inputs[:2]
    users = builder.users.get(logits, ())
    return [u for u in users if type(u.op) is kind and u.inputs[1] is labels]


# --- parts ----------------------------------------------------------------------------


def _normalized(builder: Builder, node: Apply) -> Rows:
    """The rows of x along the axis of a softmax."""
    x, y = builder.unblocked(node.inputs[0]), builder.allocate(node.outputs[0])
    return rows_at(builder, places_of(builder, x, y, node.op.axis % len(x.shape)))


def _emit(rows: Rows, body: Statements, label: str) -> None:
    """A kernel, unless rows have no elements: nothing is made then, no label right."""
    if rows.length != 0:
        rows.builder.emit(rows.step(body), label)


def _sums(rows: Rows, keep: bool) -> tuple[Statements, Cell, Cell]:
    """Statements for a row's maximum and its sum of powers, which it may ``keep``.

    The maximum may pass over a nan: the sum does not.
    """
    dtype = rows.dtype
    best, total = rows.cell("best", dtype), rows.cell("total", "float64")
    power = ir.Local(rows.builder.fresh("power"), dtype)
    value = call("exp_fall", dtype, call("sub", dtype, rows.element, best.value))
    statements = (
        *rows.each(best.set(number(-np.inf, dtype)), total.set(number(0, "float64"))),
        *rows.sweep(best.grow("larger", rows.element)),
        *rows.sweep(
            ir.Let(power.name, value),
            *([rows.keep(power)] if keep else []),
            total.grow("add", cast(power, "float64")),
        ),
    )
    return statements, best, total


def _reciprocal(total: Cell, dtype: str) -> ir.Expression:
    return cast(call("reciprocal", "float64", total.value), dtype)


def _logarithm(total: Cell, dtype: str) -> ir.Expression:
    return call("log", dtype, cast(total.value, dtype))


def _check_labels(
    builder: Builder, logits: Stored, labels: Stored, losses: Stored | None
) -> None:
    """Every label checked, its logit put into ``losses`` if there are any."""
    message = "cross_entropy: label {} of example {} is out of range for {} classes"
    code, classes = builder.code(message, IndexError), ir.SizeValue(logits.shape[1])

    def body(indices: tuple[Size, ...]) -> Statements:
        (row,), read = indices, Body(prefix=builder.fresh("label"))
        label = read.let(cast(labels.at((row,), read), "int64"))
        low = call("ge", "bool", label, number(0, "int64"))
        inside = call("logical_and", "bool", low, call("lt", "bool", label, classes))
        found = (label, ir.SizeValue(row), classes)
        read.statements.append(ir.Check(inside, code, found))
        if losses:
            first, stride = logits.position((row, 0)), logits.strides[1]
            chosen = ir.Gather(logits.buffer, first, stride, label)
            read.store(losses.buffer, losses.position((row,)), chosen)
        return tuple(read.statements)

    builder.emit(parallel(labels.shape, body, builder.fresh("i")), "labels")


def _losses(rows: Rows, losses: Stored, best: Cell, total: Cell) -> Statements:
    """log sum exp(x) - x[label] for each row, x[label] being there already."""
    dtype, position = rows.dtype, losses.position(_row(rows))
    chosen, loss = rows.cell("chosen", dtype), rows.cell("loss", dtype)
    shifted = call("sub", dtype, best.value, chosen.value)
    return (
        *rows.outside(chosen.set(ir.Load(losses.buffer, position))),
        *rows.each(loss.set(call("add", dtype, _logarithm(total, dtype), shifted))),
        *rows.outside(ir.Store(losses.buffer, position, loss.value)),
    )


def _gradient(
    builder: Builder, rows: Rows, node: Apply, labels: Stored, total: Cell
) -> Statements:
    """(softmax(x) - one_hot(label)) dloss, of the powers that were kept."""
    dtype, index = rows.dtype, _row(rows)
    cotangent = builder.value(node.inputs[2])
    names = {"label": "int64", "dloss": dtype, "scale": dtype}
    label, dloss, scale = (rows.cell(name, kind) for name, kind in names.items())
    read = Body(inline=True)
    hot = call("eq", "bool", ir.SizeValue(rows.along), label.value)
    soft = call("mul", dtype, rows.kept, scale.value)
    difference = call("sub", dtype, soft, cast(hot, dtype))
    return (
        *rows.outside(
            label.set(cast(labels.at(index, read), "int64")),
            dloss.set(cotangent.at(index, read)),
        ),
        *rows.each(scale.set(_reciprocal(total, dtype))),
        *rows.sweep(rows.keep(call("mul", dtype, difference, dloss.value))),
    )


def _row(rows: Rows) -> tuple[Size]:
    """The index of a row of a matrix."""
    return (symbol(rows.places.axes[0].index) if rows.places.axes else 0,)
