"""``sg.nn``: what neural networks are written with.

Activations, convolutions and pooling, normalization, dropout, dense layers, losses.
Images are (batch, channels, height, width); filters (outputs, channels, rows, columns).
What does not fit raises ``GraphError`` when the graph is built, or for dtypes
its subclass ``TypeMismatch``.
"""

from symgraph.ops.activations import (
    elu,
    gelu,
    hard_sigmoid,
    leaky_relu,
    mish,
    relu6,
    selu,
    silu,
    softsign,
)
from symgraph.ops.affine import add_bias, affine, dense
from symgraph.ops.convolve import conv2d, conv_transpose2d
from symgraph.ops.cross_entropy import cross_entropy
from symgraph.ops.dropout import dropout
from symgraph.ops.indexing import one_hot
from symgraph.ops.losses import (
    absolute_error,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber,
    squared_error,
)
from symgraph.ops.normalize import (
    batch_norm,
    batch_norm_inference,
    batch_norm_training,
    layer_norm,
)
from symgraph.ops.pooling import (
    average_pool2d,
    global_average_pool2d,
    global_max_pool2d,
    max_pool2d,
)
from symgraph.ops.softmax import log_softmax, softmax
from symgraph.ops.special import relu, sigmoid, softplus
from symgraph.ops.trigonometric import tanh

__all__ = [
    "absolute_error",
    "add_bias",
    "affine",
    "average_pool2d",
    "batch_norm",
    "batch_norm_inference",
    "batch_norm_training",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dense",
    "dropout",
    "elu",
    "gelu",
    "global_average_pool2d",
    "global_max_pool2d",
    "hard_sigmoid",
    "huber",
    "layer_norm",
    "leaky_relu",
    "log_softmax",
    "max_pool2d",
    "mish",
    "one_hot",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "squared_error",
    "tanh",
]
