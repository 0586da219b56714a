"""A network and its data, for the tests of learning before and after descent."""

from __future__ import annotations

import numpy as np

from symgraph import layers, training
from symgraph.graph import Variable, evaluate
from symgraph.ops import nn

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(3.0, 2.0, size=(23, 3, 8, 9))


def convnet(dtype="float64", axes=None, **options):
    """A small network with a standardizer and two BN, gamma and beta at random."""
    net = layers.Sequential(
        [
            layers.Standardize(),
            layers.Conv2D(5, 3, activation=nn.relu),
            layers.BatchNorm(axes, **options),
            layers.Dropout(0.5),
            layers.Conv2D(4, 2, activation=nn.relu),
            layers.MaxPool2D(2),
            layers.BatchNorm(axes, **options),
            layers.Flatten(),
            layers.Dense(2),
        ],
        input_shape=(None, 3, 8, 9),
        dtype=dtype,
    )
    for name, parameter in net.named_parameters.items():
        if name.endswith(("gamma", "beta")):
            value = RANDOM.uniform(0.5, 1.5, size=parameter.type.shape)
            parameter.set_value(value.astype(dtype))
    return net


def batches(x, size):
    """The examples of ``x``, ``size`` at a time."""
    return training.batches(x, size)


def norms(net):
    """The BN layers."""
    return [layer for layer in net if isinstance(layer, layers.BatchNorm)]


def statistics(net):
    """All means and variances of the network."""
    return [
        value.get_value()
        for layer in net
        for name, value in layer.own.items()
        if name in ("mean", "variance")
    ]


def activation(net, depth, x, training=False):
    """The input of layer ``depth``, by the reference of every op."""
    symbol = Variable(net.input_type, name="x")
    y = symbol
    for layer in net[:depth]:
        y = layer(y, training)
    return evaluate([y], {symbol: x})[0]


def bad(index, batch):
    """Five batches, the one at ``index`` replaced."""
    return lambda: (
        batch if i == index else x for i, x in enumerate(np.split(X[:20], 5))
    )


def not_finite(value):
    """A batch with one ``value`` in it."""
    batch = X[:4].copy()
    batch[1, 2, 3, 4] = value
    return batch
