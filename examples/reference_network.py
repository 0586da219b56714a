"""The 16-layer network of a 2015 write-up on cats and dogs, with and without BN."""

from __future__ import annotations

import symgraph as sg
from symgraph import layers
from symgraph.layers import initializers

SIZE = 90
INITIALIZER = initializers.HeUniform(gain=3**-0.5)  # U(-a, a), a = 1 / sqrt(inputs)
VARIANTS = ("batch_norm", "without", "per_activation")


def build(variant: str = "batch_norm", classes: int = 2, seed: int = 0):
    """The network on 3 x 90 x 90 photographs; its output are logits.

    ``batch_norm`` has a mean and variance for each channel, ``per_activation`` one for
    each channel, row and column as the write-up had, ``without`` none.
    """

    if variant not in VARIANTS:
        raise ValueError(f"build: variant is one of {VARIANTS}, got {variant!r}")
    return layers.Sequential(
        [
            layers.Standardize(),
            conv(16, 3),
            layers.MaxPool2D(2),
            *batch_norm(variant),
            conv(32, 3),
            *batch_norm(variant),
            conv(32, 3),
            layers.MaxPool2D(2),
            *batch_norm(variant),
            conv(64, 5),
            layers.MaxPool2D(2),
            *batch_norm(variant),
            conv(64, 5),
            *batch_norm(variant),
            layers.Flatten(),
            layers.Dense(256, sg.nn.relu, initializer=INITIALIZER),
            layers.Dense(classes, initializer=INITIALIZER),
        ],
        input_shape=(None, 3, SIZE, SIZE),
        seed=seed,
    )


def conv(filters: int, kernel: int):
    """A convolution and its relu."""
    return layers.Conv2D(
        filters, kernel, activation=sg.nn.relu, initializer=INITIALIZER
    )


def batch_norm(variant: str):
    """The BN of a variant: none, or one."""
    if variant == "without":
        return []
    return [layers.BatchNorm(axes=0 if variant == "per_activation" else None)]
