"""Random numbers and small graphs, for the tests of what becomes one kernel."""

from __future__ import annotations

import numpy as np

from symgraph.graph import SharedVariable, TensorType
from symgraph.ops import Relu
from symgraph.ops.affine import AddBias
from symgraph.ops.conv import Conv2D

IMAGES = (0, 2, 3)
rng = np.random.default_rng(0)


def random(*shape: int, dtype: str = "float32"):
    """Standard normal numbers."""
    return rng.normal(size=shape).astype(dtype)


def shared(*shape: int, dtype: str = "float32"):
    """Random parameters."""
    return SharedVariable(random(*shape, dtype=dtype), None, TensorType(dtype, shape))


def random_places(*shape: int):
    """Places in windows of 2 by 2."""
    return rng.integers(0, 4, shape).astype("uint8")


def labels(program):
    """What the kernels of a program are called."""
    return [kernel.label for kernel in program.kernels]


def convolved(x, outputs: int, dtype: str = "float32"):
    """relu(conv2d(x, filters) + bias)."""
    filters = shared(outputs, x.type.shape[1], 3, 3, dtype=dtype)
    y = Conv2D()(x, filters)
    return Relu()(AddBias(IMAGES)(y, shared(outputs, dtype=dtype)))
