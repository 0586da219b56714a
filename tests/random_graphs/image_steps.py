"""Steps on images [N, C, H, W]: what lowering keeps in blocks of channels."""

from __future__ import annotations

import numpy as np

import symgraph as sg
from symgraph.graph import Variable
from tests.random_graphs.scene import Scene, Unfit, Value

nn = sg.nn


def image(scene: Scene) -> Value:
    """An image that has pixels."""
    return scene.pick(lambda a: a.ndim == 4 and min(a.shape[1:]) > 0)


def convolved(scene: Scene) -> Variable:
    """Any convolution: strides, padding, dilation, groups; what may follow it."""
    x, array = image(scene)
    channels, size = array.shape[1], array.shape[2:]
    groups = scene.choose([1, 1, *(g for g in (2, 3, channels) if channels % g == 0)])
    filters = groups * scene.choose([1, 2, 3, 8, 9, 16])
    window = [scene.choose([n for n in (1, 3, 2, 5) if n <= span]) for span in size]
    padding = [(scene.number(0, 2), scene.number(0, 2)) for _ in size]
    if filters > 32:
        raise Unfit
    y = nn.conv2d(
        x,
        scene.parameter(filters, channels // groups, *window),
        scene.parameter(filters) if scene.maybe() else None,
        stride=(scene.number(1, 2), scene.number(1, 3)),
        padding=scene.choose(["valid", "same", padding]),
        dilation=scene.choose([1, 1, (2, 1)]),
        groups=groups,
    )
    return scene.choose([nn.relu, sg.tanh, lambda x: x])(y)


def spread(scene: Scene) -> Variable:
    """A transposed convolution."""
    x, array = image(scene)
    window = scene.number(1, 3), scene.number(1, 3)
    filters = scene.parameter(array.shape[1], scene.choose([1, 3, 8]), *window)
    return nn.conv_transpose2d(x, filters, stride=(scene.number(1, 3), 1))


def pooled(scene: Scene) -> Variable:
    """Pooling of any window, of the whole image, or 2 by 2 after relu."""
    x, array = image(scene)
    kinds = ["max", "average", "relu and max", "global average", "global max"]
    kind = scene.choose(kinds)
    if kind == "global average":
        return nn.global_average_pool2d(x)
    if kind == "global max":
        return nn.global_max_pool2d(x)
    if kind == "relu and max":
        return nn.max_pool2d(nn.relu(x), 2)
    window = [scene.number(1, min(3, span)) for span in array.shape[2:]]
    padding = [scene.number(0, span - 1) for span in window]
    stride = scene.number(1, 3), scene.number(1, 3)
    pool = nn.max_pool2d if kind == "max" else nn.average_pool2d
    return pool(x, window, stride, padding)


def normalized(scene: Scene) -> Variable:
    """Batch normalization, with the statistics of the batch or with given ones.

    Its epsilon is large: the variance of few numbers may be nothing.
    """
    x, array = image(scene)
    channels = array.shape[1]
    gamma, beta = scene.parameter(channels), scene.parameter(channels)
    if scene.maybe():
        return nn.batch_norm_training(x, gamma, beta, epsilon=0.1)[0]
    mean = scene.parameter(channels)
    variance = sg.constant(np.abs(scene.normal(channels)) + 0.5)
    variance = variance.astype(scene.dtype)
    return nn.batch_norm_inference(x, gamma, beta, mean, variance, epsilon=0.01)


def with_residual(scene: Scene) -> Variable:
    """The sum of two images of one shape, then relu."""
    x, array = image(scene)
    y = scene.pick(lambda a: a.shape == array.shape).variable
    return nn.relu(x + y)


def flattened(scene: Scene) -> Variable:
    """A dense layer over all numbers of an image."""
    x, array = image(scene)
    features = int(np.prod(array.shape[1:]))
    weights = scene.parameter(features, scene.number(1, 9))
    return nn.dense(x.reshape((x.shape[0], features)), weights)


STEPS = [convolved, convolved, pooled, normalized, with_residual, spread, flattened]
