"""Sorting: rows are brought together in memory, sorted, and seen as they were."""

from __future__ import annotations

from codegen import ir
from codegen.sizes import product
from symgraph.graph import Apply
from symgraph.lowering.builder import Builder
from symgraph.lowering.layouts import copy_loop
from symgraph.lowering.values import plain_view


def lower_argsort(builder: Builder, node: Apply) -> None:
    """The order of the elements along an axis, which is made the last one first."""
    (x,), (output,), axis = node.inputs, node.outputs, node.op.axis
    last_first = [a for a in range(x.ndim) if a != axis] + [axis]
    source = builder.unblocked(x).transposed(last_first)
    if not source.is_plain:
        copied = plain_view(builder.buffer(x.dtype, source.shape))
        builder.emit(copy_loop(source, copied), "copy")
        source = copied
    order = plain_view(builder.buffer(output.dtype, source.shape))
    *kept, length = source.shape
    step = ir.ArgSort(source.buffer, order.buffer, product(tuple(kept)), length)
    builder.emit(step)
    back = [last_first.index(a) for a in range(x.ndim)]
    builder.values[output] = order.transposed(back)
