"""Arithmetic: sums, products, quotients, powers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from symgraph.graph import Variable
from symgraph.ops.arguments import TensorLike, promoted
from symgraph.ops.broadcasting import elementwise
from symgraph.ops.comparison import eq
from symgraph.ops.elementwise import Binary, Unary
from symgraph.ops.exponential import log
from symgraph.ops.rounding import floor, sign
from symgraph.ops.selection import where


class Add(Binary):
    """z = x + y; of bools, ``or``."""

    scalar: ClassVar[str] = "add"
    domain: ClassVar[str] = "any"
    compute = staticmethod(np.add)

    def vjp(self, inputs, outputs, cotangents):
        """dx = dy = dz."""
        (dz,) = cotangents
        return dz, dz


class Sub(Binary):
    """z = x - y."""

    scalar: ClassVar[str] = "sub"
    domain: ClassVar[str] = "number"
    compute = staticmethod(np.subtract)

    def vjp(self, inputs, outputs, cotangents):
        """dx = dz, dy = -dz."""
        (dz,) = cotangents
        return dz, -dz


class Mul(Binary):
    """z = x y; of bools, ``and``."""

    scalar: ClassVar[str] = "mul"
    domain: ClassVar[str] = "any"
    compute = staticmethod(np.multiply)

    def vjp(self, inputs, outputs, cotangents):
        """dx = dz y, dy = dz x."""
        (x, y), (dz,) = inputs, cotangents
        return dz * y, dz * x


class Div(Binary):
    """z = x / y."""

    scalar: ClassVar[str] = "div"
    compute = staticmethod(np.true_divide)

    def vjp(self, inputs, outputs, cotangents):
        """dx = dz / y, dy = -dz z / y."""
        (_, y), (z,), (dz,) = inputs, outputs, cotangents
        dx = dz / y
        return dx, -(dx * z)


class FloorDiv(Binary):
    """z = floor(x / y); integers divided by zero give 0."""

    scalar: ClassVar[str] = "floordiv"
    domain: ClassVar[str] = "number"
    compute = staticmethod(np.floor_divide)

    def vjp(self, inputs, outputs, cotangents):
        """Constant almost everywhere."""
        return None, None


class Mod(Binary):
    """z = x - y floor(x / y), of the sign of y; integers modulo zero give 0."""

    scalar: ClassVar[str] = "mod"
    domain: ClassVar[str] = "number"
    compute = staticmethod(np.remainder)

    def vjp(self, inputs, outputs, cotangents):
        """dx = dz, dy = -dz floor(x / y)."""
        (x, y), (dz,) = inputs, cotangents
        return dz, -dz * floor(x / y)


class Pow(Binary):
    """z = x ** y; 0 ** 0 is 1."""

    scalar: ClassVar[str] = "pow"
    domain: ClassVar[str] = "number"

    @staticmethod
    def compute(x, y):
        """``np.power``; an integer to a negative power is 0."""
        if x.dtype.kind != "i":
            return np.power(x, y)
        return np.where(y < 0, x.dtype.type(0), np.power(x, np.maximum(y, 0)))

    def vjp(self, inputs, outputs, cotangents):
        """dx = dz y x ** (y - 1), dy = dz z log x, 0 where y or x is 0."""
        (x, y), (z,), (dz,) = inputs, outputs, cotangents
        lower = x ** where(eq(y, 0.0), 1.0, y - 1.0)
        logarithm = log(where(eq(x, 0.0), 1.0, x))
        return dz * y * lower, dz * z * logarithm


class Neg(Unary):
    """y = -x."""

    scalar: ClassVar[str] = "neg"
    domain: ClassVar[str] = "number"
    compute = staticmethod(np.negative)

    def vjp(self, inputs, outputs, cotangents):
        """dx = -dy."""
        return (-cotangents[0],)


class Abs(Unary):
    """y = |x|."""

    scalar: ClassVar[str] = "abs"
    domain: ClassVar[str] = "number"
    compute = staticmethod(np.abs)

    def slope(self, x, y):
        """sign(x), 0 at 0."""
        return sign(x)


class Square(Unary):
    """y = x x."""

    scalar: ClassVar[str] = "square"
    domain: ClassVar[str] = "number"
    compute = staticmethod(np.square)

    def slope(self, x, y):
        """2 x."""
        return 2.0 * x


class Reciprocal(Unary):
    """y = 1 / x."""

    scalar: ClassVar[str] = "reciprocal"
    compute = staticmethod(np.reciprocal)

    def slope(self, x, y):
        """-y y."""
        return -(y * y)


def add(x: TensorLike, y: TensorLike) -> Variable:
    """x + y."""
    return elementwise(Add(), x, y)


def sub(x: TensorLike, y: TensorLike) -> Variable:
    """x - y."""
    return elementwise(Sub(), x, y)


def mul(x: TensorLike, y: TensorLike) -> Variable:
    """x y."""
    return elementwise(Mul(), x, y)


def true_div(x: TensorLike, y: TensorLike) -> Variable:
    """x / y; of integers, a ``floatX``."""
    return elementwise(Div(), x, y, floating=True)


def floor_div(x: TensorLike, y: TensorLike) -> Variable:
    """floor(x / y)."""
    return elementwise(FloorDiv(), x, y)


def mod(x: TensorLike, y: TensorLike) -> Variable:
    """The remainder of x / y, with the sign of y."""
    return elementwise(Mod(), x, y)


def pow(x: TensorLike, y: TensorLike) -> Variable:
    """x ** y; a square where y is the Python number 2."""
    if isinstance(y, (int, float)) and y == 2:
        return square(promoted("pow", [x, y])[0])
    return elementwise(Pow(), x, y)


def neg(x: TensorLike) -> Variable:
    """-x."""
    return elementwise(Neg(), x)


def abs(x: TensorLike) -> Variable:
    """|x|."""
    return elementwise(Abs(), x)


def square(x: TensorLike) -> Variable:
    """x x."""
    return elementwise(Square(), x)


def reciprocal(x: TensorLike) -> Variable:
    """1 / x."""
    return elementwise(Reciprocal(), x, floating=True)


# NumPy's longer names
subtract = sub
multiply = mul
divide = true_divide = true_div
floor_divide = floor_div
remainder = mod
power = pow
negative = neg
absolute = abs
