"""Convolutions, their gradients, pooling and batch normalization of many images."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import symgraph as sg
from tests.large.checking import close, normal, pieces

IMAGES = (41, 32, 240, 240)  # 302 MB


def correlated(x, filters, stride=1):
    """The convolution of one image in float64, padded by half the filters."""
    taps = filters.shape[2]
    rows, columns = (-(-size // stride) for size in x.shape[1:])
    x = np.pad(x.astype("float64"), [(0, 0), *[(taps // 2, taps // 2)] * 2])
    total = np.zeros((len(filters), rows, columns))
    for r, s in np.ndindex(taps, taps):
        seen = x[:, r::stride, s::stride][:, :rows, :columns]
        total += np.tensordot(filters[:, :, r, s].astype("float64"), seen, 1)
    return total


def weights_gradient(x, dy, taps):
    """dw in float64, one image after another; no stride."""
    total = np.zeros((dy.shape[1], x.shape[1], taps, taps))
    rows, columns = x.shape[2:]
    edges = [(0, 0), *[(taps // 2, taps // 2)] * 2]
    for plain, gradient in zip(x, dy, strict=True):
        image = np.pad(plain.astype("float64"), edges)
        flat = gradient.astype("float64").reshape(len(gradient), -1)
        for r, s in np.ndindex(taps, taps):
            seen = image[:, r : r + rows, s : s + columns]
            total[:, :, r, s] += flat @ seen.reshape(len(seen), -1).T
    return total


@pytest.mark.large(4)
@pytest.mark.parametrize("winograd", [False, True])
@pytest.mark.parametrize(("outputs", "taps"), [(16, 3), (24, 5)])
def test_a_convolution_and_its_gradients(winograd, outputs, taps):
    """Both gradients of <y, dy> for a dy that is given."""
    x, dy = sg.tensor("x", shape=(None, *IMAGES[1:])), sg.tensor4("dy")
    w = sg.tensor("w", shape=(outputs, IMAGES[1], taps, taps))
    with sg.config.context(winograd=winograd):
        y = sg.nn.conv2d(x, w, padding=taps // 2)
        gradients = sg.grad((y * dy).sum(), [x, w])
        step = sg.function([x, w, dy], [y, *gradients])
    images, filters = normal(*IMAGES), normal(*w.type.shape, seed=1)
    given = normal(IMAGES[0], outputs, *IMAGES[2:], seed=2)
    y, dx, dw = step(images, filters, given)
    tolerance = 2e-5 if winograd else 1e-5
    turned = filters.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
    for place in (0, 19, 40):
        close(y[place], correlated(images[place], filters), tolerance=tolerance)
        close(dx[place], correlated(given[place], turned), tolerance=tolerance)
    close(dw, weights_gradient(images, given, taps), tolerance=tolerance)


@pytest.mark.large(4)
@pytest.mark.parametrize("channels", [3, 32])
def test_one_image_of_many_pixels(channels):
    side = {3: 5101, 32: 1571}[channels]
    x, w = sg.tensor4("x"), sg.tensor("w", shape=(8, channels, 3, 3))
    y = sg.nn.conv2d(x, w, padding=1, stride=2)
    image, filters = normal(1, channels, side, side), normal(8, channels, 3, 3, seed=1)
    result = sg.function([x, w], y)(image, filters)
    close(result[0], correlated(image[0], filters, 2))


@pytest.mark.large(5)
def test_images_of_more_than_two_gigabytes():
    images = np.resize(normal(1_000_003), (521, 16, 256, 256))
    assert images.nbytes > 1 << 31
    x, w = (
        sg.tensor("x", shape=(None, 16, 256, 256)),
        sg.tensor("w", shape=(4, 16, 3, 3)),
    )
    filters = normal(4, 16, 3, 3, seed=1)
    y = sg.function([x, w], sg.nn.conv2d(x, w, padding=1, stride=4))(images, filters)
    for place in (0, 255, 520):
        close(y[place], correlated(images[place], filters, 4))


POOLINGS = {
    "two by two": lambda x: sg.nn.max_pool2d(x, 2),
    "overlapping": lambda x: sg.nn.max_pool2d(x, 3, 2, 1),
    "mean": lambda x: sg.nn.average_pool2d(x, 3, 2, 1),
    "global": sg.nn.global_average_pool2d,
}


@pytest.mark.large(4)
@pytest.mark.parametrize("pool", POOLINGS.values(), ids=POOLINGS)
def test_pooling_and_its_gradient(pool):
    x = sg.tensor("x", shape=(None, *IMAGES[1:]))
    y = pool(x)
    outputs = [y, sg.grad((y * y).sum(), x)]
    native, reference = (sg.function([x], outputs, mode=m) for m in ("c", "numpy"))
    images = normal(*IMAGES)
    results = native(images)
    for piece in pieces(images):
        for mine, wanted in zip(results, reference(images[piece]), strict=True):
            close(mine[piece], wanted)


@pytest.mark.large(4)
def test_a_convolution_that_is_pooled_and_its_gradients():
    """The places of the maxima are kept, and the gradients read them.

    All numbers are whole, so that nothing is rounded and the first of equals is known.
    """
    x, w = (
        sg.tensor("x", shape=(None, *IMAGES[1:])),
        sg.tensor("w", shape=(8, 32, 3, 3)),
    )
    y = sg.nn.max_pool2d(sg.nn.relu(sg.nn.conv2d(x, w, padding=1)), 2)
    outputs = [y, *sg.grad(y.sum(), [x, w])]
    images, filters = np.rint(2 * normal(*IMAGES)), np.rint(2 * normal(8, 32, 3, 3))
    with sg.config.context(winograd=False):
        y, dx, dw = sg.function([x, w], outputs)(images, filters)
    turned, wanted = filters.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1], 0.0
    for place, image in enumerate(images):
        whole = correlated(image, filters)
        windows = whole.reshape(8, 120, 2, 120, 2).swapaxes(2, 3)
        windows = windows.reshape(8, 120, 120, 4)
        best, first = windows.max(3, keepdims=True), windows.argmax(3)[..., None]
        given = (np.arange(4) == first) & (best > 0)
        given = given.reshape(8, 120, 120, 2, 2).swapaxes(2, 3).reshape(whole.shape)
        close(y[place], np.maximum(best[..., 0], 0))
        close(dx[place], correlated(given, turned))
        wanted = wanted + weights_gradient(images[place : place + 1], given[None], 3)
    close(dw, wanted)


def total(terms, images, given, axes):
    """The sum of a function of the images and what is given, some at a time."""
    each = (terms(images[p].astype("float64"), given[p]) for p in pieces(images))
    return sum(term.sum(axes) for term in each)


@pytest.mark.large(4)
@pytest.mark.parametrize("axes", [(0, 2, 3), (0,)])
def test_batch_normalization_in_training_and_its_gradient(axes):
    x, dy = sg.tensor("x", shape=(None, *IMAGES[1:])), sg.tensor4("dy")
    kept = (32,) if axes == (0, 2, 3) else IMAGES[1:]
    gamma, beta = sg.tensor("gamma", shape=kept), sg.tensor("beta", shape=kept)
    y, mean, variance = sg.nn.batch_norm_training(x, gamma, beta, axes=axes)
    gradients = sg.grad((y * dy).sum(), [x, gamma, beta])
    step = sg.function([x, gamma, beta, dy], [y, mean, variance, *gradients])
    arrays = 3 + 2 * normal(*IMAGES), normal(*IMAGES, seed=1)
    parameters = normal(*kept, seed=2), normal(*kept, seed=3)
    results = step(arrays[0], *parameters, arrays[1])
    check_batch_norm(*arrays, *parameters, axes, *results)


def check_batch_norm(
    images, given, gamma, beta, axes, y, mean, variance, dx, dgamma, dbeta
):
    """Statistics, results and gradients are those of the definition in float64."""
    count, spread = images.size / mean.size, partial(np.expand_dims, axis=axes)
    summed = partial(total, images=images, given=given, axes=axes)
    centre = summed(lambda a, d: a) / count
    close(mean, centre)
    spreads = summed(lambda a, d: (a - spread(centre)) ** 2) / count
    close(variance, spreads)
    rate = 1 / np.sqrt(spreads + 1e-5)

    def normalized(a):
        return (a - spread(centre)) * spread(rate)

    close(dbeta, summed(lambda a, d: d))
    slope = summed(lambda a, d: d * normalized(a))
    close(dgamma, slope)
    for p in pieces(images):
        h = normalized(images[p])
        close(y[p], h * spread(gamma) + spread(beta))
        left = given[p] - spread(dbeta / count) - h * spread(slope / count)
        close(dx[p], spread(gamma * rate) * left)
