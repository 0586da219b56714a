"""Two-dimensional convolution and its two adjoints.

A convolution y = C(x, w) is linear in the images x and in the filters w. With D and W
its adjoints in each, <C(x, w), v> = <x, D(v, w)> = <w, W(x, v)>, the derivative of any
of the three is made of the other two: the family is closed, and gradients of every
order stay inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.graph import Op, TensorType, Variable
from symgraph.ops.arguments import fill_sizes, split_sizes
from symgraph.ops.channels import (
    check_channels,
    check_divides,
    check_filters,
    check_images,
    group_filters,
    group_images,
)
from symgraph.ops.checks import expect_dtype, expect_sizes, join_dims
from symgraph.ops.shape import shape
from symgraph.ops.windows import (
    NO_PADDING,
    Array,
    Padding,
    Pair,
    crop,
    output_size,
    output_sizes,
    pad,
    padded_shape,
    taps,
)

Size = tuple[int | None, int | None]
SizeLike = Sequence[int | Variable]


@dataclass(frozen=True)
class Convolution(Op):
    """What the three share: where windows lie, and how channels are grouped.

    Images are (batch, channels, height, width), filters (outputs, channels / groups,
    rows, columns). Filters are not flipped: this is cross-correlation, as in every
    current framework.
    """

    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)
    groups: int = 1

    def backward_data(self, dy: Variable, filters: Variable, size: SizeLike) -> Any:
        """D(dy, filters), for images of ``size`` (height, width)."""
        (height, width), sizes = split_sizes(size)
        op = Conv2DBackwardData(*self._geometry, size=(height, width))
        return op(dy, filters, *sizes)

    def backward_weights(self, x: Variable, dy: Variable, kernel: SizeLike) -> Any:
        """W(x, dy), for filters of ``kernel`` (rows, columns)."""
        (rows, columns), sizes = split_sizes(kernel)
        op = Conv2DBackwardWeights(*self._geometry, kernel=(rows, columns))
        return op(x, dy, *sizes)

    def forward(self, x: Variable, filters: Variable) -> Any:
        """C(x, filters)."""
        return Conv2D(*self._geometry)(x, filters)

    @property
    def _geometry(self) -> tuple[Pair, Padding, Pair, int]:
        return self.stride, self.padding, self.dilation, self.groups

    def _counts(self, op: str, size: Size, kernel: Size) -> Size:
        return output_sizes(op, size, kernel, self.padding, self.stride, self.dilation)

    def _count(self, axis: int, size: Any, kernel: Any) -> Any:
        return output_size(
            size, kernel, self.padding[axis], self.stride[axis], self.dilation[axis]
        )

    def _taps(self, window: Sequence[int], counts: Sequence[int]) -> Any:
        window, counts = (window[0], window[1]), (counts[0], counts[1])
        return taps(window, counts, self.stride, self.dilation)


class Conv2D(Convolution):
    """y[n,k,i,j] = sum_crs w[k,c,r,s] x[n, c, i*stride + r*dilation - pad, j ...].

    Inputs x[N,C,H,W] and filters[K,C/groups,R,S]; output [N,K,H',W']. Each of the
    ``groups`` blocks of K/groups outputs sees its own block of C/groups channels.
    """

    def infer_type(self, x, filters):
        """[N,K,H',W'], None where a size is not known."""
        check_images("conv2d", "input", x)
        check_filters("conv2d", filters, x.dtype)
        check_channels("conv2d", x.shape[1], filters, self.groups)
        height, width = self._counts("conv2d", x.shape[2:4], filters.shape[2:4])
        return x.with_shape((x.shape[0], filters.shape[0], height, width))

    def infer_shape(self, shapes, values):
        """(N, K, H', W') by ``output_size``."""
        (batch, _, height, width), (outputs, _, rows, columns) = shapes
        down = self._count(0, height, rows)
        return batch, outputs, down, self._count(1, width, columns)

    def reference(self, x, filters):
        """The sum over taps of a product of channels."""
        batch, outputs, *counts = self.infer_type(type_of(x), type_of(filters)).shape
        padded = pad(x, self.padding)
        weights = group_filters(filters, self.groups)
        y = np.zeros((batch, *weights.shape[:2], counts[0] * counts[1]), x.dtype)
        for r, s, window in self._taps(filters.shape[2:], counts):
            y += weights[..., r, s] @ group_images(padded[window], self.groups)
        return y.reshape(batch, outputs, *counts)

    def vjp(self, inputs, outputs, cotangents):
        """(D(dy, w), W(x, dy))."""
        (x, filters), (dy,) = inputs, cotangents
        return (
            self.backward_data(dy, filters, spatial(x)),
            self.backward_weights(x, dy, spatial(filters)),
        )

    def flops(self, x: Sequence[int], filters: Sequence[int]) -> int:
        """2 N K H' W' (C / groups) R S: a product and a sum for each term."""
        batch, outputs, height, width = self.infer_shape([tuple(x), tuple(filters)], [])
        return int(2 * batch * outputs * height * width * np.prod(filters[1:]))


@dataclass(frozen=True)
class Conv2DBackwardData(Convolution):
    """D(dy, w): the images' cotangent, <C(x, w), dy> = <x, D(dy, w)>.

    Inputs dy[N,K,H',W'], filters[K,C/groups,R,S] and one int64 scalar for each None
    of ``size``, the images' (height, width); output [N,C,H,W].
    """

    size: Size = (None, None)

    def infer_type(self, *inputs):
        """[N,C,H,W]."""
        op = "conv2d_backward_data"
        dy, filters, *sizes = inputs
        check_images(op, "output gradient", dy)
        check_filters(op, filters, dy.dtype)
        expect_sizes(op, sizes, self.size.count(None))
        join_dims(op, "filters and channels", filters.shape[0], dy.shape[1])
        check_divides(op, "output channels", filters.shape[0], self.groups)
        counts = self._counts(op, self.size, filters.shape[2:4])
        for count, got in zip(counts, dy.shape[2:], strict=True):
            join_dims(op, "windows and output gradient", count, got)
        channels = filters.shape[1]
        channels = None if channels is None else channels * self.groups
        return dy.with_shape((dy.shape[0], channels, *self.size))

    def infer_shape(self, shapes, values):
        """(N, C, H, W), the unknown of H and W from the values of the sizes."""
        size = fill_sizes(self.size, values[2:])
        return shapes[0][0], shapes[1][1] * self.groups, *size

    def reference(self, dy, filters, *sizes):
        """Each tap adds its product back to the elements it met."""
        height, width = (int(n) for n in fill_sizes(self.size, sizes))
        batch, _, *counts = dy.shape
        weights = group_filters(filters, self.groups).swapaxes(1, 2)
        grouped = group_images(dy, self.groups)
        channels = filters.shape[1] * self.groups
        shape = padded_shape((batch, channels), (height, width), self.padding)
        dx = np.zeros(shape, dy.dtype)
        for r, s, window in self._taps(filters.shape[2:], counts):
            term = weights[..., r, s] @ grouped
            dx[window] += term.reshape(batch, channels, *counts)
        return np.ascontiguousarray(crop(dx, self.padding))

    def vjp(self, inputs, outputs, cotangents):
        """With cotangent g: (C(g, w), W(g, dy)), nothing for the sizes."""
        (dy, filters, *sizes), (cotangent,) = inputs, cotangents
        weights = self.backward_weights(cotangent, dy, spatial(filters))
        return self.forward(cotangent, filters), weights, *[None] * len(sizes)


@dataclass(frozen=True)
class Conv2DBackwardWeights(Convolution):
    """W(x, dy): the filters' cotangent, <C(x, w), dy> = <w, W(x, dy)>.

    Inputs x[N,C,H,W], dy[N,K,H',W'] and one int64 scalar for each None of ``kernel``,
    the filters' (rows, columns); output [K,C/groups,R,S].
    """

    kernel: Size = (None, None)

    def infer_type(self, *inputs):
        """[K,C/groups,R,S]."""
        op = "conv2d_backward_weights"
        x, dy, *sizes = inputs
        check_images(op, "input", x)
        check_images(op, "output gradient", dy)
        expect_dtype(op, "output gradient", dy, x.dtype)
        expect_sizes(op, sizes, self.kernel.count(None))
        join_dims(op, "batches of input and output gradient", x.shape[0], dy.shape[0])
        check_divides(op, "channels", x.shape[1], self.groups)
        check_divides(op, "output channels", dy.shape[1], self.groups)
        counts = self._counts(op, x.shape[2:4], self.kernel)
        for count, got in zip(counts, dy.shape[2:], strict=True):
            join_dims(op, "windows and output gradient", count, got)
        channels = None if x.shape[1] is None else x.shape[1] // self.groups
        return x.with_shape((dy.shape[1], channels, *self.kernel))

    def infer_shape(self, shapes, values):
        """(K, C / groups, R, S), the unknown of R and S from the sizes' values."""
        kernel = fill_sizes(self.kernel, values[2:])
        return shapes[1][1], shapes[0][1] // self.groups, *kernel

    def reference(self, x, dy, *sizes):
        """At each tap, the product of dy with the elements the tap met."""
        rows, columns = (int(n) for n in fill_sizes(self.kernel, sizes))
        outputs, counts = dy.shape[1], dy.shape[2:]
        channels = x.shape[1] // self.groups
        padded = pad(x, self.padding)
        grouped = group_images(dy, self.groups)
        dw = np.zeros((outputs, channels, rows, columns), x.dtype)
        for r, s, window in self._taps((rows, columns), counts):
            images = group_images(padded[window], self.groups)
            product = (grouped @ images.swapaxes(2, 3)).sum(axis=0)
            dw[..., r, s] = product.reshape(outputs, channels)
        return dw

    def vjp(self, inputs, outputs, cotangents):
        """With cotangent g: (D(dy, g), C(x, g)), nothing for the sizes."""
        (x, dy, *sizes), (cotangent,) = inputs, cotangents
        data = self.backward_data(dy, cotangent, spatial(x))
        return data, self.forward(x, cotangent), *[None] * len(sizes)


def spatial(images: Variable) -> SizeLike:
    """The (height, width) of images: ints where known, else variables."""
    return shape(images)[2:]


def type_of(array: Array) -> TensorType:
    """The type of a value, every dimension known."""
    return TensorType(array.dtype.name, array.shape)
