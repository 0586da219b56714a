"""Mean and variance of a stream of batches: the estimators of batch normalization.

All are computed in float64 about the batch's own mean; none subtracts E[x]^2 from
E[x^2]. States keep the reduced axes as dimensions of size 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from symgraph.graph import SharedVariable, Variable, constant
from symgraph.layers.learning import Arrays, Running, Statistic
from symgraph.ops.batch_norm import BatchNormTraining
from symgraph.ops.cast import cast
from symgraph.ops.extrema import maximum
from symgraph.ops.statistics import unless_empty


@dataclass(frozen=True)
class PopulationMoments(Statistic):
    """mean = E[x], variance = E[(x - mean)^2], over every example.

    Batches are merged by Chan, Golub & LeVeque (1979), eq. 2.1: the result is that of
    a two-pass computation, whatever the sizes of the batches.
    """

    axes: tuple[int, ...]
    mean_only: bool = False

    def start(self, shape: tuple[int, ...]) -> Arrays:
        zeros = np.expand_dims(np.zeros(shape), self.axes)
        return np.zeros(()), zeros, zeros.copy()

    def merge(self, state: Sequence[Variable], x: Variable) -> tuple[Variable, ...]:
        count, mean, squares = state
        batch_count, batch_mean, batch_squares = batch_moments(x, self.axes)
        total = count + batch_count
        delta = batch_mean - mean
        return (
            total,
            mean + delta * (batch_count / total),
            squares + batch_squares + delta * delta * (count * batch_count / total),
        )

    def finish(self, state: Sequence[NDArray[Any]]) -> Arrays:
        count, mean, squares = state
        variance = () if self.mean_only else (squares / count,)
        return tuple(np.squeeze(array, self.axes) for array in (mean, *variance))


@dataclass(frozen=True)
class ScaleMoments(PopulationMoments):
    """Population moments to divide by: what never varies gets variance 1."""

    def finish(self, state: Sequence[NDArray[Any]]) -> Arrays:
        mean, *rest = super().finish(state)
        rounding = np.finfo(np.float32).eps * np.abs(mean)
        return mean, *(np.where(v <= rounding**2, 1.0, v) for v in rest)


@dataclass(frozen=True)
class MinibatchMoments(Statistic):
    """mean = E_B[mean_B], variance = m / (m - 1) E_B[var_B].

    Ioffe & Szegedy (2015), Algorithm 2, step 10: the moments of each batch, averaged
    over the batches. ``m`` is the number of values behind each mean, and belongs to
    the batch where batches differ in size.
    """

    axes: tuple[int, ...]
    mean_only: bool = False
    in_training: ClassVar[bool] = True

    def start(self, shape: tuple[int, ...]) -> Arrays:
        zeros = np.expand_dims(np.zeros(shape), self.axes)
        return np.zeros(()), zeros, zeros.copy()

    def merge(self, state: Sequence[Variable], x: Variable) -> tuple[Variable, ...]:
        batches, means, variances = state
        count, mean, squares = batch_moments(x, self.axes)
        return batches + 1.0, means + mean, variances + squares / (count - 1.0)

    def finish(self, state: Sequence[NDArray[Any]]) -> Arrays:
        batches, means, variances = state
        wanted = (means,) if self.mean_only else (means, variances)
        return tuple(np.squeeze(array / batches, self.axes) for array in wanted)


@dataclass(frozen=True, eq=False)
class RunningMoments(Running):
    """r <- momentum r + (1 - momentum) r_B, of the batch's mean and unbiased variance.

    The state, (mean, variance, steps), starts at (0, 1, 0) as in most frameworks. The
    batch's moments are those that the expression for training computes anyway. A batch
    of no examples has none, and leaves the state as it is.
    """

    state: tuple[SharedVariable, ...]
    normalization: BatchNormTraining
    gamma: Variable
    beta: Variable
    momentum: float

    def merge(self, state: Sequence[Variable], x: Variable) -> tuple[Variable, ...]:
        mean, variance, steps = state
        axes = self.normalization.axes
        _, batch_mean, biased = self.normalization(x, self.gamma, self.beta)
        count = cast(values_behind(x, axes), x.dtype)
        unbiased = biased * (count / maximum(count - 1.0, 1.0))
        after = (
            self.momentum * mean + (1.0 - self.momentum) * batch_mean,
            self.momentum * variance + (1.0 - self.momentum) * unbiased,
            steps + 1,
        )
        pairs = zip(after, state, strict=True)
        return tuple(unless_empty(new, x, axes, old) for new, old in pairs)

    def finish(self, state: Sequence[NDArray[Any]]) -> Arrays | None:
        mean, variance, steps = state
        if steps == 0:
            return None
        return (mean,) if self.normalization.mean_only else (mean, variance)


def batch_moments(x: Variable, axes: tuple[int, ...]) -> tuple[Variable, ...]:
    """Count, mean and sum of squared deviations of one batch, in float64."""
    wide = cast(x, "float64")
    count = values_behind(x, axes)
    mean = wide.sum(axis=axes, keepdims=True) / count
    deviation = wide - mean
    return count, mean, (deviation * deviation).sum(axis=axes, keepdims=True)


def values_behind(x: Variable, axes: tuple[int, ...]) -> Variable:
    """How many values of ``x`` each mean over ``axes`` is made of, as a float64."""
    count: Variable = constant(np.float64(1.0))
    for axis in axes:
        count = count * cast(x.shape[axis], "float64")
    return count
