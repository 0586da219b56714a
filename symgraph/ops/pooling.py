"""How pooling is written: over windows, and over whole images."""

from __future__ import annotations

from symgraph.graph import Variable
from symgraph.ops.arguments import TensorLike, as_variable, promoted
from symgraph.ops.average_pool import AveragePool2D
from symgraph.ops.checks import expect_ndim, shown
from symgraph.ops.pool import MaxPool2D
from symgraph.ops.statistics import max as max_over
from symgraph.ops.statistics import mean
from symgraph.ops.windows import (
    Padding,
    PaddingLike,
    Pair,
    PairLike,
    pair,
    resolve_padding,
)


def max_pool2d(
    x: TensorLike,
    window: PairLike,
    stride: PairLike | None = None,
    padding: PaddingLike = 0,
) -> Variable:
    """The maximum of each window: [N,C,H,W] -> [N,C,H',W'].

    H' = (H + padding - window) // stride + 1; ``stride`` is the window where not given.
    ``padding`` is as in ``conv2d``, less than the window, and never the maximum.
    """
    x = as_variable(x)
    spans, steps, sides = _geometry("max_pool2d", x, window, stride, padding)
    pooled: Variable = MaxPool2D(spans, steps, sides)(x)
    return pooled


def average_pool2d(
    x: TensorLike,
    window: PairLike,
    stride: PairLike | None = None,
    padding: PaddingLike = 0,
    count_include_pad: bool = True,
) -> Variable:
    """The mean of each window: [N,C,H,W] -> [N,C,H',W'], sizes as in ``max_pool2d``.

    Padding counts as zeros, or not at all without ``count_include_pad``.
    """
    (x,) = promoted("average_pool2d", [x], floating=True)
    spans, steps, sides = _geometry("average_pool2d", x, window, stride, padding)
    pooled: Variable = AveragePool2D(spans, steps, sides, count_include_pad)(x)
    return pooled


def global_max_pool2d(x: TensorLike, keepdims: bool = False) -> Variable:
    """The maximum of each channel: [N,C,H,W] -> [N,C], or [N,C,1,1]."""
    x = as_variable(x)
    with shown(x):
        expect_ndim("global_max_pool2d", "input", x.type, 4)
    return max_over(x, axis=(2, 3), keepdims=keepdims)


def global_average_pool2d(x: TensorLike, keepdims: bool = False) -> Variable:
    """The mean of each channel: [N,C,H,W] -> [N,C], or [N,C,1,1]."""
    x = as_variable(x)
    with shown(x):
        expect_ndim("global_average_pool2d", "input", x.type, 4)
    return mean(x, axis=(2, 3), keepdims=keepdims)


def _geometry(
    op: str,
    x: Variable,
    window: PairLike,
    stride: PairLike | None,
    padding: PaddingLike,
) -> tuple[Pair, Pair, Padding]:
    with shown(x):
        expect_ndim(op, "input", x.type, 4)
        spans = pair(op, "window", window)
        steps = spans if stride is None else pair(op, "stride", stride)
        sides = resolve_padding(op, padding, x.type.shape[2:], spans, steps)
    return spans, steps, sides
