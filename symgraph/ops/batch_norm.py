"""Batch normalization: in training, its gradient, and at inference.

Ioffe & Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift" (2015), section 3. ``axes`` are those a statistic is taken
over: (0, 2, 3) for one mean and variance a channel of images, (0,) for one each
activation. Parameters and statistics have the remaining dimensions of x. With
``mean_only`` nothing is divided by a deviation (Salimans & Kingma 2016, section 4).

Below, m is the number of elements a statistic is taken over, r = 1 / sqrt(variance +
epsilon) (1 with ``mean_only``), and h = (x - mean) r.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from symgraph.graph import Op, Variable
from symgraph.ops.affine import parametrized
from symgraph.ops.checks import (
    expect_dtype,
    expect_float,
    join_shapes,
    kept_dims,
)
from symgraph.ops.creation import zeros_like
from symgraph.ops.exponential import sqrt
from symgraph.ops.reshaping import expand_dims
from symgraph.ops.shape import broadcast_to, shape
from symgraph.ops.statistics import count, unless_empty
from symgraph.ops.windows import Array


@dataclass(frozen=True)
class BatchNorm(Op):
    """What the three share: the axes of the statistics, and how they are used."""

    axes: tuple[int, ...]
    epsilon: float = 1e-5
    mean_only: bool = False

    def _rate(self, variance):
        """r, as an expression."""
        return 1.0 if self.mean_only else 1.0 / sqrt(variance + self.epsilon)

    def _spread(self, statistic):
        """A statistic or parameter, ready to broadcast with x."""
        return expand_dims(statistic, self.axes)

    def _reference_rate(self, variance: Array) -> Array:
        """r, broadcast with x."""
        if self.mean_only:
            return np.ones((), variance.dtype)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = 1 / np.sqrt(variance + variance.dtype.type(self.epsilon))
        return np.expand_dims(rate, self.axes)


class BatchNormTraining(BatchNorm):
    """y = gamma h + beta, with the mean and variance of x itself over ``axes``.

    Inputs x, gamma, beta; outputs (y, mean, variance). The variance is the biased
    one, (1/m) sum (x - mean)^2, in two passes (Ioffe & Szegedy, Algorithm 1).
    """

    def infer_type(self, x, gamma, beta):
        """The types of x, and twice that of gamma."""
        expect_float("batch_norm", "input", x)
        y = parametrized("batch_norm", self.axes, x, gamma=gamma, beta=beta)
        statistic = y.with_shape(kept_dims(y.shape, self.axes))
        return y, statistic, statistic

    def infer_shape(self, shapes, values):
        """The shapes of x, gamma and gamma."""
        return tuple(shapes[0]), tuple(shapes[1]), tuple(shapes[1])

    def reference(self, x, gamma, beta):
        """Statistics summed in float64, then the affine map of h."""
        mean, variance = moments(x, self.axes)
        gamma, beta, centre = (
            np.expand_dims(p, self.axes) for p in (gamma, beta, mean)
        )
        y = (x - centre) * self._reference_rate(variance) * gamma + beta
        return y, mean, variance

    def vjp(self, inputs, outputs, cotangents):
        """The fused gradient of y, plus what reaches x through the two statistics."""
        x, gamma, _ = inputs
        _, mean, variance = outputs
        dy, dmean, dvariance = cotangents
        dx = dgamma = dbeta = None
        if dy is not None:
            gradient = BatchNormTrainingGrad(self.axes, self.epsilon, self.mean_only)
            dx, dgamma, dbeta = gradient(x, gamma, mean, variance, dy)
        m = elements(x, self.axes)
        if dmean is not None:
            dx = _plus(dx, broadcast_to(self._spread(dmean / m), shape(x)))
        if dvariance is not None:
            slope = self._spread(2.0 * dvariance / m)
            dx = _plus(dx, slope * (x - self._spread(mean)))
        return dx, dgamma, dbeta


class BatchNormTrainingGrad(BatchNorm):
    """dx = gamma r (dy - dbeta/m - h dgamma/m), dgamma = sum dy h, dbeta = sum dy.

    Inputs x, gamma, mean, variance, dy; outputs (dx, dgamma, dbeta), sums over
    ``axes`` (Ioffe & Szegedy, section 3, the chain rule simplified). With
    ``mean_only`` the term h dgamma/m, which comes of the deviation, is absent.
    """

    def infer_type(self, x, gamma, mean, variance, dy):
        """The types of x, and twice that of gamma."""
        op = "batch_norm_grad"
        expect_float(op, "input", x)
        statistics = {"gamma": gamma, "mean": mean, "variance": variance}
        x = parametrized(op, self.axes, x, **statistics)
        expect_dtype(op, "output gradient", dy, x.dtype)
        x = x.with_shape(join_shapes(op, "output gradient", x.shape, dy))
        parameter = x.with_shape(kept_dims(x.shape, self.axes))
        return x, parameter, parameter

    def infer_shape(self, shapes, values):
        """The shapes of x, gamma and gamma."""
        return tuple(shapes[0]), tuple(shapes[1]), tuple(shapes[1])

    def reference(self, x, gamma, mean, variance, dy):
        """Sums in float64, then the combination above."""
        rate = self._reference_rate(variance)
        normal = (x - np.expand_dims(mean, self.axes)) * rate
        dbeta = dy.sum(axis=self.axes, dtype=np.float64).astype(x.dtype)
        dgamma = (dy * normal).sum(axis=self.axes, dtype=np.float64).astype(x.dtype)
        m = x.dtype.type(max(1, prod(x.shape[axis] for axis in self.axes)))
        shift, slope = (np.expand_dims(p / m, self.axes) for p in (dbeta, dgamma))
        bend = 0 if self.mean_only else normal * slope
        dx = np.expand_dims(gamma, self.axes) * rate * (dy - shift - bend)
        return dx, dgamma, dbeta

    def vjp(self, inputs, outputs, cotangents):
        """The derivative of <p, dx> + <q, dgamma> + <s, dbeta>, by ``_curvature``."""
        x, gamma, mean, variance, dy = inputs
        p, q, s = _zeros_for_none(cotangents, x, gamma)
        if self.mean_only:
            return self._shift_curvature(x, gamma, mean, dy, p, q, s)
        return self._curvature(x, gamma, mean, variance, dy, p, q, s)

    def _curvature(self, x, gamma, mean, variance, dy, p, q, s):
        """Derivatives of gamma r K + q sum dy h + s sum dy, summed over parameters.

        That is <p, dx> + <q, dgamma> + <s, dbeta>, with E the mean over ``axes`` and
        K = sum p dy - E[p] sum dy - E[p h] sum dy h.
        """
        spread, axes, average = self._spread, self.axes, self._average
        rate = self._rate(unless_empty(variance, x, axes, 1.0))
        centred = x - spread(mean)
        h = centred * spread(rate)
        slope = spread(gamma * rate)
        mean_p, mean_ph = average(p), average(p * h)
        sum_dyh, mean_dyh = (dy * h).sum(axis=axes), average(dy * h)
        k = (p * dy).sum(axis=axes) - mean_p * dy.sum(axis=axes) - mean_ph * sum_dyh
        d_dy = slope * (p - spread(mean_p) - h * spread(mean_ph))
        d_dy = d_dy + h * spread(q) + spread(s)
        d_h = spread(q) * dy - slope * (p * spread(mean_dyh) + dy * spread(mean_ph))
        d_x = d_h * spread(rate)
        d_rate = gamma * k + (d_h * centred).sum(axis=axes)
        d_variance = -0.5 * d_rate * rate * rate * rate
        return d_x, rate * k, -d_x.sum(axis=axes), d_variance, d_dy

    def _average(self, x):
        """The mean, or 0 of no elements: what it multiplies is then a sum of none."""
        return unless_empty(x.mean(axis=self.axes), x, self.axes, 0.0)

    def _shift_curvature(self, x, gamma, mean, dy, p, q, s):
        """The same where r = 1 and the term in h is absent: K = sum (p - E[p]) dy."""
        spread, axes = self._spread, self.axes
        centred_p = p - spread(p.mean(axis=axes))
        d_dy = spread(gamma) * centred_p + (x - spread(mean)) * spread(q) + spread(s)
        d_x = spread(q) * dy
        d_gamma = (centred_p * dy).sum(axis=axes)
        return d_x, d_gamma, -d_x.sum(axis=axes), None, d_dy


class BatchNormInference(BatchNorm):
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta, statistics given.

    Inputs x, gamma, beta, mean, variance (Ioffe & Szegedy, Algorithm 2, step 11).
    """

    def infer_type(self, x, gamma, beta, mean, variance):
        """The type of x."""
        expect_float("batch_norm", "input", x)
        statistics = {"mean": mean, "variance": variance}
        return parametrized(
            "batch_norm", self.axes, x, gamma=gamma, beta=beta, **statistics
        )

    def reference(self, x, gamma, beta, mean, variance):
        """The affine map of h."""
        gamma, beta, mean = (np.expand_dims(p, self.axes) for p in (gamma, beta, mean))
        return (x - mean) * self._reference_rate(variance) * gamma + beta

    def vjp(self, inputs, outputs, cotangents):
        """The derivative of an affine map, in x and in each parameter."""
        x, gamma, _, mean, variance = inputs
        (dy,) = cotangents
        rate = self._rate(variance)
        centred = x - self._spread(mean)
        d_beta = dy.sum(axis=self.axes)
        d_gamma = (dy * centred).sum(axis=self.axes) * rate
        d_x = dy * self._spread(gamma * rate)
        d_mean = -gamma * rate * d_beta
        d_variance = None
        if not self.mean_only:
            d_variance = -0.5 * gamma * rate * rate * d_gamma
        return d_x, d_gamma, d_beta, d_mean, d_variance

    def expand(self, x, gamma, beta, mean, variance):
        """The definition, written with broadcasting."""
        slope = self._spread(gamma * self._rate(variance))
        return (x - self._spread(mean)) * slope + self._spread(beta)


def moments(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """The mean and biased variance over ``axes``: two passes, sums in float64.

    Over no element at all both are NaN, as 0/0 is.
    """
    m = np.float64(prod(x.shape[axis] for axis in axes))
    with np.errstate(invalid="ignore"):
        mean = x.sum(axis=axes, dtype=np.float64, keepdims=True) / m
        variance = np.square(x - mean).sum(axis=axes) / m
    return mean.squeeze(axes).astype(x.dtype), variance.astype(x.dtype)


def elements(x: Variable, axes: tuple[int, ...]) -> float | Variable:
    """m, how many elements of x a statistic over ``axes`` is taken over."""
    return count(x, axes, x.dtype)


def _plus(left: Variable | None, right: Variable) -> Variable:
    return right if left is None else left + right


def _zeros_for_none(cotangents, x, gamma):
    """The cotangents, with zeros in place of None."""
    likes = (x, gamma, gamma)
    return [
        zeros_like(like) if cotangent is None else cotangent
        for cotangent, like in zip(cotangents, likes, strict=True)
    ]
