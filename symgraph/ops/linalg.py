"""Products of matrices and vectors; ``solving.py`` has what undoes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from symgraph.graph import (
    GraphError,
    Op,
    TensorType,
    TypeMismatch,
    Variable,
    argument_lines,
    is_bool,
)
from symgraph.ops.arguments import TensorLike, as_variable, promoted
from symgraph.ops.broadcasting import broadcast_batches
from symgraph.ops.checks import join_dims, normalize_axes
from symgraph.ops.reshaping import (
    expand_dims,
    product,
    reshape,
    squeeze,
    swapaxes,
    transpose,
)
from symgraph.ops.shape import shape
from symgraph.ops.solving import (
    cholesky,
    det,
    inv,
    slogdet,
    solve,
    solve_triangular,
)
from symgraph.ops.statistics import norm

__all__ = [
    "MatMul",
    "cholesky",
    "det",
    "dot",
    "inv",
    "matmul",
    "norm",
    "outer",
    "slogdet",
    "solve",
    "solve_triangular",
    "tensordot",
    "vdot",
]


@dataclass(frozen=True)
class MatMul(Op):
    """c[..., i, j] = sum over l of a[..., i, l] b[..., l, j].

    a[..., m, k] and b[..., k, n] have the same leading dimensions, if any.
    """

    def infer_type(self, a: TensorType, b: TensorType) -> TensorType:
        """[..., m, n]."""
        if a.dtype != b.dtype or is_bool(a.dtype):
            raise TypeMismatch(
                f"matmul: expected numbers of one dtype, got {a.dtype} and {b.dtype}"
            )
        if a.ndim != b.ndim or a.ndim < 2:
            raise GraphError(
                f"matmul: expected two matrices or two equal batches, got {a} and {b}"
            )
        *batch_a, m, k = a.shape
        *batch_b, rows, n = b.shape
        join_dims("matmul", f"{a} @ {b}: columns and rows", k, rows)
        batch = [
            join_dims("matmul", f"{a} @ {b}: batch", x, y)
            for x, y in zip(batch_a, batch_b, strict=True)
        ]
        return a.with_shape((*batch, m, n))

    def infer_shape(self, shapes, values):
        """[..., m, n]."""
        return (*shapes[0][:-1], shapes[1][-1])

    def reference(self, a, b):
        """``np.matmul``."""
        if a.shape[:-2] != b.shape[:-2]:
            raise GraphError(f"matmul: batches {a.shape} and {b.shape} differ")
        return np.matmul(a, b)

    def vjp(self, inputs, outputs, cotangents):
        """da = dc b^T, db = a^T dc."""
        (a, b), (dc,) = inputs, cotangents
        return MatMul()(dc, swapaxes(b, -1, -2)), MatMul()(swapaxes(a, -1, -2), dc)

    def flops(self, a: Sequence[int], b: Sequence[int]) -> int:
        """2 m k n for each batch: a product and a sum for each term."""
        return 2 * prod(a) * b[-1]


def matmul(a: TensorLike, b: TensorLike) -> Variable:
    """a @ b: vectors count as one row or column, leading dimensions broadcast."""
    left, right = promoted("matmul", [a, b])
    if 0 in (left.ndim, right.ndim):
        raise GraphError(
            f"matmul: expected at least 1 dimension, got {left.type} and {right.type}"
            f"\n{argument_lines([left, right])}"
        )
    if left.ndim > 2 and right.ndim <= 2:
        return tensordot(left, right, [[-1], [0]])
    row, column = left.ndim == 1, right.ndim == 1
    first = expand_dims(left, 0) if row else left
    second = expand_dims(right, 1) if column else right
    result = MatMul()(*broadcast_batches("matmul", [first, second], 2))
    gone = [axis for axis, is_gone in ((-2, row), (-1, column)) if is_gone]
    return squeeze(result, gone) if gone else result


def dot(a: TensorLike, b: TensorLike) -> Variable:
    """The product over the last axis of ``a`` and the last but one of ``b``.

    A scalar multiplies; two vectors give their inner product.
    """
    left, right = as_variable(a), as_variable(b)
    if 0 in (left.ndim, right.ndim):
        return left * right
    if right.ndim == 1:
        return tensordot(left, right, 1)
    return tensordot(left, right, [[-1], [-2]])


def tensordot(
    a: TensorLike, b: TensorLike, axes: int | Sequence[int | Sequence[int]] = 2
) -> Variable:
    """The product over pairs of axes: the last of ``a`` with the first of ``b``.

    ``axes`` is their number, or the axes of ``a`` and those of ``b``.
    """
    left, right = promoted("tensordot", [a, b])
    over_a, over_b = _contracted(left, right, axes)
    rows = [axis for axis in range(left.ndim) if axis not in over_a]
    columns = [axis for axis in range(right.ndim) if axis not in over_b]
    kept = [shape(left)[axis] for axis in rows]
    kept_b = [shape(right)[axis] for axis in columns]
    inner = product([shape(left)[axis] for axis in over_a])
    first = reshape(transpose(left, [*rows, *over_a]), [product(kept), inner])
    inner_b = product([shape(right)[axis] for axis in over_b])
    second = reshape(transpose(right, [*over_b, *columns]), [inner_b, product(kept_b)])
    return reshape(MatMul()(first, second), [*kept, *kept_b])


def outer(a: TensorLike, b: TensorLike) -> Variable:
    """a_i b_j, of the flattened a and b."""
    left, right = (reshape(v, (-1,)) for v in promoted("outer", [a, b]))
    return expand_dims(left, 1) * right


def vdot(a: TensorLike, b: TensorLike) -> Variable:
    """The inner product of the flattened a and b."""
    left, right = (reshape(v, (-1,)) for v in promoted("vdot", [a, b]))
    return matmul(left, right)


def _contracted(
    a: Variable, b: Variable, axes: int | Sequence[int | Sequence[int]]
) -> tuple[list[int], list[int]]:
    if isinstance(axes, int):
        over_a, over_b = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        over_a, over_b = (
            [part] if isinstance(part, int) else list(part) for part in axes
        )
    normalize_axes("tensordot", over_a, a.ndim)
    normalize_axes("tensordot", over_b, b.ndim)
    over_a, over_b = [i % a.ndim for i in over_a], [i % b.ndim for i in over_b]
    if len(over_a) != len(over_b):
        raise GraphError(f"tensordot: axes {over_a} and {over_b} are not pairs")
    for i, j in zip(over_a, over_b, strict=True):
        join_dims("tensordot", f"axes {i} and {j}", a.type.shape[i], b.type.shape[j])
    return over_a, over_b
