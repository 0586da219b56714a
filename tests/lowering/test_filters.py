"""Filters that are another array's memory, seen under the shape of filters."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.autodiff import grad
from symgraph.ops import nn, tensor

rng = np.random.default_rng(0)
SHAPE = (9, 5, 3, 3)

VIEWS = {
    "a vector": ((405,), lambda w: w.reshape(SHAPE)),
    "a vector of unknown length": ((None,), lambda w: w.reshape(SHAPE)),
    "a matrix": ((15, 27), lambda w: w.reshape(SHAPE)),
    "turned": ((3, 3, 5, 9), lambda w: w.transpose((3, 2, 0, 1))),
    "a part": ((10, 5, 3, 4), lambda w: w[1:, :, :, 1:]),
    "one, repeated": ((5, 3, 3), lambda w: w * np.ones(SHAPE, "float32")),
}


@pytest.mark.parametrize("batch", [2, None])
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_of_another_array(check, view, batch):
    shape, seen = VIEWS[view]
    x, w = tensor("x", shape=(batch, 5, 7, 6)), tensor("w", shape=shape)
    y = nn.conv2d(x, seen(w))
    sizes = [2, 5, 7, 6], [size or 405 for size in shape]
    arrays = [rng.normal(size=size).astype("float32") for size in sizes]
    check([x, w], [y, *grad((y * y).sum(), [x, w])], arrays)
