"""Softmax and its logarithm, both computed from x - max(x) so that exp is finite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symgraph.graph import Op, Variable
from symgraph.ops.arguments import TensorLike, promoted
from symgraph.ops.checks import check_axis, expect_float
from symgraph.ops.exponential import exp
from symgraph.ops.windows import Array


@dataclass(frozen=True)
class Softmax(Op):
    """softmax(x)_i = exp(x_i) / sum_j exp(x_j), along ``axis``."""

    axis: int = -1

    def infer_type(self, x):
        """The type of x."""
        expect_float("softmax", "input", x)
        check_axis("softmax", self.axis, x.ndim)
        return x

    def reference(self, x):
        """exp(x - max) over its sum."""
        with np.errstate(all="ignore"):
            powers = np.exp(_shifted(x, self.axis))
            return powers / powers.sum(axis=self.axis, keepdims=True)

    def vjp(self, inputs, outputs, cotangents):
        """y (dy - sum_j dy_j y_j)."""
        (y,), (dy,) = outputs, cotangents
        return (y * (dy - (dy * y).sum(axis=self.axis, keepdims=True)),)


@dataclass(frozen=True)
class LogSoftmax(Op):
    """log_softmax(x)_i = x_i - log sum_j exp(x_j), along ``axis``."""

    axis: int = -1

    def infer_type(self, x):
        """The type of x."""
        expect_float("log_softmax", "input", x)
        check_axis("log_softmax", self.axis, x.ndim)
        return x

    def reference(self, x):
        """z - log sum exp z, where z = x - max."""
        with np.errstate(all="ignore"):
            shifted = _shifted(x, self.axis)
            total = np.exp(shifted).sum(axis=self.axis, keepdims=True)
            return shifted - np.log(total)

    def vjp(self, inputs, outputs, cotangents):
        """dy - softmax(x) sum_j dy_j."""
        (y,), (dy,) = outputs, cotangents
        return (dy - exp(y) * dy.sum(axis=self.axis, keepdims=True),)


def softmax(x: TensorLike, axis: int = -1) -> Variable:
    """exp(x_i) / sum_j exp(x_j) along ``axis``; the result sums to one there."""
    x = promoted("softmax", [x], floating=True)[0]
    check_axis("softmax", axis, x.ndim)
    return Softmax(axis % x.ndim)(x)


def log_softmax(x: TensorLike, axis: int = -1) -> Variable:
    """x_i - log sum_j exp(x_j) along ``axis``, finite where softmax underflows."""
    x = promoted("log_softmax", [x], floating=True)[0]
    check_axis("log_softmax", axis, x.ndim)
    return LogSoftmax(axis % x.ndim)(x)


def _shifted(x: Array, axis: int) -> Array:
    """x - max(x) along ``axis``; an axis of no elements is left alone."""
    return x - x.max(axis=axis, keepdims=True, initial=-np.inf)
