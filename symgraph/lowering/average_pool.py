"""Average pooling and its adjoint, pointwise as max-pooling is in ``pool.py``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from codegen import ir
from codegen.sizes import Size, maximum, minimum
from symgraph.graph import Apply
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.pointwise import read
from symgraph.lowering.values import Index, flat
from symgraph.lowering.windows import Place, Share, gathered, window_of
from symgraph.ops.average_pool import AveragePool2D, AveragePool2DGrad


def average_pool(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The mean of the window."""
    x = node.inputs[0]
    window = window_of(builder, node.op, x, index, number(0, x.dtype), body)
    total = reduce(lambda a, b: body.let(call("add", x.dtype, a, b)), window)
    size = builder.shape(x)[2:]
    divisor = _divisor(node.op, [flat(entry) for entry in index[2:]], size, x.dtype)
    return call("div", x.dtype, total, divisor)


def average_pool_grad(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The sum, over the windows that hold this element, of dy over their count."""
    dy = node.inputs[0]
    counts, size = builder.shape(dy)[2:], builder.shape(node.outputs[0])[2:]

    def share(rows: Place, columns: Place, tap: Size) -> Share:
        cotangent = read(builder, dy, (*index[:2], rows.at, columns.at), body)
        divisor = _divisor(node.op, (rows.at, columns.at), size, dy.dtype)
        return call("div", dy.dtype, cotangent, divisor), None

    return gathered(node.op, index, counts, share, body)


def _divisor(
    op: AveragePool2D | AveragePool2DGrad,
    window: Sequence[Size],
    size: Sequence[Size],
    dtype: str,
) -> ir.Expression:
    """How many elements of a window count."""
    area: Size = op.window[0] * op.window[1]
    if not op.count_include_pad and op.padding != ((0, 0), (0, 0)):
        area = 1
        for axis in range(2):
            start = window[axis] * op.stride[axis] - op.padding[axis][0]
            stop = minimum(start + op.window[axis], size[axis])
            area = area * (stop - maximum(start, 0))
    if isinstance(area, int):
        return number(area, dtype)
    return call("cast", dtype, ir.SizeValue(area))
