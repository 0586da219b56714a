"""Expressions written with care for rounding and overflow."""

from __future__ import annotations

from symgraph.graph import Variable
from symgraph.ops.arguments import TensorLike, promoted
from symgraph.ops.arithmetic import abs
from symgraph.ops.comparison import eq, isfinite
from symgraph.ops.exponential import exp, log1p
from symgraph.ops.extrema import maximum
from symgraph.ops.logical import logical_and, logical_or
from symgraph.ops.selection import where
from symgraph.ops.statistics import all


def logaddexp(x: TensorLike, y: TensorLike) -> Variable:
    """log(e ** x + e ** y), without overflow."""
    left, right = promoted("logaddexp", [x, y], floating=True)
    apart = where(eq(left, right), 0.0, left - right)  # equal infinities too
    return maximum(left, right) + log1p(exp(-abs(apart)))


def isclose(
    x: TensorLike, y: TensorLike, rtol: float = 1e-5, atol: float = 1e-8
) -> Variable:
    """Whether |x - y| <= atol + rtol |y|, or both are the same infinity."""
    left, right = promoted("isclose", [x, y], floating=True)
    near = abs(left - right) <= atol + rtol * abs(right)
    return logical_or(eq(left, right), logical_and(near, isfinite(right)))


def allclose(
    x: TensorLike, y: TensorLike, rtol: float = 1e-5, atol: float = 1e-8
) -> Variable:
    """Whether all elements of x and y are close."""
    return all(isclose(x, y, rtol, atol))
