"""What a function returns of an image in blocks: any part of it, in any order."""

from itertools import permutations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import evaluate


@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("shape", [(2, 1, 2, 5), (2, 1, None, 5), (None, 1, 2, 5)])
def test_views_of_an_image_are_returned_as_they_are(shape, channels):
    rng = np.random.default_rng(channels)
    x = sg.tensor("x", shape=shape)
    weight = rng.normal(size=(channels, 1, 1, 1)).astype("float32")
    bias = rng.normal(size=(channels, 1, 1)).astype("float32")
    image = sg.nn.relu(sg.nn.conv2d(x, weight) + bias)
    views = [image.transpose(order) for order in permutations(range(4))]
    views += [image[:1], image[:, 1:], image[:, :, :, ::-1], image[:, :2], image[1].T]
    given = rng.normal(size=(2, 1, 2, 5)).astype("float32")
    expected = evaluate(views, {x: given})
    for found, value in zip(sg.function([x], views)(given), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("height", [2, None])
def test_an_image_alone_is_returned_transposed(height):
    rng = np.random.default_rng(0)
    x = sg.tensor("x", "float64", shape=(2, 1, height, 5))
    weight = rng.normal(size=(3, 1, 2, 3))
    image = sg.nn.conv2d(x, weight, padding=(2, 1), stride=(2, 1))
    for order in ((2, 1, 0, 3), (0, 2, 3, 1)):
        view, given = image.transpose(order), rng.normal(size=(2, 1, 2, 5))
        found, expected = sg.function([x], view)(given), evaluate([view], {x: given})[0]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_gradient_whose_size_another_one_turned_out_to_be():
    """That rows have five numbers is known by the weights, once there are kernels."""
    rng = np.random.default_rng(0)
    x = sg.tensor("x", shape=(None, 16, None, None))
    filters, weights = (
        rng.normal(size=shape).astype("float32") for shape in ((16, 16, 1, 1), (5, 7))
    )
    y = sg.matmul(sg.tanh(sg.nn.conv2d(x, filters)), weights)
    slope = sg.grad(sg.sin(y).sum(), x)
    given = rng.normal(size=(2, 16, 3, 5)).astype("float32")
    found, expected = sg.function([x], slope)(given), evaluate([slope], {x: given})[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
