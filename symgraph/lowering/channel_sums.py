"""Statistics of BN made on the way by the convolution whose results they are of.

``Moments`` and ``PairedSums`` of images would read again, from memory, what a
convolution has just stored. Its epilogue adds them up instead. The plan puts them
together where the graph allows it; whether it is done is decided here, where layouts
are known, and else they are kernels of their own (``batch_norm.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codegen import ir
from codegen.convolution import flops, takes_sums
from symgraph.graph import Apply
from symgraph.lowering.body import Body
from symgraph.lowering.builder import Builder
from symgraph.lowering.pointwise import read
from symgraph.lowering.reduce import IMAGE_AXES
from symgraph.lowering.tail import Tail
from symgraph.lowering.values import Index
from symgraph.ops.conv import Conv2D, Conv2DBackwardData
from symgraph.ops.moments import Moments, PairedSums

Step = ir.Convolution | ir.ConvolutionBackwardData


def is_channel_sums(node: Apply) -> bool:
    """Whether the op takes statistics of the channels of images."""
    statistics = isinstance(node.op, (Moments, PairedSums))
    return statistics and tuple(sorted(node.op.axes)) == IMAGE_AXES


def makes_channel_sums(kernel: Apply) -> bool:
    """Whether the kernel may add up its own results."""
    return isinstance(kernel.op, (Conv2D, Conv2DBackwardData))


def emit_with_sums(
    builder: Builder, step: Step, tail: Tail, index: Sequence[Index]
) -> None:
    """Append a convolution, with the statistics of its results where it takes them."""
    node = tail.sums
    if node is not None:
        summing = _summing(builder, step, node, index)
        if takes_sums(summing, builder.target):
            builder.done.add(node)
            builder.emit(summing, f"{tail.label}+{node.op}", flops(step))
            return
    builder.emit(step, tail.label, flops(step))


def _summing(builder: Builder, step: Step, node: Apply, index: Sequence[Index]) -> Step:
    """``step`` with the sums that ``node`` is."""
    mean_or_sum, other = (builder.allocate(v).buffer for v in node.outputs)
    by = None
    if isinstance(node.op, PairedSums):
        by = read(builder, node.inputs[1], index, Body(inline=True))
    sums = ir.Sums((mean_or_sum, other), by)
    epilogue = step.epilogue or ir.Epilogue(ir.Result(node.inputs[0].dtype))
    return replace(step, epilogue=replace(epilogue, sums=sums))
