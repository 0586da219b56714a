"""``BatchNorm``: batch normalization, whose statistics are learned after descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from symgraph.graph import Constant, GraphError, TensorType, Variable, constant
from symgraph.layers.checks import fraction
from symgraph.layers.initializers import ONES, ZEROS, Initializer
from symgraph.layers.layer import Layer
from symgraph.layers.learning import LearningOperation
from symgraph.layers.moments import (
    MinibatchMoments,
    PopulationMoments,
    RunningMoments,
)
from symgraph.layers.parameters import Parameter
from symgraph.ops.affine import default_axes
from symgraph.ops.batch_norm import BatchNormInference, BatchNormTraining
from symgraph.ops.checks import normalize_axes


@dataclass(eq=False)
class BatchNorm(Layer):
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta: [N, C, ...] -> the same.

    In training, mean and variance are those of the batch; at inference they are
    statistics of the network as it was trained, learned by ``training.post_learn``
    (Ioffe & Szegedy 2015, Algorithms 1 and 2).

    ``axes`` are those a statistic is taken over: by default all but the channel's;
    ``axes=0`` gives every activation its own. With ``mean_only`` nothing is rescaled:
    y = x - mean + beta. ``momentum``, in [0, 1), is the weight of the past in the
    running averages kept during training.

    Parameters and statistics have the sizes of the other axes, which must be known, or
    ``GraphError``. A function that reads statistics which were never learned raises
    ``MissingValue``, a ``RuntimeError``.
    """

    axes: int | Sequence[int] | None = None
    epsilon: float = 1e-5
    momentum: float = 0.9
    gamma: bool | None = None
    beta: bool = True
    mean_only: bool = False
    gamma_initializer: Initializer | Any = ONES
    beta_initializer: Initializer | Any = ZEROS

    def __post_init__(self) -> None:
        self.momentum = fraction(self, "momentum", self.momentum)
        if not (np.isfinite(self.epsilon) and self.epsilon >= 0):
            raise GraphError(f"{self.label}: epsilon expects >= 0, got {self.epsilon}")
        if self.gamma is None:
            self.gamma = not self.mean_only

    def declare(self, x: TensorType) -> dict[str, Parameter]:
        """gamma, beta; mean and variance, learned; the running averages."""
        shape = statistic_shape(self, x, reduced_axes(self, x, self.axes))
        running = partial(Parameter, trainable=False)
        learned = partial(running, phase="post")
        declared = {
            "gamma": Parameter(shape, self.gamma_initializer),
            "beta": Parameter(shape, self.beta_initializer),
            "mean": learned(shape, ZEROS),
            "variance": learned(shape, ONES),
            "running_mean": running(shape, ZEROS),
            "running_variance": running(shape, ONES),
            "running_steps": running((), ZEROS, dtype="int64"),
        }
        absent = {
            "gamma": not self.gamma,
            "beta": not self.beta,
            "variance": self.mean_only,
        }
        return {k: v for k, v in declared.items() if not absent.get(k, False)}

    def training(self, x: Variable, p: Any) -> Variable:
        """The normalization by the batch's own mean and variance."""
        gamma, beta = self._affine(p)
        y: Variable = self._training_op(x.type)(x, gamma, beta)[0]
        return y

    def inference(self, x: Variable, p: Any) -> Variable:
        """The normalization by the statistics learned."""
        gamma, beta = self._affine(p)
        variance = _full_like(p.mean, 1.0) if self.mean_only else p.variance
        axes = reduced_axes(self, x.type, self.axes)
        op = BatchNormInference(axes, self.epsilon, self.mean_only)
        y: Variable = op(x, gamma, beta, p.mean, variance)
        return y

    def learning(self, p: Any) -> tuple[LearningOperation, ...]:
        """Post-learning: mean and variance of the input, by three estimators."""
        op = self._training_op(self.input_type)
        state = (p.running_mean, p.running_variance, p.running_steps)
        gamma, beta = self._affine(p)
        return (
            LearningOperation(
                phase="post",
                receivers=(p.mean,) if self.mean_only else (p.mean, p.variance),
                estimators={
                    "population": PopulationMoments(op.axes, self.mean_only),
                    "minibatch": MinibatchMoments(op.axes, self.mean_only),
                },
                running=RunningMoments(state, op, gamma, beta, self.momentum),
            ),
        )

    def _training_op(self, x: TensorType | None) -> BatchNormTraining:
        axes = reduced_axes(self, x, self.axes)
        return BatchNormTraining(axes, self.epsilon, self.mean_only)

    def _affine(self, p: Any) -> tuple[Variable, Variable]:
        """gamma and beta; ones and zeros where the layer has none."""
        gamma = p.gamma if self.gamma else _full_like(p.mean, 1.0)
        beta = p.beta if self.beta else _full_like(p.mean, 0.0)
        return gamma, beta


def _full_like(parameter: Variable, value: float) -> Constant:
    return constant(np.full(parameter.type.shape, value, parameter.dtype))


def reduced_axes(
    layer: Layer, x: TensorType | None, axes: int | Sequence[int] | None
) -> tuple[int, ...]:
    """The axes that statistics of ``x`` are taken over, sorted; None: see BatchNorm."""
    if x is None or x.ndim < 2:
        raise GraphError(f"{layer.label}: expects [batch, ...], got {x}")
    if axes is None:
        return default_axes(x.ndim)
    return normalize_axes(layer.label, axes, x.ndim)


def statistic_shape(
    layer: Layer, x: TensorType, axes: tuple[int, ...]
) -> tuple[int, ...]:
    """The sizes of ``x`` outside ``axes``, which must all be known."""
    kept = [(i, size) for i, size in enumerate(x.shape) if i not in axes]
    unknown = [axis for axis, size in kept if size is None]
    if unknown:
        raise GraphError(
            f"{layer.label}: every axis outside axes={axes} has statistics of its own "
            f"and must have a known size; axis {unknown[0]} of {x} has none"
        )
    return tuple(size for _, size in kept if size is not None)
