"""Sizes that are sums of others (n + 1, 2 n - 1), where C multiplies by them."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import evaluate

ROWS = [3, 20, 1]


def padded(x):
    return sg.pad(x, ((0, 1), (1, 2)), 0.5)


def twice(x):
    return sg.concatenate([x, x[1:]], axis=0)


def agree(x, outputs, arrays):
    """The C of one function and the definitions, for each of some x."""
    compiled = sg.function([x], outputs)
    for given in arrays:
        for found, expected in zip(
            compiled(given), evaluate(outputs, {x: given}), strict=True
        ):
            assert found.shape == expected.shape
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("grown", [padded, twice])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_what_has_grown(grown, dtype):
    """Rows of the result are as far apart as its columns are many: a sum."""
    x = sg.tensor("x", dtype, (None, 7))
    y = grown(x)
    products = [y @ y.T, sg.tanh(y @ y.T + y.sum(axis=1)), y.T @ y, y @ y[:1].T]
    outputs = [*products, *sg.grad(sg.sin(y @ y.T).sum(), [x])]
    arrays = [np.random.default_rng(n).normal(size=(n, 7)) for n in ROWS]
    agree(x, outputs, [array.astype(dtype) / 3 for array in arrays])


@pytest.mark.parametrize("shape", [(None, None, None), (None, 3, None)])
def test_products_in_batches_of_what_has_grown(shape):
    x = sg.tensor("x", shape=shape)
    y = sg.concatenate([x, x[:, :, 1:]], axis=2)
    turned = sg.swapaxes(y, 1, 2)
    outputs = [turned @ y, y @ turned, sg.nn.relu(turned @ y - 0.5)]
    arrays = [np.random.default_rng(n).normal(size=(2, 3, n)) for n in ROWS]
    agree(x, outputs, [array.astype("float32") for array in arrays])
