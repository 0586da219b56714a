"""Losses that are expressions: one value for each element, reduced by the caller."""

from __future__ import annotations

from symgraph.graph import GraphError, Variable
from symgraph.ops.arguments import TensorLike, promoted
from symgraph.ops.arithmetic import abs, square, sub
from symgraph.ops.exponential import log, log1p
from symgraph.ops.extrema import minimum
from symgraph.ops.special import softplus


def squared_error(prediction: TensorLike, target: TensorLike) -> Variable:
    """(prediction - target)^2."""
    return square(sub(prediction, target))


def absolute_error(prediction: TensorLike, target: TensorLike) -> Variable:
    """|prediction - target|."""
    return abs(sub(prediction, target))


def huber(prediction: TensorLike, target: TensorLike, delta: float = 1.0) -> Variable:
    """e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2) (Huber 1964)."""
    if not delta > 0:
        raise GraphError(f"huber: delta must be positive, got {delta}")
    error = abs(sub(prediction, target))
    inner = minimum(error, delta)
    return inner * (error - 0.5 * inner)


def binary_cross_entropy(probability: TensorLike, target: TensorLike) -> Variable:
    """-(target log p + (1 - target) log(1 - p)).

    Infinite where p is 0 or 1 and wrong; from logits, use the form that never is.
    """
    p, t = promoted("binary_cross_entropy", [probability, target], floating=True)
    return -(t * log(p) + (1.0 - t) * log1p(-p))


def binary_cross_entropy_with_logits(
    logits: TensorLike, target: TensorLike
) -> Variable:
    """The same with p = sigmoid(logits): softplus(logits) - logits target."""
    z, t = promoted("binary_cross_entropy", [logits, target], floating=True)
    return softplus(z) - z * t
