"""``Conv2D``: a two-dimensional convolution of images with a bank of filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from symgraph.graph import GraphError, TensorType, Variable
from symgraph.layers.checks import positive, size_of
from symgraph.layers.initializers import HE_UNIFORM, ZEROS, Fans, Initializer
from symgraph.layers.layer import Layer
from symgraph.layers.parameters import Parameter
from symgraph.ops import nn


@dataclass(eq=False)
class Conv2D(Layer):
    """activation(x * filters + bias): [N, C, H, W] -> [N, K, H', W'], K = ``filters``.

    Cross-correlation with ``filters[K, C/groups, R, S]``, R x S being ``kernel``.
    ``stride``, ``padding`` ("valid", "same", a number, or pairs) and ``dilation`` are
    those of ``nn.conv2d``.
    """

    filters: int
    kernel: int | tuple[int, int]
    stride: int | tuple[int, int] = 1
    padding: str | int | Sequence[Any] = "valid"
    dilation: int | tuple[int, int] = 1
    groups: int = 1
    activation: Callable[[Variable], Variable] | None = None
    bias: bool = True
    initializer: Initializer | Any = HE_UNIFORM
    bias_initializer: Initializer | Any = ZEROS

    def __post_init__(self) -> None:
        self.filters = positive(self, "filters", self.filters)
        self.groups = positive(self, "groups", self.groups)
        kernel = self.kernel
        pair = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
        if len(pair) != 2:
            raise GraphError(f"{self.label}: kernel expects 2 sizes, got {kernel!r}")
        self.window = tuple(positive(self, "kernel", size) for size in pair)

    def declare(self, x: TensorType) -> dict[str, Parameter]:
        """filters[K, C/groups, R, S] and bias[K]."""
        channels = size_of(self, x, 1, "[batch, channels, height, width]")
        if channels % self.groups or self.filters % self.groups:
            raise GraphError(
                f"{self.label}: {self.groups} groups must divide {channels} channels "
                f"and {self.filters} filters"
            )
        shape = (self.filters, channels // self.groups, *self.window)
        area = prod(self.window)
        fans = Fans(shape[1] * area, self.filters // self.groups * area)
        declared = {"filters": Parameter(shape, self.initializer, fans)}
        if self.bias:
            declared["bias"] = Parameter((self.filters,), self.bias_initializer, fans)
        return declared

    def inference(self, x: Variable, p: Any) -> Variable:
        """activation(conv2d(x, filters) + bias)."""
        y = nn.conv2d(
            x,
            p.filters,
            p.bias if self.bias else None,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return y if self.activation is None else self.activation(y)
