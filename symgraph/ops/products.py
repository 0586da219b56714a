"""Products that leave one factor out: the derivative of a product, zeros included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symgraph.graph import GraphError, Op, TensorType, TypeMismatch, Variable, is_bool
from symgraph.ops.comparison import eq
from symgraph.ops.creation import arange
from symgraph.ops.reshaping import expand_dims, product, reshape, transpose
from symgraph.ops.selection import where
from symgraph.ops.shape import dim, shape


@dataclass(frozen=True)
class ProductOfOthers(Op):
    """y[..., i] = product over j != i of x[..., j], along the last axis."""

    def infer_type(self, x: TensorType) -> TensorType:
        """The type of x."""
        if x.ndim == 0 or is_bool(x.dtype):
            error = GraphError if x.ndim == 0 else TypeMismatch
            raise error(f"{self}: expected numbers in at least 1 dimension, got {x}")
        return x

    def reference(self, x):
        """The product of what comes before times that of what comes after."""
        before, after = np.ones_like(x), np.ones_like(x)
        np.cumprod(x[..., :-1], axis=-1, out=before[..., 1:], dtype=x.dtype)
        backward = x[..., :0:-1]
        after[..., :-1] = np.cumprod(backward, axis=-1, dtype=x.dtype)[..., ::-1]
        return before * after

    def vjp(self, inputs, outputs, cotangents):
        """dx_k = sum over i != k of dy_i times the product over j != i, k of x_j.

        Row i of the matrix below is x with its i-th factor made 1, so the inner
        product is again one of others. It takes n times the memory of x.
        """
        (x,), (dy,) = inputs, cotangents
        index = arange(dim(x, x.ndim - 1))
        diagonal = eq(expand_dims(index, 1), index)
        rows = where(diagonal, 1.0, expand_dims(x, x.ndim - 1))
        pairs = where(diagonal, 0.0, ProductOfOthers()(rows))
        return ((expand_dims(dy, x.ndim) * pairs).sum(axis=-2),)


def product_of_others(x: Variable, axes: tuple[int, ...]) -> Variable:
    """For each element of ``x`` the product of all others along ``axes``."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    order = [*kept, *axes]
    sizes = shape(x)
    outer, inner = [sizes[axis] for axis in kept], [sizes[axis] for axis in axes]
    rows = reshape(transpose(x, order), [*outer, product(inner)])
    others = reshape(ProductOfOthers()(rows), [*outer, *inner])
    return transpose(others, [order.index(axis) for axis in range(x.ndim)])
