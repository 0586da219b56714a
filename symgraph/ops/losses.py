"""Losses that are expressions: one value for each element, reduced by the caller."""

from __future__ import annotations

from symgraph.graph import GraphError, Variable
from symgraph.ops.arithmetic import abs, minimum, square
from symgraph.ops.exponential import log, log1p
from symgraph.ops.special import softplus


def squared_error(prediction: Variable, target: Variable) -> Variable:
    """(prediction - target)^2."""
    return square(prediction - target)


def absolute_error(prediction: Variable, target: Variable) -> Variable:
    """|prediction - target|."""
    return abs(prediction - target)


def huber(prediction: Variable, target: Variable, delta: float = 1.0) -> Variable:
    """e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2) (Huber 1964)."""
    if not delta > 0:
        raise GraphError(f"huber: delta must be positive, got {delta}")
    error = abs(prediction - target)
    inner = minimum(error, delta)
    return inner * (error - 0.5 * inner)


def binary_cross_entropy(probability: Variable, target: Variable) -> Variable:
    """-(target log p + (1 - target) log(1 - p)).

    Infinite where p is 0 or 1 and wrong; from logits, use the form that never is.
    """
    return -(target * log(probability) + (1.0 - target) * log1p(-probability))


def binary_cross_entropy_with_logits(logits: Variable, target: Variable) -> Variable:
    """The same with p = sigmoid(logits): softplus(logits) - logits target."""
    return softplus(logits) - logits * target
