"""Of no examples there are no moments, but gradients, sums of nothing, are 0."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph import nn
from symgraph.graph import evaluate
from symgraph.ops.batch_norm import BatchNormInference, BatchNormTraining
from tests.effort import unoptimized

BATCHES = (0, 1, 5)
# One example is its own mean: the reference computes zeros, with no rounding that mode
# "debug" could allow native code.
OF_DEBUG = (0, 3, 5)
IMAGES = (0, 2, 3)


@pytest.fixture(autouse=True)
def _in_no_hurry(monkeypatch):
    unoptimized(monkeypatch)


def leaf(*shape):
    """An input of double precision."""
    return sg.tensor(dtype="float64", shape=shape)


def check(inputs, outputs, mode):
    """One function, called with every batch, against the definitions of the ops.

    Gives the function, and its results for no examples.
    """
    function = sg.function(inputs, outputs, mode=mode)
    found, rng = {}, np.random.default_rng(0)
    for batch in OF_DEBUG if mode == "debug" else BATCHES:
        shapes = [[batch if n is None else n for n in v.type.shape] for v in inputs]
        arrays = [rng.normal(size=shape) for shape in shapes]
        found[batch] = function(*arrays)
        wanted = evaluate(outputs, dict(zip(inputs, arrays, strict=True)))
        for got, want in zip(found[batch], wanted, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
    return function, found[0]


@pytest.mark.parametrize("mean_only", [False, True])
def test_filters_behind_a_normalization(mode, mean_only):
    x, w = leaf(None, 3, 7, 8), leaf(5, 3, 3, 2)
    gamma, beta = leaf(3), leaf(3)
    y, mean, variance = nn.batch_norm_training(
        x, gamma, beta, epsilon=0.1, mean_only=mean_only
    )
    loss = sg.sin(nn.conv2d(y, w)).sum()
    leaves = [x, gamma, beta, w]
    outputs = [mean, variance, *sg.grad(loss, leaves)]
    function, (*moments, dx, dgamma, dbeta, dw) = check(leaves, outputs, mode)
    assert not function.graph.find(BatchNormTraining)  # it is in the filters
    assert np.isnan(moments).all()
    assert dx.size == 0
    assert not any(slope.any() for slope in (dgamma, dbeta, dw))


def test_moments_of_ones_own(mode):
    x, w, gamma = leaf(None, 3, 7, 8), leaf(5, 3, 3, 2), leaf(3)
    moments = sg.mean(x, IMAGES), sg.var(x, IMAGES)
    y = nn.batch_norm(x, gamma, None, *moments, epsilon=0.1)
    loss = sg.sin(nn.conv2d(y, w)).sum()
    function, (dw,) = check([x, gamma, w], [sg.grad(loss, w)], mode)
    assert not function.graph.find(BatchNormInference)
    assert not dw.any()


@pytest.mark.parametrize("mean_only", [False, True])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [((None, 3, 4, 5), IMAGES), ((None, 3), 0), ((None, 2, 3), (0, 1))],
)
def test_derivatives_of_both_orders(mode, shape, axes, mean_only):
    x, weights = leaf(*shape), leaf(*shape)
    gamma, beta = leaf(shape[1] if axes == IMAGES else shape[-1]), leaf(3)
    y = nn.batch_norm_training(
        x, gamma, beta, axes=axes, epsilon=0.1, mean_only=mean_only
    )[0]
    leaves = [x, gamma, beta]
    dx, dgamma, dbeta = sg.grad((y**3 * weights).sum(), leaves)
    first = (dx * weights).sum() + (dgamma * dbeta).sum()
    outputs = [dgamma, dbeta, *sg.grad(first, leaves)]
    _, found = check([*leaves, weights], outputs, mode)
    assert not any(slope.any() for slope in found)


def test_running_averages_stay_as_they_are(mode):
    rng = np.random.default_rng(0)
    net = sg.layers.BatchNorm().build((None, 3))
    x = sg.tensor("x", shape=(None, 3))
    loss = (net(x, training=True) ** 3).sum()
    step = sg.function(
        [x], loss, updates=sg.training.sgd(loss, net.trainable), mode=mode
    )
    step(rng.normal(size=(5, 3)).astype("float32"))
    names = ("gamma", "running_mean", "running_variance", "running_steps")
    before = [net[name].get_value() for name in names]
    step(np.zeros((0, 3), "float32"))
    for name, value in zip(names, before, strict=True):
        np.testing.assert_array_equal(net[name].get_value(), value)
    step(rng.normal(size=(5, 3)).astype("float32"))
    assert net["running_steps"].get_value() == 2
