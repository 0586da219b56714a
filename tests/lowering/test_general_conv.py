"""Convolutions whose filters have a size that only the call knows."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.autodiff import grad
from symgraph.ops import Relu, tensor
from symgraph.ops.affine import AddBias
from symgraph.ops.conv import Conv2D

rng = np.random.default_rng(0)


@pytest.mark.parametrize(
    "geometry",
    [
        Conv2D(),
        Conv2D((2, 3), ((1, 2), (0, 1)), (2, 1), 1),
        Conv2D((1, 2), ((1, 1), (2, 0)), (1, 2), 2),
    ],
    ids=str,
)
def test_all_three_passes(check, geometry):
    x, filters = (
        tensor("x", shape=(None, None, None, None)),
        tensor("w", shape=[None] * 4),
    )
    bias = tensor("b", shape=(None,))
    y = Relu()(AddBias((0, 2, 3))(geometry(x, filters), bias))
    dx, dw = grad((y * y).sum(), [x, filters])
    shapes = [(2, 6, 9, 8), (4, 6 // geometry.groups, 3, 2), (4,)]
    arrays = [rng.normal(size=shape).astype("float32") for shape in shapes]
    check([x, filters, bias], [y, dx, dw], arrays)
