"""How normalizations are written: batch norm in both phases, and layer norm."""

from __future__ import annotations

from collections.abc import Sequence

from symgraph.graph import GraphError, Variable
from symgraph.ops.affine import default_axes
from symgraph.ops.arguments import TensorLike, promoted
from symgraph.ops.batch_norm import BatchNormInference, BatchNormTraining
from symgraph.ops.checks import normalize_axes
from symgraph.ops.creation import full
from symgraph.ops.exponential import sqrt
from symgraph.ops.reshaping import expand_dims
from symgraph.ops.shape import shape
from symgraph.ops.statistics import mean as mean_over

AxesLike = int | Sequence[int] | None


def batch_norm_training(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axes: AxesLike = None,
    epsilon: float = 1e-5,
    mean_only: bool = False,
) -> tuple[Variable, Variable, Variable]:
    """(y, mean, variance): y = gamma (x - mean) / sqrt(variance + epsilon) + beta.

    Mean and biased variance are those of x over ``axes`` (default: all but the
    channel's; 0 gives each activation its own). Parameters have the other dimensions
    of x; gamma is one and beta zero where not given. With ``mean_only`` nothing is
    divided. Ioffe & Szegedy 2015, Algorithm 1.
    """
    variables, reduced = _arguments([x, gamma, beta], axes, epsilon)
    op = BatchNormTraining(reduced, epsilon, mean_only)
    outputs: tuple[Variable, Variable, Variable] = op(*variables)
    return outputs


def batch_norm_inference(
    x: TensorLike,
    gamma: TensorLike | None,
    beta: TensorLike | None,
    mean: TensorLike,
    variance: TensorLike,
    axes: AxesLike = None,
    epsilon: float = 1e-5,
    mean_only: bool = False,
) -> Variable:
    """gamma (x - mean) / sqrt(variance + epsilon) + beta, the statistics given."""
    values = [x, gamma, beta, mean, variance]
    variables, reduced = _arguments(values, axes, epsilon)
    y: Variable = BatchNormInference(reduced, epsilon, mean_only)(*variables)
    return y


def batch_norm(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    mean: TensorLike | None = None,
    variance: TensorLike | None = None,
    axes: AxesLike = None,
    epsilon: float = 1e-5,
    mean_only: bool = False,
) -> Variable:
    """x normalized by the statistics given, or else by its own.

    See ``batch_norm_inference`` and ``batch_norm_training``.
    """
    if (mean is None) != (variance is None):
        raise GraphError("batch_norm: mean and variance must be given together")
    if mean is None or variance is None:
        return batch_norm_training(x, gamma, beta, axes, epsilon, mean_only)[0]
    return batch_norm_inference(
        x, gamma, beta, mean, variance, axes, epsilon, mean_only
    )


def layer_norm(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axes: AxesLike = -1,
    epsilon: float = 1e-5,
) -> Variable:
    """gamma (x - E[x]) / sqrt(Var[x] + epsilon) + beta, over ``axes`` of one example.

    gamma and beta have the sizes of ``axes`` (Ba, Kiros & Hinton 2016).
    """
    (x,) = promoted("layer_norm", [x], floating=True)
    reduced = normalize_axes("layer_norm", -1 if axes is None else axes, x.ndim)
    centred = x - mean_over(x, axis=reduced, keepdims=True)
    variance = mean_over(centred * centred, axis=reduced, keepdims=True)
    y = centred / sqrt(variance + epsilon)
    others = tuple(axis for axis in range(x.ndim) if axis not in reduced)
    y = y if gamma is None else y * expand_dims(gamma, others)
    return y if beta is None else y + expand_dims(beta, others)


def _arguments(
    values: Sequence[TensorLike | None], axes: AxesLike, epsilon: float
) -> tuple[list[Variable], tuple[int, ...]]:
    """x, gamma, beta and any statistics of one dtype, and the axes in order."""
    if not epsilon >= 0:
        raise GraphError(f"batch_norm: epsilon must be >= 0, got {epsilon}")
    given = [value for value in values if value is not None]
    variables = iter(promoted("batch_norm", given, floating=True))
    x, *rest = (None if value is None else next(variables) for value in values)
    if x is None or x.ndim < 1:
        raise GraphError("batch_norm: expected an input of at least 1 dimension")
    chosen = default_axes(x.ndim) if axes is None else axes
    reduced = normalize_axes("batch_norm", chosen, x.ndim)
    filled = [
        _filled(value, x, reduced) if parameter is None else parameter
        for parameter, value in zip(rest, (1.0, 0.0, 0.0, 1.0), strict=False)
    ]
    return [x, *filled], reduced


def _filled(value: float, x: Variable, axes: tuple[int, ...]) -> Variable:
    """A parameter whose elements are all ``value``."""
    sizes = [size for axis, size in enumerate(shape(x)) if axis not in axes]
    return full(sizes, value, dtype=x.dtype)
