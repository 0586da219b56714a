"""``Standardize``: inputs of mean 0 and variance 1, learned before descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.graph import TensorType, Variable, constant
from symgraph.layers.batch_norm import reduced_axes, statistic_shape
from symgraph.layers.initializers import ONES, ZEROS
from symgraph.layers.layer import Layer
from symgraph.layers.learning import LearningOperation
from symgraph.layers.moments import ScaleMoments
from symgraph.layers.parameters import Parameter
from symgraph.ops.batch_norm import BatchNormInference


@dataclass(eq=False)
class Standardize(Layer):
    """y = (x - mean) / sqrt(variance), statistics learned by ``training.pre_learn``.

    ``axes`` are those a statistic is taken over: by default all but the channel's.
    What never varies in the data is given variance 1. With ``mean_only`` nothing is
    rescaled. Training and inference use the same statistics.
    """

    axes: int | Sequence[int] | None = None
    mean_only: bool = False

    def declare(self, x: TensorType) -> dict[str, Parameter]:
        """mean and variance, learned."""
        shape = statistic_shape(self, x, reduced_axes(self, x, self.axes))
        mean = Parameter(shape, ZEROS, trainable=False, phase="pre")
        variance = Parameter(shape, ONES, trainable=False, phase="pre")
        return (
            {"mean": mean} if self.mean_only else {"mean": mean, "variance": variance}
        )

    def inference(self, x: Variable, p: Any) -> Variable:
        """An affine map of x, the same rewrites apply as to batch normalization."""
        axes = reduced_axes(self, x.type, self.axes)
        ones = constant(np.ones(p.mean.type.shape, x.dtype))
        zeros = constant(np.zeros(p.mean.type.shape, x.dtype))
        variance = ones if self.mean_only else p.variance
        op = BatchNormInference(axes, epsilon=0.0, mean_only=self.mean_only)
        y: Variable = op(x, ones, zeros, p.mean, variance)
        return y

    def learning(self, p: Any) -> tuple[LearningOperation, ...]:
        """Pre-learning: mean and variance of the input over all examples."""
        axes = reduced_axes(self, self.input_type, self.axes)
        return (
            LearningOperation(
                phase="pre",
                receivers=tuple(vars(p).values()),
                estimators={"population": ScaleMoments(axes, self.mean_only)},
            ),
        )
