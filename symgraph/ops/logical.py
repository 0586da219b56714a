"""Logic on truth values and on the bits of integers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from symgraph.graph import Variable
from symgraph.ops.arguments import TensorLike
from symgraph.ops.broadcasting import elementwise
from symgraph.ops.elementwise import Binary, Unary


class Logical(Binary):
    """z = a truth value of the truth of x and y; a number is true unless it is 0."""

    domain: ClassVar[str] = "any"
    result: ClassVar[str | None] = "bool"

    def vjp(self, inputs, outputs, cotangents):
        """No derivative: a bool is constant almost everywhere."""
        return None, None


class LogicalAnd(Logical):
    """z = [x and y]."""

    scalar: ClassVar[str] = "logical_and"
    compute = staticmethod(np.logical_and)


class LogicalOr(Logical):
    """z = [x or y]."""

    scalar: ClassVar[str] = "logical_or"
    compute = staticmethod(np.logical_or)


class LogicalXor(Logical):
    """z = [x is true or y is, not both]."""

    scalar: ClassVar[str] = "logical_xor"
    compute = staticmethod(np.logical_xor)


class LogicalNot(Unary):
    """y = [not x]."""

    scalar: ClassVar[str] = "logical_not"
    domain: ClassVar[str] = "any"
    result: ClassVar[str | None] = "bool"
    compute = staticmethod(np.logical_not)


class BitwiseAnd(Binary):
    """z = the bits set in both x and y."""

    scalar: ClassVar[str] = "bitwise_and"
    domain: ClassVar[str] = "bits"
    compute = staticmethod(np.bitwise_and)


class BitwiseOr(Binary):
    """z = the bits set in x or in y."""

    scalar: ClassVar[str] = "bitwise_or"
    domain: ClassVar[str] = "bits"
    compute = staticmethod(np.bitwise_or)


class BitwiseXor(Binary):
    """z = the bits set in just one of x and y."""

    scalar: ClassVar[str] = "bitwise_xor"
    domain: ClassVar[str] = "bits"
    compute = staticmethod(np.bitwise_xor)


class LeftShift(Binary):
    """z = x 2 ** y, bits shifted out being lost."""

    scalar: ClassVar[str] = "left_shift"
    domain: ClassVar[str] = "integer"
    compute = staticmethod(np.left_shift)


class RightShift(Binary):
    """z = floor(x / 2 ** y)."""

    scalar: ClassVar[str] = "right_shift"
    domain: ClassVar[str] = "integer"
    compute = staticmethod(np.right_shift)


class Invert(Unary):
    """y = the bits not set in x; of a bool, ``not``."""

    scalar: ClassVar[str] = "invert"
    domain: ClassVar[str] = "bits"
    compute = staticmethod(np.invert)


def logical_and(x: TensorLike, y: TensorLike) -> Variable:
    """Whether x and y are both true."""
    return elementwise(LogicalAnd(), x, y)


def logical_or(x: TensorLike, y: TensorLike) -> Variable:
    """Whether x or y is true."""
    return elementwise(LogicalOr(), x, y)


def logical_xor(x: TensorLike, y: TensorLike) -> Variable:
    """Whether just one of x and y is true."""
    return elementwise(LogicalXor(), x, y)


def logical_not(x: TensorLike) -> Variable:
    """Whether x is false."""
    return elementwise(LogicalNot(), x)


def bitwise_and(x: TensorLike, y: TensorLike) -> Variable:
    """The bits set in both x and y."""
    return elementwise(BitwiseAnd(), x, y)


def bitwise_or(x: TensorLike, y: TensorLike) -> Variable:
    """The bits set in x or in y."""
    return elementwise(BitwiseOr(), x, y)


def bitwise_xor(x: TensorLike, y: TensorLike) -> Variable:
    """The bits set in just one of x and y."""
    return elementwise(BitwiseXor(), x, y)


def left_shift(x: TensorLike, y: TensorLike) -> Variable:
    """The bits of x moved up by y."""
    return elementwise(LeftShift(), x, y)


def right_shift(x: TensorLike, y: TensorLike) -> Variable:
    """The bits of x moved down by y."""
    return elementwise(RightShift(), x, y)


def invert(x: TensorLike) -> Variable:
    """The bits not set in x; of a bool, ``not``."""
    return elementwise(Invert(), x)
