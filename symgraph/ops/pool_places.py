"""Max-pooling that keeps where each maximum was, and what is done with that.

``places`` is one uint8 a window: the number of its first maximum, its elements counted
in row-major order. It takes the place of the image when the gradient is computed, so
that the image need not be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from symgraph.graph import GraphError, TensorType
from symgraph.ops.arguments import fill_sizes, split_sizes
from symgraph.ops.checks import (
    expect_dtype,
    expect_float,
    expect_ndim,
    expect_sizes,
    join_dims,
    join_shapes,
)
from symgraph.ops.conv import Size, spatial
from symgraph.ops.pool import MaxPool2D, Pooling, gathered, scattered, sources

PLACES = "uint8"
MOST_ELEMENTS = 256  # of a window, so that a byte holds each number


class MaxPool2DWithPlaces(Pooling):
    """y = max-pool of x, and the place of the first maximum of each window.

    x[N,C,H,W]; outputs y and places, both [N,C,H',W'].
    """

    def infer_type(self, x):
        """The type of the pooled image, and that of as many bytes."""
        op = "max_pool2d_with_places"
        expect_float(op, "input", x)
        if self.window[0] * self.window[1] > MOST_ELEMENTS:
            raise GraphError(
                f"{op}: a window has at most {MOST_ELEMENTS} elements, "
                f"got {self.window}"
            )
        y = self._pooled(op, x)
        return y, TensorType(PLACES, y.shape)

    def infer_shape(self, shapes, values):
        """(N, C, H', W'), twice."""
        batch, channels, *size = shapes[0]
        pooled = batch, channels, *self._counts(size)
        return pooled, pooled

    def reference(self, x):
        """Max-pooling, then a search for the maximum."""
        y = MaxPool2D(self.window, self.stride, self.padding).reference(x)
        return y, sources(self, x, y).astype(PLACES)

    def vjp(self, inputs, outputs, cotangents):
        """Each cotangent goes to the first maximum of its window."""
        if cotangents[0] is None:
            return (None,)
        static, sizes = split_sizes(spatial(inputs[0]))
        scatter = MaxPool2DScatter(self.window, self.stride, self.padding, static)
        return (scatter(outputs[1], cotangents[0], *sizes),)


@dataclass(frozen=True)
class MaxPool2DScatter(Pooling):
    """dx = sum over windows of dy at the window's place.

    Inputs places and dy, both [N,C,H',W'], and one int64 scalar for each None of
    ``size``, the images' (height, width); output [N,C,H,W].
    """

    size: Size = (None, None)

    def infer_type(self, places, dy, *sizes):
        """[N,C,H,W]."""
        op = "max_pool2d_scatter"
        expect_float(op, "output gradient", dy)
        expect_dtype(op, "places", places, PLACES)
        expect_sizes(op, sizes, self.size.count(None))
        expect_ndim(op, "output gradient", dy, 4)
        shape = join_shapes(op, "places", dy.shape, places)
        images = dy.with_shape((*shape[:2], *self.size))
        for ours, given in zip(self._pooled(op, images).shape, shape, strict=True):
            join_dims(op, "windows and output gradient", ours, given)
        return images

    def infer_shape(self, shapes, values):
        """(N, C, H, W), the unknown of H and W from the values of the sizes."""
        return *shapes[1][:2], *fill_sizes(self.size, values[2:])

    def reference(self, places, dy, *sizes):
        """At each tap, what it adds to the elements that are their window's place."""
        size = [int(n) for n in fill_sizes(self.size, sizes)]
        return scattered(self, places, dy, (size[0], size[1]))

    def vjp(self, inputs, outputs, cotangents):
        """With cotangent g: g gathered at the places for dy, nothing for the rest."""
        gather = MaxPool2DGather(self.window, self.stride, self.padding)
        dy = gather(inputs[0], cotangents[0])
        return None, dy, *[None] * (len(inputs) - 2)


class MaxPool2DGather(Pooling):
    """y[window] = x at the window's place: the adjoint of ``MaxPool2DScatter``.

    Inputs places [N,C,H',W'] and x [N,C,H,W]; output like places, of x's dtype.
    """

    def infer_type(self, places, x):
        """The shape of places with the dtype of x."""
        op = "max_pool2d_gather"
        expect_float(op, "input", x)
        expect_dtype(op, "places", places, PLACES)
        shape = self._pooled(op, x).shape
        return x.with_shape(join_shapes(op, "places", shape, places))

    def infer_shape(self, shapes, values):
        """The shape of places."""
        return tuple(shapes[0])

    def reference(self, places, x):
        """At each tap, x where that tap is the window's place."""
        return gathered(self, places, x)

    def vjp(self, inputs, outputs, cotangents):
        """With cotangent g: g scattered to the places."""
        static, sizes = split_sizes(spatial(inputs[1]))
        scatter = MaxPool2DScatter(self.window, self.stride, self.padding, static)
        return None, scatter(inputs[0], cotangents[0], *sizes)
