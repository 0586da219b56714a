"""Rounding, and the sign."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from symgraph.graph import Variable, is_float
from symgraph.ops.arguments import TensorLike, as_variable
from symgraph.ops.broadcasting import elementwise
from symgraph.ops.elementwise import Unary


class Floor(Unary):
    """y = the largest integer not above x."""

    scalar: ClassVar[str] = "floor"
    compute = staticmethod(np.floor)


class Ceil(Unary):
    """y = the smallest integer not below x."""

    scalar: ClassVar[str] = "ceil"
    compute = staticmethod(np.ceil)


class Trunc(Unary):
    """y = x rounded toward 0."""

    scalar: ClassVar[str] = "trunc"
    compute = staticmethod(np.trunc)


class Round(Unary):
    """y = the nearest integer, of two equally near the even one."""

    scalar: ClassVar[str] = "round"
    compute = staticmethod(np.rint)


class Sign(Unary):
    """y = -1, 0 or 1 as x is below, at or above 0; NaN where x is."""

    scalar: ClassVar[str] = "sign"
    domain: ClassVar[str] = "number"
    compute = staticmethod(np.sign)


def floor(x: TensorLike) -> Variable:
    """The largest integer not above x."""
    return _rounded(Floor(), x)


def ceil(x: TensorLike) -> Variable:
    """The smallest integer not below x."""
    return _rounded(Ceil(), x)


def trunc(x: TensorLike) -> Variable:
    """x rounded toward 0."""
    return _rounded(Trunc(), x)


def round(x: TensorLike) -> Variable:
    """The nearest integer; of two equally near, the even one."""
    return _rounded(Round(), x)


def sign(x: TensorLike) -> Variable:
    """-1, 0 or 1 as x is below, at or above 0."""
    return elementwise(Sign(), x)


def _rounded(op: Unary, x: TensorLike) -> Variable:
    variable = as_variable(x)
    return op(variable) if is_float(variable.dtype) else variable
