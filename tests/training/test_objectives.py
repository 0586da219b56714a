"""Objectives and metrics against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import training
from symgraph.graph import GraphError, TensorType, Variable, evaluate

RANDOM = np.random.default_rng(2)
LOGITS = RANDOM.normal(size=(5, 3))
LABELS = np.array([0, 2, 1, 1, 0])
SCORES, TARGETS = RANDOM.normal(size=(5, 2)), RANDOM.integers(0, 2, (5, 2)) * 1.0


def value(objective, outputs, targets):
    symbols = [
        Variable(TensorType(a.dtype.name, (None, *a.shape[1:])))
        for a in (outputs, targets)
    ]
    result = objective(*symbols)
    assert result.ndim == 0
    return evaluate([result], dict(zip(symbols, (outputs, targets), strict=True)))[0]


def log_softmax(x):
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(
    ("objective", "outputs", "targets", "expected"),
    [
        (
            training.cross_entropy,
            LOGITS,
            LABELS,
            -log_softmax(LOGITS)[np.arange(5), LABELS].mean(),
        ),
        (
            training.binary_cross_entropy,
            SCORES,
            TARGETS,
            -np.where(
                TARGETS == 1, np.log(sigmoid(SCORES)), np.log(1 - sigmoid(SCORES))
            ).mean(),
        ),
        (
            training.squared_error,
            SCORES,
            TARGETS,
            ((SCORES - TARGETS) ** 2).mean(),
        ),
        (
            training.absolute_error,
            SCORES,
            TARGETS,
            np.abs(SCORES - TARGETS).mean(),
        ),
        (
            training.error_rate,
            LOGITS,
            LABELS,
            (LOGITS.argmax(axis=1) != LABELS).mean(),
        ),
        (
            training.accuracy,
            LOGITS,
            LABELS,
            (LOGITS.argmax(axis=1) == LABELS).mean(),
        ),
        (
            training.binary_error_rate,
            SCORES,
            TARGETS,
            ((SCORES > 0) != (TARGETS > 0.5)).mean(),
        ),
    ],
)
def test_value(objective, outputs, targets, expected):
    assert value(objective, outputs, targets) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_labels_of_any_integer_dtype(dtype):
    found = value(training.error_rate, LOGITS, LABELS.astype(dtype))
    assert found == pytest.approx((LOGITS.argmax(axis=1) != LABELS).mean())


def test_penalties():
    parts = [
        Variable(TensorType("float64", (3,))),
        Variable(TensorType("float64", (2,))),
    ]
    given = {parts[0]: np.array([1.0, -2.0, 3.0]), parts[1]: np.array([4.0, -5.0])}
    assert evaluate([training.l2(parts)], given)[0] == pytest.approx(55 / 2)
    assert evaluate([training.l1(parts)], given)[0] == pytest.approx(15)
    with pytest.raises(GraphError, match="l2: expected at least one parameter"):
        training.l2([])


@pytest.mark.parametrize(
    "objective",
    [training.squared_error, training.absolute_error, training.binary_cross_entropy],
)
def test_shapes_are_not_broadcast(objective):
    outputs = Variable(TensorType("float32", (None, 1)))
    targets = Variable(TensorType("float32", (None,)))
    with pytest.raises(GraphError, match="expects outputs and targets of one shape"):
        objective(outputs, targets)
