"""Ops that compute each element from elements: expressions, fused at will.

``POINTWISE`` maps an op to the function that gives its ``Computed`` value; whether it
ends in a loop nest, an epilogue or a reduction is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegen import ir
from symgraph.graph import Apply, Op, Variable
from symgraph.lowering.body import Body, call
from symgraph.lowering.builder import Builder
from symgraph.lowering.values import Computed, Index, Split, Stored
from symgraph.ops import AddBias, Affine, Elementwise

Reader = Callable[[Builder, Apply, Sequence[Index], Body], ir.Expression]


def pointwise_value(builder: Builder, node: Apply) -> Computed:
    """The output of a pointwise op, computed wherever it is read."""
    reader = reader_of(node.op)
    assert reader is not None
    output = node.outputs[0]
    return Computed(
        output.dtype,
        builder.shape(output),
        lambda index, body: reader(builder, node, index, body),
    )


def reader_of(op: Op) -> Reader | None:
    """How one element of the op's output is computed, if it is pointwise."""
    kinds = (POINTWISE.get(kind) for kind in type(op).__mro__)
    return next((reader for reader in kinds if reader is not None), None)


def read(
    builder: Builder, variable: Variable, index: Sequence[Index], body: Body
) -> ir.Expression:
    """One element of ``variable``, from a copy in the loop's layout where that pays."""
    value = builder.value(variable)
    for channel, entry in enumerate(index):
        if isinstance(entry, Split) and isinstance(value, Stored):
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


def _elementwise(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    arguments = [read(builder, v, index, body) for v in node.inputs]
    assert isinstance(node.op, Elementwise)
    return call(node.op.scalar, node.outputs[0].dtype, *arguments)


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


def _add_bias(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    x, bias = node.inputs
    assert isinstance(node.op, AddBias)
    value = read(builder, x, index, body)
    offset = _parameter(builder, bias, node.op.axes, index, body)
    return call("add", x.dtype, value, offset)


def _affine(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    x, scale, shift = node.inputs
    assert isinstance(node.op, Affine)
    value = read(builder, x, index, body)
    factor = _parameter(builder, scale, node.op.axes, index, body)
    offset = _parameter(builder, shift, node.op.axes, index, body)
    return call("add", x.dtype, call("mul", x.dtype, value, factor), offset)


POINTWISE: dict[type, Reader] = {
    Elementwise: _elementwise,
    AddBias: _add_bias,
    Affine: _affine,
}
