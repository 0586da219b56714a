"""Batch normalization against its definition, one statistic at a time."""

from __future__ import annotations

from itertools import product
from math import sqrt

import numpy as np
import pytest

from symgraph import ops as sg
from symgraph.autodiff import grad
from symgraph.compile import function
from symgraph.graph import GraphError, TypeMismatch
from symgraph.graph.evaluate import evaluate
from symgraph.ops import nn
from symgraph.ops.batch_norm import (
    BatchNormInference,
    BatchNormTraining,
    BatchNormTrainingGrad,
)

AXES = [
    ((0, 2, 3), (2, 3, 5, 7)),  # per channel
    ((0,), (2, 3, 5, 7)),  # per activation
    ((0,), (5, 3)),
    ((0, 1), (2, 3, 5)),  # per time step
    ((0, 1, 2), (2, 3, 5)),  # one statistic
    ((), (2, 3)),
]


def kept(shape, axes):
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def arguments(axes, shape, dtype="float64"):
    rng = np.random.default_rng(9)
    x = rng.normal(2, 3, shape).astype(dtype)
    parameters = [rng.normal(size=kept(shape, axes)).astype(dtype) for _ in range(3)]
    variance = rng.uniform(0.5, 2, kept(shape, axes)).astype(dtype)
    return x, *parameters, variance


def by_statistic(axes, x):
    """For each parameter index, an index of x that takes the elements it normalizes."""
    for place in product(*map(range, kept(x.shape, axes))):
        rest = iter(place)
        yield (
            place,
            tuple(slice(None) if a in axes else next(rest) for a in range(x.ndim)),
        )


