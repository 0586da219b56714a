"""Roots, exponentials, logarithms."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from symgraph.graph import Variable
from symgraph.ops.arguments import TensorLike
from symgraph.ops.broadcasting import elementwise
from symgraph.ops.elementwise import Unary

LOG_2 = float(np.log(2.0))
LOG_10 = float(np.log(10.0))


class Sqrt(Unary):
    """y = sqrt(x)."""

    scalar: ClassVar[str] = "sqrt"
    compute = staticmethod(np.sqrt)

    def slope(self, x, y):
        """1 / (2 y)."""
        return 0.5 / y


class Exp(Unary):
    """y = e ** x."""

    scalar: ClassVar[str] = "exp"
    compute = staticmethod(np.exp)

    def slope(self, x, y):
        """y."""
        return y


class Exp2(Unary):
    """y = 2 ** x."""

    scalar: ClassVar[str] = "exp2"
    compute = staticmethod(np.exp2)

    def slope(self, x, y):
        """y log 2."""
        return y * LOG_2


class Expm1(Unary):
    """y = e ** x - 1, precise near 0."""

    scalar: ClassVar[str] = "expm1"
    compute = staticmethod(np.expm1)

    def slope(self, x, y):
        """y + 1."""
        return y + 1.0


class Log(Unary):
    """y = the natural logarithm of x."""

    scalar: ClassVar[str] = "log"
    compute = staticmethod(np.log)

    def slope(self, x, y):
        """1 / x."""
        return 1.0 / x


class Log2(Unary):
    """y = the logarithm of x to base 2."""

    scalar: ClassVar[str] = "log2"
    compute = staticmethod(np.log2)

    def slope(self, x, y):
        """1 / (x log 2)."""
        return (1.0 / LOG_2) / x


class Log10(Unary):
    """y = the logarithm of x to base 10."""

    scalar: ClassVar[str] = "log10"
    compute = staticmethod(np.log10)

    def slope(self, x, y):
        """1 / (x log 10)."""
        return (1.0 / LOG_10) / x


class Log1p(Unary):
    """y = log(1 + x), precise near 0."""

    scalar: ClassVar[str] = "log1p"
    compute = staticmethod(np.log1p)

    def slope(self, x, y):
        """1 / (1 + x)."""
        return 1.0 / (1.0 + x)


def sqrt(x: TensorLike) -> Variable:
    """The square root of x, NaN below 0."""
    return elementwise(Sqrt(), x, floating=True)


def exp(x: TensorLike) -> Variable:
    """e ** x."""
    return elementwise(Exp(), x, floating=True)


def exp2(x: TensorLike) -> Variable:
    """2 ** x."""
    return elementwise(Exp2(), x, floating=True)


def expm1(x: TensorLike) -> Variable:
    """e ** x - 1, precise near 0."""
    return elementwise(Expm1(), x, floating=True)


def log(x: TensorLike) -> Variable:
    """The natural logarithm, NaN below 0."""
    return elementwise(Log(), x, floating=True)


def log2(x: TensorLike) -> Variable:
    """The logarithm to base 2."""
    return elementwise(Log2(), x, floating=True)


def log10(x: TensorLike) -> Variable:
    """The logarithm to base 10."""
    return elementwise(Log10(), x, floating=True)


def log1p(x: TensorLike) -> Variable:
    """log(1 + x), precise near 0."""
    return elementwise(Log1p(), x, floating=True)
