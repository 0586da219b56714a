"""The pointwise ops: how one element of each is computed.

Whether the expression ends in a loop nest, an epilogue or a reduction is decided by
the plan; here it is only given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from codegen import ir
from symgraph.graph import Apply, Op
from symgraph.lowering import average_pool, creation, join, pointwise, pool
from symgraph.lowering.body import Body
from symgraph.lowering.builder import Builder
from symgraph.lowering.values import Computed, Index
from symgraph.lowering.windows import overlaps, windows_tile
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.average_pool import AveragePool2DGrad
from symgraph.ops.creation import Arange
from symgraph.ops.elementwise import Elementwise
from symgraph.ops.join import Pad
from symgraph.ops.pool import MaxPool2DGrad, MaxPool2DSelect
from symgraph.ops.pool_places import MaxPool2DGather, MaxPool2DScatter

Reader: TypeAlias = Callable[[Builder, Apply, Sequence[Index], Body], ir.Expression]

READERS: dict[type[Op], Reader] = {
    Elementwise: pointwise.elementwise,
    AddBias: pointwise.add_bias,
    Affine: pointwise.affine,
    MaxPool2DGrad: pool.max_pool_grad,
    MaxPool2DSelect: pool.max_pool_select,
    MaxPool2DScatter: pool.max_pool_grad,
    MaxPool2DGather: pool.max_pool_select,
    AveragePool2DGrad: average_pool.average_pool_grad,
    Pad: join.pad,
    Arange: creation.arange,
}


def reader_of(node: Apply) -> Reader | None:
    """How one element of the output is computed, if the op is pointwise."""
    op = node.op
    scatters = isinstance(op, MaxPool2DGrad | MaxPool2DScatter)
    if scatters and (overlaps(op) or windows_tile(node)):
        return None
    kinds = (READERS.get(kind) for kind in type(op).__mro__)
    return next((reader for reader in kinds if reader is not None), None)


def pointwise_value(builder: Builder, node: Apply) -> Computed:
    """The output of a pointwise op, computed wherever it is read."""
    reader, output = reader_of(node), node.outputs[0]
    assert reader is not None
    return Computed(
        output.dtype,
        builder.shape(output),
        lambda index, body: reader(builder, node, index, body),
    )
