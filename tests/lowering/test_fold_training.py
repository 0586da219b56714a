"""A convolution behind BN in training: its kernels read what BN does, in every way."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.target import host_target, runnable
from symgraph.autodiff import grad
from symgraph.graph import Graph, TensorType, Variable, evaluate
from symgraph.lowering.expansion import expand_all
from symgraph.lowering.lower import lower
from symgraph.ops import nn
from symgraph.ops.batch_norm import BatchNormTraining
from symgraph.ops.normalize import batch_norm_training
from symgraph.ops.selection import Where
from symgraph.rules import rewrite
from tests.lowering.conftest import run_lowered
from tests.lowering.graphs import random

TOLERANCE = {"float32": 3e-5, "float64": 1e-12}

# (channels, filters, kernel, sizes): remainders of every tile, few channels, minimal
# filtering on six and on eight points.
SHAPES = {
    "odd": (5, 7, (3, 2), (9, 11)),
    "few channels": (3, 16, (3, 3), (13, 12)),
    "six points": (16, 32, (3, 3), (22, 23)),
    "eight points": (32, 32, (5, 5), (20, 19)),
}


def numbers(shape):
    """Parameters and the factors of a weighted sum of the results."""
    channels, outputs, (rows, columns), (height, width) = SHAPES[shape]
    kernel = (outputs, channels, rows, columns)
    counts = (outputs, height - rows + 1, width - columns + 1)
    sizes = (kernel, (outputs,), (channels,), (channels,), counts)
    return [random(*size) for size in sizes]


def step(shape, dtype, parts):
    """A convolution of normalized images, and its gradients."""
    channels, *_, sizes = SHAPES[shape]
    x = Variable(TensorType(dtype, (None, channels, *sizes)))
    w, b, gamma, beta, factors = (
        Variable(TensorType(dtype, part.shape)) for part in parts
    )
    y = nn.conv2d(batch_norm_training(x, gamma, beta)[0], w, b)
    gradients = grad((y * factors).sum(), [x, w, b, gamma, beta])
    return Graph([x, w, b, gamma, beta, factors], [y, *gradients])


def exact(shape, arrays):
    """The definition in float64 of these very numbers."""
    wide = [array.astype("float64") for array in arrays]
    graph = step(shape, "float64", wide[1:])
    return evaluate(graph.outputs, dict(zip(graph.inputs, wide, strict=True)))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("target", runnable(), ids=lambda target: target.name)
def test_every_target(target, shape, dtype):
    parts = numbers(shape)
    folded = rewrite(step(shape, dtype, parts)).graph
    assert not folded.find(BatchNormTraining)
    lowered = lower(folded, "tested", target)
    for batch in (1, 3):
        images = random(batch, *folded.inputs[0].type.shape[1:])
        arrays = [array.astype(dtype) for array in (images, *parts)]
        results = run_lowered(lowered, arrays, target)
        for got, want in zip(results, exact(shape, arrays), strict=True):
            assert np.abs(got - want).max() <= TOLERANCE[dtype] * np.abs(want).max()


def test_no_images_at_all():
    parts = numbers("odd")
    folded = rewrite(step("odd", "float32", parts)).graph
    arrays = [np.zeros((0, *folded.inputs[0].type.shape[1:]), "float32"), *parts]
    lowered = lower(folded, "tested", host_target())
    results = run_lowered(lowered, arrays, host_target())
    for got, want in zip(results, exact("odd", arrays), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("batch", "choices"), [(None, 1), (3, 0)])
def test_a_variance_of_nothing_is_looked_for_where_it_may_be(batch, choices):
    x, gamma, dy = (
        Variable(TensorType("float32", shape))
        for shape in ((batch, 5, 7, 3), (5,), (batch, 5, 7, 3))
    )
    y, *_ = batch_norm_training(x, gamma)
    graph = expand_all(Graph([x, gamma, dy], grad((y * dy).sum(), [x, gamma])))
    assert len(graph.find(Where)) == choices
