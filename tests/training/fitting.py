"""A classifier and its data, for the tests of training."""

from __future__ import annotations

import numpy as np

from symgraph import layers, training
from symgraph.ops import nn
from symgraph.training import schedules

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(3.0, 2.0, size=(70, 5)).astype(np.float32)
Y = (X @ RANDOM.normal(size=(5, 3))).argmax(axis=1)


def network(seed=0, dropout=0.2):
    """A small classifier with a standardizer, BN and dropout."""
    return layers.Sequential(
        [
            layers.Standardize(),
            layers.Dense(7, activation=nn.relu),
            layers.BatchNorm(),
            layers.Dropout(dropout),
            layers.Dense(3),
        ],
        input_shape=(None, 5),
        seed=seed,
    )


def fit(net, epochs=4, **options):
    """``training.fit`` on 50 examples, validated on 20."""
    given = {
        "data": (X[:50], Y[:50]),
        "validation": (X[50:], Y[50:]),
        "metrics": {"error": training.error_rate},
        "learning_rate": schedules.Exponential(0.1, 0.9),
        "batch_size": 8,
    }
    return training.fit(net, epochs=epochs, **{**given, **options})


def values(net):
    """The value of every parameter, or why it has none."""
    return {
        k: v.missing or v.get_value().tolist() for k, v in net.named_parameters.items()
    }


def curves(history):
    """What does not depend on the clock."""
    return {k: v for k, v in history.curves.items() if k != "seconds"}
