"""Activations that are expressions of simpler functions."""

from __future__ import annotations

from math import pi, sqrt

from symgraph.graph import Variable
from symgraph.ops.arguments import TensorLike, as_variable
from symgraph.ops.arithmetic import abs
from symgraph.ops.exponential import expm1
from symgraph.ops.extrema import clip, minimum
from symgraph.ops.selection import where
from symgraph.ops.special import erfc, sigmoid, softplus
from symgraph.ops.trigonometric import tanh


def leaky_relu(x: TensorLike, negative_slope: float = 0.01) -> Variable:
    """x where x > 0, else negative_slope x (Maas et al. 2013)."""
    x = as_variable(x)
    return where(x > 0, x, negative_slope * x)


def relu6(x: TensorLike) -> Variable:
    """min(max(x, 0), 6) (Howard et al. 2017)."""
    return clip(x, 0.0, 6.0)


def elu(x: TensorLike, alpha: float = 1.0) -> Variable:
    """x where x > 0, else alpha (e ** x - 1) (Clevert et al. 2015, eq. 15)."""
    x = as_variable(x)
    return where(x > 0, x, alpha * expm1(minimum(x, 0.0)))


def silu(x: TensorLike) -> Variable:
    """x sigmoid(x) (Elfwing et al. 2017; also called swish)."""
    x = as_variable(x)
    return x * sigmoid(x)


def gelu(x: TensorLike, approximate: bool = False) -> Variable:
    """x times the standard normal's distribution at x (Hendrycks & Gimpel 2016).

    ``approximate`` is their x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
    """
    x = as_variable(x)
    if approximate:
        return 0.5 * x * (1.0 + tanh(sqrt(2.0 / pi) * (x + 0.044715 * x * x * x)))
    return 0.5 * x * erfc(-x / sqrt(2.0))


def selu(x: TensorLike) -> Variable:
    """scale elu(x, alpha), the constants of Klambauer et al. 2017, eq. 2."""
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * elu(x, alpha)


def mish(x: TensorLike) -> Variable:
    """x tanh(softplus(x)) (Misra 2019)."""
    x = as_variable(x)
    return x * tanh(softplus(x))


def softsign(x: TensorLike) -> Variable:
    """x / (1 + |x|)."""
    x = as_variable(x)
    return x / (1.0 + abs(x))


def hard_sigmoid(x: TensorLike) -> Variable:
    """min(max(x / 6 + 1/2, 0), 1)."""
    return clip(as_variable(x) / 6.0 + 0.5, 0.0, 1.0)


def log_sigmoid(x: TensorLike) -> Variable:
    """log(sigmoid(x)), without overflow."""
    return -softplus(-as_variable(x))
