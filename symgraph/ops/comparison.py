"""Comparisons and the questions asked of floats; all answer bool."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from symgraph.graph import Variable
from symgraph.ops.arguments import TensorLike
from symgraph.ops.broadcasting import elementwise
from symgraph.ops.elementwise import Binary, Unary


class Comparison(Binary):
    """z = [x ? y], a bool that is false where x or y is NaN, but for ``Ne``."""

    domain: ClassVar[str] = "any"
    result: ClassVar[str | None] = "bool"

    def vjp(self, inputs, outputs, cotangents):
        """No derivative: a bool is constant almost everywhere."""
        return None, None


class Question(Unary):
    """y = [x is ...], a bool."""

    domain: ClassVar[str] = "number"
    result: ClassVar[str | None] = "bool"


class Eq(Comparison):
    """z = [x == y]."""

    scalar: ClassVar[str] = "eq"
    compute = staticmethod(np.equal)


class Ne(Comparison):
    """z = [x != y]."""

    scalar: ClassVar[str] = "ne"
    compute = staticmethod(np.not_equal)


class Lt(Comparison):
    """z = [x < y]."""

    scalar: ClassVar[str] = "lt"
    compute = staticmethod(np.less)


class Le(Comparison):
    """z = [x <= y]."""

    scalar: ClassVar[str] = "le"
    compute = staticmethod(np.less_equal)


class Gt(Comparison):
    """z = [x > y]."""

    scalar: ClassVar[str] = "gt"
    compute = staticmethod(np.greater)


class Ge(Comparison):
    """z = [x >= y]."""

    scalar: ClassVar[str] = "ge"
    compute = staticmethod(np.greater_equal)


class IsNan(Question):
    """y = [x is NaN]."""

    scalar: ClassVar[str] = "isnan"
    compute = staticmethod(np.isnan)


class IsInf(Question):
    """y = [x is inf or -inf]."""

    scalar: ClassVar[str] = "isinf"
    compute = staticmethod(np.isinf)


class IsFinite(Question):
    """y = [x is neither NaN nor infinite]."""

    scalar: ClassVar[str] = "isfinite"
    compute = staticmethod(np.isfinite)


def eq(x: TensorLike, y: TensorLike) -> Variable:
    """Whether x equals y."""
    return elementwise(Eq(), x, y)


def ne(x: TensorLike, y: TensorLike) -> Variable:
    """Whether x differs from y."""
    return elementwise(Ne(), x, y)


def lt(x: TensorLike, y: TensorLike) -> Variable:
    """Whether x is below y."""
    return elementwise(Lt(), x, y)


def le(x: TensorLike, y: TensorLike) -> Variable:
    """Whether x is at most y."""
    return elementwise(Le(), x, y)


def gt(x: TensorLike, y: TensorLike) -> Variable:
    """Whether x is above y."""
    return elementwise(Gt(), x, y)


def ge(x: TensorLike, y: TensorLike) -> Variable:
    """Whether x is at least y."""
    return elementwise(Ge(), x, y)


def isnan(x: TensorLike) -> Variable:
    """Whether x is NaN."""
    return elementwise(IsNan(), x)


def isinf(x: TensorLike) -> Variable:
    """Whether x is inf or -inf."""
    return elementwise(IsInf(), x)


def isfinite(x: TensorLike) -> Variable:
    """Whether x is neither NaN nor infinite."""
    return elementwise(IsFinite(), x)


# NumPy's longer names
equal = eq
not_equal = ne
less = lt
less_equal = le
greater = gt
greater_equal = ge
