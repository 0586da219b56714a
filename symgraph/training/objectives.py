"""What is minimized, and what is only watched: scalars of outputs and targets.

Each takes the network's output and the targets of a batch and gives the mean over the
batch as a scalar; ``l1`` and ``l2`` take parameters instead, to be added to a loss.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add

from symgraph.graph import GraphError, Variable, is_float
from symgraph.graph.config import config
from symgraph.ops import nn
from symgraph.ops.arithmetic import absolute, square
from symgraph.ops.cast import cast
from symgraph.ops.comparison import greater, not_equal
from symgraph.ops.statistics import argmax


def cross_entropy(logits: Variable, labels: Variable) -> Variable:
    """mean of -log softmax(logits)[label]; logits[N, K], integer labels[N].

    Labels of the shape of the logits are probabilities of the classes.
    """
    if is_float(labels.dtype):
        expect_same_shape("cross_entropy of probabilities", logits, labels)
    return nn.cross_entropy(logits, labels).mean()


def binary_cross_entropy(logits: Variable, targets: Variable) -> Variable:
    """mean of -(t log p + (1 - t) log(1 - p)), p = sigmoid(logit), t in [0, 1]."""
    expect_same_shape("binary_cross_entropy", logits, targets)
    targets = cast(targets, logits.dtype)
    return nn.binary_cross_entropy_with_logits(logits, targets).mean()


def squared_error(outputs: Variable, targets: Variable) -> Variable:
    """mean of (output - target)^2."""
    expect_same_shape("squared_error", outputs, targets)
    return square(outputs - cast(targets, outputs.dtype)).mean()


def absolute_error(outputs: Variable, targets: Variable) -> Variable:
    """mean of |output - target|."""
    expect_same_shape("absolute_error", outputs, targets)
    return absolute(outputs - cast(targets, outputs.dtype)).mean()


def error_rate(logits: Variable, labels: Variable) -> Variable:
    """The part of the examples whose largest logit is not that of the label."""
    wrong = not_equal(argmax(logits, axis=-1), cast(labels, "int64"))
    return cast(wrong, config.floatX).mean()


def accuracy(logits: Variable, labels: Variable) -> Variable:
    """The part of the examples whose largest logit is that of the label."""
    return 1.0 - error_rate(logits, labels)


def binary_error_rate(logits: Variable, targets: Variable) -> Variable:
    """The part of the logits whose sign is not that of target - 1/2."""
    expect_same_shape("binary_error_rate", logits, targets)
    wrong = not_equal(greater(logits, 0.0), greater(targets, 0.5))
    return cast(wrong, config.floatX).mean()


def l2(parameters: Iterable[Variable]) -> Variable:
    """Half the sum of the squares of all parameters; its gradient is the parameters."""
    return 0.5 * _total("l2", [square(p).sum() for p in parameters])


def l1(parameters: Iterable[Variable]) -> Variable:
    """The sum of the magnitudes of all parameters."""
    return _total("l1", [absolute(p).sum() for p in parameters])


def expect_same_shape(who: str, outputs: Variable, targets: Variable) -> None:
    """Raise where broadcasting would pair values that do not belong together."""
    pairs = zip(outputs.type.shape, targets.type.shape, strict=False)
    differs = any(None not in (a, b) and a != b for a, b in pairs)
    if differs or outputs.ndim != targets.ndim:
        raise GraphError(
            f"{who}: expects outputs and targets of one shape, "
            f"got {outputs.type} and {targets.type}"
        )


def _total(who: str, terms: list[Variable]) -> Variable:
    if not terms:
        raise GraphError(f"{who}: expected at least one parameter, got none")
    return reduce(add, terms)
