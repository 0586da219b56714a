"""Reading an element, and the ops whose elements are expressions of elements."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import ir
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.values import Index, Split, Stored
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.elementwise import Elementwise


def read(
    builder: Builder, variable: Variable, index: Sequence[Index], body: Body
) -> ir.Expression:
    """One element of ``variable``, from a copy in the loop's layout where that pays."""
    value = builder.value(variable)
    for channel, entry in enumerate(index):
        if not isinstance(entry, Split) or not isinstance(value, Stored):
            continue
        if _pays(value, channel, entry.width):
            value = builder.blocked(variable, entry.width, channel)
    return value.at(index, body)


def _pays(value: Stored, channel: int, width: int) -> bool:
    """Whether lanes of a plain operand do not lie side by side, in whole vectors."""
    if value.block > 1 or value.strides[channel] == 0 or not value.is_plain:
        return False
    extent = value.shape[channel]
    whole = isinstance(extent, int) and extent % width == 0
    return not (whole and value.strides[channel] == 1)


def elementwise(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    arguments = [read(builder, v, index, body) for v in node.inputs]
    assert isinstance(node.op, Elementwise)
    if node.op.scalar == "relu":
        return call("maximum", node.outputs[0].dtype, *arguments, _zero(node))
    return call(node.op.scalar, node.outputs[0].dtype, *arguments)


def _zero(node: Apply) -> ir.Literal:
    return number(0, node.outputs[0].dtype)


def _parameter(
    builder: Builder,
    parameter: Variable,
    axes: Sequence[int],
    index: Sequence[Index],
    body: Body,
) -> ir.Expression:
    """A parameter that has the dimensions of ``index`` which are not in ``axes``."""
    kept = [entry for axis, entry in enumerate(index) if axis not in axes]
    return read(builder, parameter, kept, body)


def add_bias(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    x, bias = node.inputs
    assert isinstance(node.op, AddBias)
    value = read(builder, x, index, body)
    offset = _parameter(builder, bias, node.op.axes, index, body)
    return call("add", x.dtype, value, offset)


def affine(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    x, scale, shift = node.inputs
    assert isinstance(node.op, Affine)
    value = read(builder, x, index, body)
    factor = _parameter(builder, scale, node.op.axes, index, body)
    offset = _parameter(builder, shift, node.op.axes, index, body)
    return call("add", x.dtype, call("mul", x.dtype, value, factor), offset)