@pytest.mark.parametrize("mean_only", [False, True])
@pytest.mark.parametrize(("axes", "shape"), AXES)
def test_training_is_algorithm_1(axes, shape, mean_only):
    x, gamma, beta, _, _ = arguments(axes, shape)
    op = BatchNormTraining(axes, 1e-3, mean_only)
    y, mean, variance = op.reference(x, gamma, beta)
    for place, group in by_statistic(axes, x):
        values = x[group].ravel().tolist()
        mu = sum(values) / len(values)
        sigma2 = sum((v - mu) ** 2 for v in values) / len(values)
        scale = 1.0 if mean_only else sqrt(sigma2 + 1e-3)
        normal = (x[group] - mu) / scale * gamma[place] + beta[place]
        np.testing.assert_allclose(mean[place], mu, rtol=1e-12)
        np.testing.assert_allclose(variance[place], sigma2, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(y[group], normal, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("mean_only", [False, True])
@pytest.mark.parametrize(("axes", "shape"), AXES)
def test_inference_uses_the_statistics_given(axes, shape, mean_only):
    values = arguments(axes, shape)
    op = BatchNormInference(axes, 1e-3, mean_only)
    y = op.reference(*values)
    x, gamma, beta, mean, variance = values
    for place, group in by_statistic(axes, x):
        scale = 1.0 if mean_only else sqrt(variance[place] + 1e-3)
        normal = (x[group] - mean[place]) / scale * gamma[place] + beta[place]
        np.testing.assert_allclose(y[group], normal, rtol=1e-12, atol=1e-13)
    (expanded,) = evaluate([op.expand(*map(sg.constant, values))])
    np.testing.assert_allclose(y, expanded, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("mean_only", [False, True])
@pytest.mark.parametrize(("axes", "shape"), AXES)
def test_the_fused_gradient_is_that_of_the_definition(axes, shape, mean_only):
    x, gamma, beta, _, _ = arguments(axes, shape)
    dy = np.random.default_rng(10).normal(size=shape)
    variables = [sg.constant(v) for v in (x, gamma, beta)]
    y, _, _ = BatchNormTraining(axes, 1e-3, mean_only)(*variables)
    fused = grad((y * dy).sum(), variables)
    assert type(fused[0].owner.op) is BatchNormTrainingGrad
    plain = grad((definition(axes, mean_only, *variables) * dy).sum(), variables)
    for mine, theirs in zip(*chunks(evaluate([*fused, *plain])), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("mean_only", [False, True])
@pytest.mark.parametrize(("axes", "shape"), AXES[:4])
def test_second_order_is_that_of_the_definition(axes, shape, mean_only):
    x, gamma, beta, _, _ = arguments(axes, shape)
    rng = np.random.default_rng(11)
    dy, weights = rng.normal(size=shape), rng.normal(size=shape)
    variables = [sg.constant(v) for v in (x, gamma, beta)]

    def curvature(y):
        dx, dgamma, dbeta = grad((y**3 * dy).sum(), variables)
        first = (dx * weights).sum() + (dgamma**2).sum() + (dbeta**2).sum()
        return grad(first, variables)

    y, _, _ = BatchNormTraining(axes, 1e-2, mean_only)(*variables)
    fused = curvature(y)
    plain = curvature(definition(axes, mean_only, *variables, epsilon=1e-2))
    for mine, theirs in zip(*chunks(evaluate([*fused, *plain])), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-7, atol=1e-7)


def test_gradients_reach_x_through_the_statistics():
    x, gamma, beta, weight, other = arguments((0, 2), (2, 3, 5))
    variables = [sg.constant(v) for v in (x, gamma, beta)]
    _, mean, variance = BatchNormTraining((0, 2))(*variables)
    (dx,) = grad((mean * weight).sum() + (variance * other).sum(), variables[:1])
    m = x.shape[0] * x.shape[2]
    centred = x - x.mean(axis=(0, 2), keepdims=True)
    expected = weight[:, None] / m + 2 * other[:, None] * centred / m
    np.testing.assert_allclose(evaluate([dx])[0], expected, rtol=1e-12)


def definition(axes, mean_only, x, gamma, beta, epsilon=1e-3):
    """The training expression, in ops that know nothing of batch normalization."""
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = (centred**2).mean(axis=axes, keepdims=True)
    normal = centred if mean_only else centred / sg.sqrt(variance + epsilon)
    return normal * sg.expand_dims(gamma, axes) + sg.expand_dims(beta, axes)


def chunks(values):
    return values[: len(values) // 2], values[len(values) // 2 :]


def test_float32_stays_float32_and_survives_a_large_mean():
    rng = np.random.default_rng(12)
    x = (rng.normal(size=(64, 3, 5, 7)) + 1e4).astype("float32")
    ones, zeros = np.ones(3, "float32"), np.zeros(3, "float32")
    y, mean, variance = BatchNormTraining((0, 2, 3)).reference(x, ones, zeros)
    assert {a.dtype.name for a in (y, mean, variance)} == {"float32"}
    exact = x.astype("float64").var(axis=(0, 2, 3))
    np.testing.assert_allclose(variance, exact, rtol=1e-6)


def test_an_empty_batch_has_no_statistics():
    x = np.ones((0, 3, 5, 7))
    y, mean, variance = BatchNormTraining((0, 2, 3)).reference(
        x, np.ones(3), np.ones(3)
    )
    assert y.shape == x.shape
    assert np.isnan(mean).all()
    assert np.isnan(variance).all()
    grads = BatchNormTrainingGrad((0, 2, 3)).reference(x, np.ones(3), mean, variance, x)
    assert [g.shape for g in grads] == [x.shape, (3,), (3,)]


@pytest.mark.parametrize("batch", [0, None])
@pytest.mark.parametrize("mode", ["numpy", "c"])
def test_an_empty_batch_has_no_gradient(batch, mode):
    """Its variance is NaN, but sums over no elements are 0."""
    x, gamma = sg.tensor("x", shape=(batch, 3, 5, 7)), sg.tensor("gamma", shape=(3,))
    y = nn.batch_norm_training(x, gamma)[0]
    gradients = function([x, gamma], grad((y * y).sum(), [x, gamma]), mode=mode)
    dx, dgamma = gradients(np.ones((0, 3, 5, 7), "float32"), np.ones(3, "float32"))
    assert dx.shape == (0, 3, 5, 7)
    np.testing.assert_array_equal(dgamma, np.zeros(3))


def test_builders_choose_axes_and_parameters():
    x = np.random.default_rng(13).normal(size=(2, 3, 5, 7))
    symbol = sg.tensor("x", dtype="float64", shape=(None, 3, 5, None))
    per_channel, mean, variance = nn.batch_norm_training(symbol)
    assert per_channel.owner.op.axes == (0, 2, 3)
    assert mean.type.shape == (3,)
    own = nn.batch_norm(symbol, axes=0)
    given = nn.batch_norm(symbol, mean=mean, variance=variance)
    values = evaluate([per_channel, own, given], {symbol: x})
    centred = x - x.mean(axis=(0, 2, 3), keepdims=True)
    expected = centred / np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 1e-5)
    np.testing.assert_allclose(values[0], expected, rtol=1e-10)
    np.testing.assert_allclose(values[2], expected, rtol=1e-10)
    expected = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
    np.testing.assert_allclose(values[1], expected, rtol=1e-9)


def test_types_become_more_precise_by_the_parameters():
    x = sg.tensor("x", shape=(None, None, 5))
    gamma = sg.tensor("gamma", shape=(3,))
    y, mean, _ = BatchNormTraining((0, 2))(x, gamma, gamma)
    assert y.type.shape == (None, 3, 5)
    assert mean.type.shape == (3,)


@pytest.mark.parametrize(
    ("axes", "shape", "error", "message"),
    [
        ((0, 2, 3), (4,), GraphError, r"gamma must be float32\[3\].*got float32\[4\]"),
        ((0, 4), (3,), GraphError, "axes must be increasing and between 0 and 3"),
        ((2, 0, 3), (3,), GraphError, "axes must be increasing"),
    ],
)
def test_what_does_not_fit_is_named(axes, shape, error, message):
    x, gamma = sg.tensor("x", shape=(2, 3, 5, 7)), sg.tensor("gamma", shape=shape)
    with pytest.raises(error, match=message):
        BatchNormTraining(axes)(x, gamma, gamma)


def test_arguments_that_make_no_sense_are_named():
    x = sg.tensor("x", shape=(2, 3))
    with pytest.raises(GraphError, match="epsilon must be >= 0, got -1"):
        nn.batch_norm(x, epsilon=-1)
    with pytest.raises(GraphError, match="mean and variance must be given together"):
        nn.batch_norm(x, mean=sg.tensor("mean", shape=(3,)))
    counts = sg.tensor("counts", dtype="int32", shape=(2, 3))
    with pytest.raises(
        TypeMismatch, match="input must be float32 or float64, got int32"
    ):
        BatchNormTraining((0,))(counts, x, x)


def test_layer_norm_normalizes_each_example():
    rng = np.random.default_rng(14)
    x, gamma, beta = (rng.normal(size=s) for s in [(2, 3, 5, 7), (5, 7), (5, 7)])
    y = nn.layer_norm(*map(sg.constant, (x, gamma, beta)), axes=(2, 3), epsilon=1e-3)
    centred = x - x.mean(axis=(2, 3), keepdims=True)
    deviation = np.sqrt(x.var(axis=(2, 3), keepdims=True) + 1e-3)
    expected = centred / deviation * gamma + beta
    np.testing.assert_allclose(evaluate([y])[0], expected, rtol=1e-12)


def test_elements_are_counted_at_the_call():
    x = sg.tensor("x", dtype="float64", shape=(None, 3))
    _, mean, variance = nn.batch_norm_training(x)
    (dx,) = grad(mean.sum() + variance.sum(), [x])
    values = np.random.default_rng(15).normal(size=(5, 3))
    expected = 1 / 5 + 2 * (values - values.mean(axis=0)) / 5
    np.testing.assert_allclose(evaluate([dx], {x: values})[0], expected, rtol=1e-12)


def test_builders_take_arrays_and_promote_all_arguments_together():
    x = sg.tensor("x", dtype="float32", shape=(2, 3))
    y = nn.batch_norm(x, None, np.zeros(3), np.zeros(3, "float32"), np.ones(3))
    assert y.dtype == "float64"
    assert nn.layer_norm(x, np.ones(3, "float32"), np.zeros(3, "float32")).ndim == 2
