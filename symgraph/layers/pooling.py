"""Pooling: one value for each window of an image, or for the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symgraph.graph import GraphError, Variable
from symgraph.layers.layer import Layer
from symgraph.ops import nn


@dataclass(eq=False)
class MaxPool2D(Layer):
    """The largest value of each window: [N, C, H, W] -> [N, C, H', W'].

    ``stride`` is the window's size unless it is given.
    """

    window: int | tuple[int, int]
    stride: int | tuple[int, int] | None = None
    padding: Any = 0

    def inference(self, x: Variable, p: Any) -> Variable:
        """max over each window."""
        return nn.max_pool2d(x, self.window, self.stride, self.padding)


@dataclass(eq=False)
class AveragePool2D(Layer):
    """The mean of each window: [N, C, H, W] -> [N, C, H', W'].

    ``stride`` is the window's size unless it is given. Padding counts as zeros only
    with ``count_include_pad``.
    """

    window: int | tuple[int, int]
    stride: int | tuple[int, int] | None = None
    padding: Any = 0
    count_include_pad: bool = False

    def inference(self, x: Variable, p: Any) -> Variable:
        """mean over each window."""
        return nn.average_pool2d(
            x,
            self.window,
            self.stride,
            self.padding,
            count_include_pad=self.count_include_pad,
        )


@dataclass(eq=False)
class GlobalAveragePool2D(Layer):
    """The mean of each channel: [N, C, H, W] -> [N, C]."""

    def inference(self, x: Variable, p: Any) -> Variable:
        """mean over height and width."""
        if x.ndim != 4:
            raise GraphError(
                f"{self.label}: expects [batch, channels, height, width], got {x.type}"
            )
        return x.mean(axis=(2, 3))
