"""Functions of their own name: relu, sigmoid, softplus, the error function."""

from __future__ import annotations

from math import erf as scalar_erf
from math import erfc as scalar_erfc
from math import pi, sqrt
from typing import ClassVar

import numpy as np

from symgraph.graph import Variable
from symgraph.ops.arguments import TensorLike
from symgraph.ops.broadcasting import elementwise
from symgraph.ops.elementwise import Unary
from symgraph.ops.exponential import exp
from symgraph.ops.selection import where


class Relu(Unary):
    """y = max(x, 0); NaN where x is."""

    scalar: ClassVar[str] = "relu"
    domain: ClassVar[str] = "number"

    @staticmethod
    def compute(x):
        """``np.maximum(x, 0)``."""
        return np.maximum(x, x.dtype.type(0))

    def vjp(self, inputs, outputs, cotangents):
        """dx = dy where y > 0, else 0."""
        return (where(outputs[0] > 0, cotangents[0], 0.0),)


class Sigmoid(Unary):
    """y = 1 / (1 + e ** -x)."""

    scalar: ClassVar[str] = "sigmoid"

    @staticmethod
    def compute(x):
        """With e ** -|x|, which cannot overflow."""
        small = np.exp(-np.abs(x))
        return np.where(x >= 0, 1 / (1 + small), small / (1 + small)).astype(x.dtype)

    def slope(self, x, y):
        """y (1 - y)."""
        return y * (1.0 - y)


class Softplus(Unary):
    """y = log(1 + e ** x)."""

    scalar: ClassVar[str] = "softplus"

    @staticmethod
    def compute(x):
        """max(x, 0) + log(1 + e ** -|x|), which cannot overflow."""
        return np.maximum(x, x.dtype.type(0)) + np.log1p(np.exp(-np.abs(x)))

    def slope(self, x, y):
        """sigmoid(x)."""
        return sigmoid(x)


class Erf(Unary):
    """y = 2 / sqrt(pi) times the integral of e ** -t^2 from 0 to x."""

    scalar: ClassVar[str] = "erf"

    @staticmethod
    def compute(x):
        """``math.erf``, element by element."""
        return np.vectorize(scalar_erf, otypes=[x.dtype])(x)

    def slope(self, x, y):
        """2 / sqrt(pi) e ** -x^2."""
        return (2.0 / sqrt(pi)) * exp(-(x * x))


class Erfc(Unary):
    """y = 1 - erf(x), precise where that is small."""

    scalar: ClassVar[str] = "erfc"

    @staticmethod
    def compute(x):
        """``math.erfc``, element by element."""
        return np.vectorize(scalar_erfc, otypes=[x.dtype])(x)

    def slope(self, x, y):
        """-2 / sqrt(pi) e ** -x^2."""
        return (-2.0 / sqrt(pi)) * exp(-(x * x))


def relu(x: TensorLike) -> Variable:
    """max(x, 0)."""
    return elementwise(Relu(), x)


def sigmoid(x: TensorLike) -> Variable:
    """1 / (1 + e ** -x)."""
    return elementwise(Sigmoid(), x, floating=True)


def softplus(x: TensorLike) -> Variable:
    """log(1 + e ** x), without overflow."""
    return elementwise(Softplus(), x, floating=True)


def erf(x: TensorLike) -> Variable:
    """2 / sqrt(pi) times the integral of e ** -t^2 from 0 to x."""
    return elementwise(Erf(), x, floating=True)


def erfc(x: TensorLike) -> Variable:
    """1 - erf(x), precise where that is small."""
    return elementwise(Erfc(), x, floating=True)
