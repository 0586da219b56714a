"""Equations of matrices: solve, inv, cholesky, det, and their derivatives.

Matrices are the last two dimensions, in batches of any shape before them. Gradients
are those of M. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), section 2, and of I. Murray, "Differentiation of
the Cholesky decomposition" (2016), section 3; Phi(X) below is the lower triangle of X
with its diagonal halved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.graph import GraphError, Op, TensorType, Variable, argument_lines
from symgraph.ops.arguments import TensorLike, promoted
from symgraph.ops.broadcasting import broadcast_batches
from symgraph.ops.creation import eye, tril, triu
from symgraph.ops.reshaping import expand_dims, squeeze, swapaxes
from symgraph.ops.shape import broadcast_to, dim, shape
from symgraph.ops.square_matrices import (
    across,
    each,
    equations,
    factor,
    half_lower,
    square,
)


@dataclass(frozen=True)
class Cholesky(Op):
    """L with a = L L^T, lower triangular; of a[..., n, n] the lower triangle is read.

    Where a is not positive definite, a ``LinAlgError`` when the function runs.
    """

    def infer_type(self, a: TensorType) -> TensorType:
        """The type of a."""
        return square("cholesky", a)

    def reference(self, a):
        """``np.linalg.cholesky``, matrix by matrix."""
        return each("cholesky: matrix {} of {} is not positive definite", factor, a)

    def vjp(self, inputs, outputs, cotangents):
        """da = Phi(S + S^T), S = L^-T Phi(L^T dL) L^-1."""
        turned, upper = swapaxes(outputs[0], -1, -2), TriangularSolve(lower=False)
        inner = upper(turned, half_lower(turned @ cotangents[0]))
        s = swapaxes(upper(turned, swapaxes(inner, -1, -2)), -1, -2)
        return (half_lower(s + swapaxes(s, -1, -2)),)

    def flops(self, a: Sequence[int]) -> int:
        """n^3 / 3."""
        return a[-1] ** 3 // 3


@dataclass(frozen=True)
class TriangularSolve(Op):
    """x with t x = b, of t[..., n, n] the lower (or upper) triangle; b[..., n, m].

    A zero on the diagonal is a ``LinAlgError`` when the function runs.
    """

    lower: bool = True

    def infer_type(self, t: TensorType, b: TensorType) -> TensorType:
        """The type of b."""
        return equations("solve_triangular", t, b)

    def infer_shape(self, shapes, values):
        """The shape of b."""
        return tuple(shapes[1])

    def reference(self, t, b):
        """``np.linalg.solve``, of the triangle."""
        triangle = np.tril(t) if self.lower else np.triu(t)
        message = "solve_triangular: matrix {} of {} is singular"
        return each(message, np.linalg.solve, triangle, b)

    def vjp(self, inputs, outputs, cotangents):
        """db = t^-T dx,  dt = the triangle of -db x^T."""
        (t, _), (x,), (dx,) = inputs, outputs, cotangents
        db = TriangularSolve(not self.lower)(swapaxes(t, -1, -2), dx)
        dt = -(db @ swapaxes(x, -1, -2))
        return tril(dt) if self.lower else triu(dt), db


@dataclass(frozen=True)
class Solve(Op):
    """x with a x = b: a[..., n, n], b[..., n, m], by elimination with pivoting.

    Where a is singular, a ``LinAlgError`` when the function runs.
    """

    def infer_type(self, a: TensorType, b: TensorType) -> TensorType:
        """The type of b."""
        return equations("solve", a, b)

    def infer_shape(self, shapes, values):
        """The shape of b."""
        return tuple(shapes[1])

    def reference(self, a, b):
        """``np.linalg.solve``, matrix by matrix."""
        return each("solve: matrix {} of {} is singular", np.linalg.solve, a, b)

    def vjp(self, inputs, outputs, cotangents):
        """db = a^-T dx,  da = -db x^T."""
        (a, _), (x,), (dx,) = inputs, outputs, cotangents
        db = Solve()(swapaxes(a, -1, -2), dx)
        return -(db @ swapaxes(x, -1, -2)), db


class Determinant(Op):
    """What determinants share: a[..., n, n] -> [...]."""

    def infer_type(self, a: TensorType) -> Any:
        """One number for each matrix."""
        return square("det", a).with_shape(a.shape[:-2])

    def infer_shape(self, shapes, values):
        """The batch."""
        return tuple(shapes[0][:-2])


@dataclass(frozen=True)
class Det(Determinant):
    """The determinant of a[..., n, n]."""

    def reference(self, a):
        """``np.linalg.det``."""
        return np.asarray(np.linalg.det(a), a.dtype)

    def vjp(self, inputs, outputs, cotangents):
        """da = dd d a^-T, for what is not singular."""
        return (across(cotangents[0] * outputs[0]) * inverse_transposed(inputs[0]),)


@dataclass(frozen=True)
class SlogDet(Determinant):
    """(sign, log |det a|) of a[..., n, n]; (0, -inf) where a is singular."""

    def infer_type(self, a: TensorType) -> Any:
        """Two numbers for each matrix."""
        number = super().infer_type(a)
        return number, number

    def infer_shape(self, shapes, values):
        """Twice the batch."""
        batch = tuple(shapes[0][:-2])
        return batch, batch

    def reference(self, a):
        """``np.linalg.slogdet``."""
        return tuple(np.asarray(part, a.dtype) for part in np.linalg.slogdet(a))

    def vjp(self, inputs, outputs, cotangents):
        """da = dlog a^-T, for what is not singular."""
        if cotangents[1] is None:
            return (None,)
        return (across(cotangents[1]) * inverse_transposed(inputs[0]),)


def solve(a: TensorLike, b: TensorLike) -> Variable:
    """x with a x = b: a[..., n, n], b[..., n, m] or b[n]; batches broadcast.

    Raises ``np.linalg.LinAlgError`` where a is singular when the function runs.
    """
    return _solved("solve", Solve(), a, b)


def solve_triangular(a: TensorLike, b: TensorLike, lower: bool = False) -> Variable:
    """``solve`` for the upper triangle of a, or the lower one; the rest is not read."""
    return _solved("solve_triangular", TriangularSolve(lower), a, b)


def inv(a: TensorLike) -> Variable:
    """a^-1 of each matrix in a[..., n, n]; errors as those of ``solve``."""
    (a,) = _matrices("inv", a)
    return Solve()(a, _identity(a))


def cholesky(a: TensorLike) -> Variable:
    """The lower triangular L with a = L L^T, of each matrix in a[..., n, n].

    The lower triangle of a is read. Raises ``np.linalg.LinAlgError`` where a is not
    positive definite when the function runs.
    """
    return Cholesky()(*_matrices("cholesky", a))


def det(a: TensorLike) -> Variable:
    """The determinant of each matrix in a[..., n, n]."""
    return Det()(*_matrices("det", a))


def slogdet(a: TensorLike) -> tuple[Variable, Variable]:
    """(sign, log |det a|) of each matrix in a[..., n, n]: det a = sign exp(log)."""
    return SlogDet()(*_matrices("slogdet", a))


def inverse_transposed(a: Variable) -> Variable:
    """a^-T."""
    return Solve()(swapaxes(a, -1, -2), _identity(a))


def _identity(a: Variable) -> Variable:
    return broadcast_to(eye(dim(a, -1), dtype=a.dtype), shape(a))


def _matrices(name: str, *values: TensorLike) -> list[Variable]:
    found = promoted(name, values, floating=True)
    for x in found:
        if x.ndim < 2:
            raise GraphError(
                f"{name}: expected at least 2 dimensions, got {x.type}"
                f"\n{argument_lines(found)}"
            )
    return found


def _solved(name: str, op: Op, a: TensorLike, b: TensorLike) -> Variable:
    left, right = promoted(name, [a, b], floating=True)
    is_vector = right.ndim == 1
    pair = _matrices(name, left, expand_dims(right, 1) if is_vector else right)
    x = op(*broadcast_batches(name, pair, 2))
    return squeeze(x, -1) if is_vector else x
