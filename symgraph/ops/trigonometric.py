"""Trigonometric and hyperbolic functions, angles in radians."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from symgraph.graph import Variable
from symgraph.ops.arguments import TensorLike
from symgraph.ops.broadcasting import elementwise
from symgraph.ops.elementwise import Binary, Unary
from symgraph.ops.exponential import sqrt


class Sin(Unary):
    """y = sin x."""

    scalar: ClassVar[str] = "sin"
    compute = staticmethod(np.sin)

    def slope(self, x, y):
        """cos x."""
        return cos(x)


class Cos(Unary):
    """y = cos x."""

    scalar: ClassVar[str] = "cos"
    compute = staticmethod(np.cos)

    def slope(self, x, y):
        """-sin x."""
        return -sin(x)


class Tan(Unary):
    """y = tan x."""

    scalar: ClassVar[str] = "tan"
    compute = staticmethod(np.tan)

    def slope(self, x, y):
        """1 + y y."""
        return 1.0 + y * y


class Arcsin(Unary):
    """y = the angle in [-pi/2, pi/2] whose sine is x."""

    scalar: ClassVar[str] = "asin"
    compute = staticmethod(np.arcsin)

    def slope(self, x, y):
        """1 / sqrt(1 - x x)."""
        return 1.0 / sqrt(1.0 - x * x)


class Arccos(Unary):
    """y = the angle in [0, pi] whose cosine is x."""

    scalar: ClassVar[str] = "acos"
    compute = staticmethod(np.arccos)

    def slope(self, x, y):
        """-1 / sqrt(1 - x x)."""
        return -1.0 / sqrt(1.0 - x * x)


class Arctan(Unary):
    """y = the angle in (-pi/2, pi/2) whose tangent is x."""

    scalar: ClassVar[str] = "atan"
    compute = staticmethod(np.arctan)

    def slope(self, x, y):
        """1 / (1 + x x)."""
        return 1.0 / (1.0 + x * x)


class Sinh(Unary):
    """y = (e ** x - e ** -x) / 2."""

    scalar: ClassVar[str] = "sinh"
    compute = staticmethod(np.sinh)

    def slope(self, x, y):
        """cosh x."""
        return cosh(x)


class Cosh(Unary):
    """y = (e ** x + e ** -x) / 2."""

    scalar: ClassVar[str] = "cosh"
    compute = staticmethod(np.cosh)

    def slope(self, x, y):
        """sinh x."""
        return sinh(x)


class Tanh(Unary):
    """y = sinh x / cosh x."""

    scalar: ClassVar[str] = "tanh"
    compute = staticmethod(np.tanh)

    def slope(self, x, y):
        """1 - y y."""
        return 1.0 - y * y


class Arcsinh(Unary):
    """y = the inverse hyperbolic sine of x."""

    scalar: ClassVar[str] = "asinh"
    compute = staticmethod(np.arcsinh)

    def slope(self, x, y):
        """1 / sqrt(x x + 1)."""
        return 1.0 / sqrt(x * x + 1.0)


class Arccosh(Unary):
    """y = the inverse hyperbolic cosine of x."""

    scalar: ClassVar[str] = "acosh"
    compute = staticmethod(np.arccosh)

    def slope(self, x, y):
        """1 / sqrt(x x - 1)."""
        return 1.0 / sqrt(x * x - 1.0)


class Arctanh(Unary):
    """y = the inverse hyperbolic tangent of x."""

    scalar: ClassVar[str] = "atanh"
    compute = staticmethod(np.arctanh)

    def slope(self, x, y):
        """1 / (1 - x x)."""
        return 1.0 / (1.0 - x * x)


class Arctan2(Binary):
    """z = the angle in (-pi, pi] of the point with ordinate y and abscissa x."""

    scalar: ClassVar[str] = "atan2"
    compute = staticmethod(np.arctan2)

    def vjp(self, inputs, outputs, cotangents):
        """dy = dz x / (x x + y y), dx = -dz y / (x x + y y)."""
        (y, x), (dz,) = inputs, cotangents
        scaled = dz / (x * x + y * y)
        return scaled * x, -(scaled * y)


def sin(x: TensorLike) -> Variable:
    """The sine of x."""
    return elementwise(Sin(), x, floating=True)


def cos(x: TensorLike) -> Variable:
    """The cosine of x."""
    return elementwise(Cos(), x, floating=True)


def tan(x: TensorLike) -> Variable:
    """The tangent of x."""
    return elementwise(Tan(), x, floating=True)


def arcsin(x: TensorLike) -> Variable:
    """The angle in [-pi/2, pi/2] whose sine is x."""
    return elementwise(Arcsin(), x, floating=True)


def arccos(x: TensorLike) -> Variable:
    """The angle in [0, pi] whose cosine is x."""
    return elementwise(Arccos(), x, floating=True)


def arctan(x: TensorLike) -> Variable:
    """The angle in (-pi/2, pi/2) whose tangent is x."""
    return elementwise(Arctan(), x, floating=True)


def sinh(x: TensorLike) -> Variable:
    """The hyperbolic sine of x."""
    return elementwise(Sinh(), x, floating=True)


def cosh(x: TensorLike) -> Variable:
    """The hyperbolic cosine of x."""
    return elementwise(Cosh(), x, floating=True)


def tanh(x: TensorLike) -> Variable:
    """The hyperbolic tangent of x."""
    return elementwise(Tanh(), x, floating=True)


def arcsinh(x: TensorLike) -> Variable:
    """The inverse hyperbolic sine of x."""
    return elementwise(Arcsinh(), x, floating=True)


def arccosh(x: TensorLike) -> Variable:
    """The inverse hyperbolic cosine of x."""
    return elementwise(Arccosh(), x, floating=True)


def arctanh(x: TensorLike) -> Variable:
    """The inverse hyperbolic tangent of x."""
    return elementwise(Arctanh(), x, floating=True)


def arctan2(y: TensorLike, x: TensorLike) -> Variable:
    """The angle in (-pi, pi] of the point (x, y)."""
    return elementwise(Arctan2(), y, x, floating=True)
