"""Arrays for the tables of op cases, in the order that a seed gives.

Floats are float64, far enough from ties and kinks for central differences to see a
slope.
"""

from __future__ import annotations

from math import prod

import numpy as np


class Arrays:
    """Random arrays, each new with each call."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def normal(self, *shape):
        """Standard normal values."""
        return self.rng.normal(size=shape)

    def between(self, low, high, *shape):
        """Uniform values."""
        return self.rng.uniform(low, high, shape)

    def distinct(self, *shape):
        """Values that differ by at least 1/4, in no order, none within 1/8 of 0."""
        return self.rng.permutation(prod(shape)).reshape(shape) / 4.0 - 1.875

    def integers(self, low, high, *shape, dtype="int64"):
        """Integers from low up to high - 1."""
        return self.rng.integers(low, high, shape).astype(dtype)


def size(value):
    """An int64 scalar."""
    return np.array(value, "int64")
