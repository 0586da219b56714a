"""Which function lowers which op: the one place where that is written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symgraph.graph import Apply, Variable
from symgraph.lowering import (
    batch_norm,
    branching,
    conv,
    cumulative,
    join,
    linalg,
    pool_kernel,
    pool_scatter,
    random,
    reduce,
    scan,
    shape,
    softmax,
    solving,
    sorting,
    subtensor,
    take,
)
from symgraph.lowering.builder import Builder
from symgraph.lowering.readers import reader_of
from symgraph.lowering.tail import Tail
from symgraph.lowering.windows import spans_images, windows_tile
from symgraph.ops import Barrier, BroadcastTo, Dim, MatMul, Reshape, Transpose
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.average_pool import AveragePool2D
from symgraph.ops.batch_norm import BatchNormTraining, BatchNormTrainingGrad
from symgraph.ops.branching import IfElse
from symgraph.ops.conv import Conv2D, Conv2DBackwardData, Conv2DBackwardWeights
from symgraph.ops.cross_entropy import CrossEntropy, CrossEntropyGrad
from symgraph.ops.cumulative import CumProd, CumSum
from symgraph.ops.draws import RandomBits
from symgraph.ops.elementwise import Elementwise
from symgraph.ops.join import Concatenate, Split
from symgraph.ops.moments import Moments, PairedSums
from symgraph.ops.pool import MaxPool2D, MaxPool2DGrad
from symgraph.ops.pool_places import MaxPool2DScatter, MaxPool2DWithPlaces
from symgraph.ops.products import ProductOfOthers
from symgraph.ops.scan import Scan
from symgraph.ops.softmax import LogSoftmax, Softmax
from symgraph.ops.solving import Cholesky, Det, SlogDet, Solve, TriangularSolve
from symgraph.ops.sorting import ArgSort
from symgraph.ops.subtensor import SetSubtensor, Subtensor
from symgraph.ops.take import Put, Take

EPILOGUES: dict[type, Callable[[Builder, Apply, Tail], None]] = {
    Conv2D: conv.lower_conv2d,
    Conv2DBackwardData: conv.lower_conv2d_backward_data,
    MatMul: linalg.lower_matmul,
    MaxPool2D: pool_kernel.lower_pool,
    MaxPool2DWithPlaces: pool_kernel.lower_pool,
    AveragePool2D: pool_kernel.lower_pool,
}

# each lowers one application, or one with its twins
LOWERINGS: dict[type, Callable[..., None]] = {
    Barrier: shape.lower_barrier,
    IfElse: branching.lower_ifelse,
    BroadcastTo: shape.lower_broadcast_to,
    Transpose: shape.lower_transpose,
    Reshape: shape.lower_reshape,
    Concatenate: join.lower_concatenate,
    Split: join.lower_split,
    Subtensor: subtensor.lower_subtensor,
    SetSubtensor: subtensor.lower_set_subtensor,
    Take: take.lower_take,
    Put: take.lower_put,
    ProductOfOthers: cumulative.lower_product_of_others,
    CumSum: cumulative.lower_cumulative,
    CumProd: cumulative.lower_cumulative,
    ArgSort: sorting.lower_argsort,
    Cholesky: solving.lower_cholesky,
    TriangularSolve: solving.lower_solve,
    Solve: solving.lower_solve,
    Det: solving.lower_determinant,
    SlogDet: solving.lower_determinant,
    RandomBits: random.lower_random_bits,
    Scan: scan.lower_scan,
    Conv2DBackwardWeights: conv.lower_conv2d_backward_weights,
    MaxPool2DGrad: pool_scatter.lower_max_pool_grad,
    MaxPool2DScatter: pool_scatter.lower_max_pool_grad,
    Moments: batch_norm.lower_moments,
    PairedSums: batch_norm.lower_paired_sums,
    Softmax: softmax.lower_softmax,
    LogSoftmax: softmax.lower_log_softmax,
    CrossEntropy: softmax.lower_cross_entropy,
    CrossEntropyGrad: softmax.lower_cross_entropy,
    **dict.fromkeys(reduce.FUNCTIONS, reduce.lower_reduction),
    **dict.fromkeys(reduce.ARG_FUNCTIONS, reduce.lower_arg_extremum),
}

# written out in simpler ops, for native code alone
EXPANSIONS: dict[type, Callable[..., Variable | tuple[Variable, ...]]] = {
    BatchNormTraining: batch_norm.expand_batch_norm_training,
    BatchNormTrainingGrad: batch_norm.expand_batch_norm_training_grad,
}


def has_lowering(node: Apply) -> bool:
    """Whether the op has a way to C of its own."""
    kind: Any = type(node.op)
    if kind is Scan and not all(map(has_lowering, node.op.body.graph.nodes)):
        return False
    known = kind in LOWERINGS or kind in EPILOGUES or kind is Dim
    return known or is_pointwise(node)


def is_pointwise(node: Apply) -> bool:
    """Whether each output element is an expression of input elements."""
    return reader_of(node) is not None


def is_local(node: Apply) -> bool:
    """Whether an output element reads no neighbours of itself, as a window does."""
    return isinstance(node.op, (Elementwise, AddBias, Affine))


def takes_epilogue(node: Apply) -> bool:
    """Whether the op is a kernel that can apply pointwise ops to its results."""
    return type(node.op) in EPILOGUES


def stores_more(kernel: Apply) -> bool:
    """Whether the kernel's epilogue can store what it computes on the way too."""
    return isinstance(kernel.op, MatMul)


def is_pooling(node: Apply) -> bool:
    """Whether the op pools windows of its input."""
    kernel = EPILOGUES.get(type(node.op)) is pool_kernel.lower_pool
    return kernel or spans_images(node)


def is_view(node: Apply) -> bool:
    """Whether the op only looks at the memory of its first input in another way."""
    return isinstance(node.op, (Barrier, BroadcastTo, Reshape, Transpose))


def inlines_its_input(node: Apply) -> bool:
    """Whether the op reads each input element once, so that it may compute it."""
    if isinstance(node.op, MaxPool2DGrad | MaxPool2DScatter):
        return windows_tile(node)
    return isinstance(node.op, (*reduce.FUNCTIONS, PairedSums))
