"""Statistics taken together in one sweep: what batch normalization is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from symgraph.graph import Op, Variable
from symgraph.ops.arithmetic import add
from symgraph.ops.batch_norm import elements, moments
from symgraph.ops.checks import (
    check_axes,
    expect_dtype,
    expect_float,
    join_shapes,
    kept_dims,
)
from symgraph.ops.reshaping import expand_dims
from symgraph.ops.shape import broadcast_to, shape


@dataclass(frozen=True)
class Moments(Op):
    """(mean, variance) of x over ``axes``, the biased variance (1/m) sum (x - mean)^2.

    Two passes, summed in float64; outputs have the dimensions of x not in ``axes``.
    """

    axes: tuple[int, ...]

    def infer_type(self, x):
        """Twice x without ``axes``."""
        expect_float("moments", "input", x)
        check_axes("moments", self.axes, x.ndim)
        statistic = x.with_shape(kept_dims(x.shape, self.axes))
        return statistic, statistic

    def infer_shape(self, shapes, values):
        """Twice the dimensions not in ``axes``."""
        kept = tuple(kept_dims(shapes[0], self.axes))
        return kept, kept

    def reference(self, x):
        """The two passes."""
        return moments(x, self.axes)

    def vjp(self, inputs, outputs, cotangents):
        """dx = dmean / m + dvariance 2 (x - mean) / m."""
        (x,), (mean, _), (dmean, dvariance) = inputs, outputs, cotangents
        m = elements(x, self.axes)
        terms = []
        if dmean is not None:
            terms.append(_spread(dmean / m, x, self.axes))
        if dvariance is not None:
            centred = x - expand_dims(mean, self.axes)
            terms.append(_spread(2.0 * dvariance / m, x, self.axes) * centred)
        return (_total(terms),)


@dataclass(frozen=True)
class PairedSums(Op):
    """(sum p, sum p q) over ``axes``, both in one sweep.

    Inputs p and q of one shape; outputs have the dimensions not in ``axes``.
    """

    axes: tuple[int, ...]

    def infer_type(self, p, q):
        """Twice p without ``axes``."""
        expect_float("paired_sums", "input", p)
        expect_dtype("paired_sums", "second input", q, p.dtype)
        check_axes("paired_sums", self.axes, p.ndim)
        shape = join_shapes("paired_sums", "second input", p.shape, q)
        total = p.with_shape(kept_dims(shape, self.axes))
        return total, total

    def infer_shape(self, shapes, values):
        """Twice the dimensions not in ``axes``."""
        kept = tuple(kept_dims(shapes[0], self.axes))
        return kept, kept

    def reference(self, p, q):
        """Both sums, in float64."""
        total = p.sum(axis=self.axes, dtype=np.float64)
        product = (p * q).sum(axis=self.axes, dtype=np.float64)
        return total.astype(p.dtype), product.astype(p.dtype)

    def vjp(self, inputs, outputs, cotangents):
        """dp = dtotal + dproduct q, dq = dproduct p."""
        (p, q), (dtotal, dproduct) = inputs, cotangents
        terms, dq = [], None
        if dtotal is not None:
            terms.append(_spread(dtotal, p, self.axes))
        if dproduct is not None:
            slope = _spread(dproduct, p, self.axes)
            terms.append(slope * q)
            dq = slope * p
        return _total(terms), dq


def _spread(statistic: Variable, x: Variable, axes: tuple[int, ...]) -> Variable:
    """A statistic, repeated along ``axes`` to the shape of x."""
    return broadcast_to(expand_dims(statistic, axes), shape(x))


def _total(terms: list[Variable]) -> Variable | None:
    return reduce(add, terms) if terms else None
