"""Ops that only look at memory in another way: strides change, nothing is copied.

Where the source has no memory yet, or strides cannot say it (a reshape across a
transposed or blocked array), one contiguous copy is made first.
"""

from __future__ import annotations

from codegen.sizes import product
from symgraph.graph import Apply
from symgraph.lowering.builder import Builder
from symgraph.lowering.values import Number, Stored


def lower_broadcast_to(builder: Builder, node: Apply) -> None:
    """Repeated dimensions are read with stride 0."""
    output, value = node.outputs[0], builder.value(node.inputs[0])
    shape = builder.shape(output)
    lead = len(shape) - len(value.shape)
    for dim, wanted in zip(value.shape, shape[lead:], strict=True):
        if dim != 1:
            builder.shapes.require(dim, wanted, node)
    if isinstance(value, Number):
        builder.values[output] = Number(value.expression, shape)
    else:
        builder.values[output] = builder.stored(node.inputs[0]).broadcast(shape)


def lower_barrier(builder: Builder, node: Apply) -> None:
    """The same memory: kernels run in the order of the units they were made for."""
    value = builder.value(node.inputs[0])
    stored = value if isinstance(value, Number) else builder.stored(node.inputs[0])
    builder.values[node.outputs[0]] = stored


def lower_transpose(builder: Builder, node: Apply) -> None:
    """The strides in another order."""
    output, value = node.outputs[0], builder.value(node.inputs[0])
    if isinstance(value, Number):
        builder.values[output] = Number(value.expression, builder.shape(output))
    else:
        source = builder.stored(node.inputs[0])
        builder.values[output] = source.transposed(node.op.axes)


def lower_reshape(builder: Builder, node: Apply) -> None:
    """The same memory under other dimensions."""
    (source, *_), output = node.inputs, node.outputs[0]
    shape, value = builder.shape(output), builder.value(source)
    builder.shapes.require(product(builder.shape(source)), product(shape), node)
    if isinstance(value, Number):
        builder.values[output] = Number(value.expression, shape)
        return
    view = builder.stored(source).reshaped(shape)
    if view is None:
        view = builder.contiguous(source).reshaped(shape)
    assert isinstance(view, Stored)
    builder.values[output] = view
