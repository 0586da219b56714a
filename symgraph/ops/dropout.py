"""Dropout: during training a random part of a tensor is zero, the rest scaled up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symgraph.graph import GraphError, Op, Variable
from symgraph.ops.arguments import TensorLike, promoted
from symgraph.ops.checks import (
    expect_dtype,
    expect_float,
    join_shapes,
    normalize_axes,
)
from symgraph.ops.random import RandomStream
from symgraph.ops.selection import where
from symgraph.ops.shape import broadcast_to, shape


@dataclass(frozen=True)
class Dropout(Op):
    """y = x / (1 - rate) where mask, 0 elsewhere (Srivastava et al. 2014, inverted).

    Inputs x and a bool mask of its shape, true for what is kept. Linear in x and its
    own adjoint, so the gradient uses the very mask of the forward pass. At inference
    ``to_inference`` replaces it by x.
    """

    rate: float

    def infer_type(self, x, mask):
        """The type of x."""
        expect_float("dropout", "input", x)
        expect_dtype("dropout", "mask", mask, "bool")
        return x.with_shape(join_shapes("dropout", "mask", x.shape, mask))

    def reference(self, x, mask):
        """x scaled where the mask holds, else zero."""
        return np.where(mask, x * x.dtype.type(self._scale), x.dtype.type(0))

    def vjp(self, inputs, outputs, cotangents):
        """The same part of the cotangent, scaled by the same factor."""
        return self(cotangents[0], inputs[1]), None

    def expand(self, x, mask):
        """The definition, by ``where``."""
        return where(mask, x * self._scale, 0.0)

    @property
    def _scale(self) -> float:
        return 1.0 / (1.0 - self.rate)


def dropout(
    x: TensorLike,
    rate: float,
    stream: RandomStream,
    shared_axes: int | Sequence[int] = (),
) -> Variable:
    """x with each element zeroed with probability ``rate``, the others / (1 - rate).

    The expectation is x. One decision is shared along ``shared_axes``: (2, 3) drops
    whole channels of images. The mask is a draw of ``stream``, a new one each call.
    """
    if not 0 <= rate < 1:
        raise GraphError(f"dropout: rate must be in [0, 1), got {rate}")
    x = promoted("dropout", [x], floating=True)[0]
    if rate == 0:
        return x
    shared = normalize_axes("dropout", shared_axes, x.ndim)
    sizes = shape(x)
    drawn = tuple(1 if axis in shared else size for axis, size in enumerate(sizes))
    mask = stream.bernoulli(drawn, 1 - rate)
    return Dropout(float(rate))(x, broadcast_to(mask, sizes) if shared else mask)
