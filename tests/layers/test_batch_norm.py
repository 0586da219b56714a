"""Batch normalization and standardization as layers: axes, parameters, phases."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import layers
from symgraph.graph import MissingValue, TensorType, Variable, evaluate
from symgraph.rules import to_inference

RANDOM = np.random.default_rng(1)


def apply(net, x, training=False):
    symbol = Variable(TensorType(x.dtype.name, (None, *x.shape[1:])), name="x")
    return evaluate([net(symbol, training)], {symbol: x})[0]


CASES = [  # axes, shape, axes reduced, shape of a statistic
    (None, (6, 3, 4, 5), (0, 2, 3), (3,)),
    (0, (6, 3, 4, 5), (0,), (3, 4, 5)),
    ((0, 1), (6, 3, 4), (0, 1), (4,)),
    ((-1, 0), (6, 3, 4), (0, 2), (3,)),
    ((0, 1, 2), (6, 3, 4), (0, 1, 2), ()),
    (None, (6, 3), (0,), (3,)),
]


@pytest.mark.parametrize(("axes", "shape", "reduced", "kept"), CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_normalizes_by_the_batch(axes, shape, reduced, kept, dtype):
    layer = layers.BatchNorm(axes=axes, epsilon=1e-3)
    layer.build((None, *shape[1:]), dtype=dtype)
    assert layer["gamma"].type.shape == kept
    gamma, beta = RANDOM.normal(size=kept), RANDOM.normal(size=kept)
    layer["gamma"].set_value(gamma.astype(dtype))
    layer["beta"].set_value(beta.astype(dtype))
    x = RANDOM.normal(2.0, 3.0, size=shape).astype(dtype)
    mean = x.mean(axis=reduced, keepdims=True, dtype=np.float64)
    variance = x.var(axis=reduced, keepdims=True, dtype=np.float64)
    gamma, beta = np.expand_dims(gamma, reduced), np.expand_dims(beta, reduced)
    expected = gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta
    np.testing.assert_allclose(
        apply(layer, x, training=True), expected, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(("axes", "shape", "reduced", "kept"), CASES)
def test_inference_normalizes_by_the_statistics(axes, shape, reduced, kept):
    layer = layers.BatchNorm(axes=axes).build((None, *shape[1:]), dtype="float64")
    mean, variance = RANDOM.normal(size=kept), RANDOM.uniform(1, 2, size=kept)
    layer["mean"].set_value(mean)
    layer["variance"].set_value(variance)
    x = RANDOM.normal(size=shape)
    mean, variance = np.expand_dims(mean, reduced), np.expand_dims(variance, reduced)
    expected = (x - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(apply(layer, x), expected, rtol=1e-10)


def test_parameters_are_optional():
    layer = layers.BatchNorm(gamma=False, beta=False).build((None, 3), dtype="float64")
    assert layer.trainable == []
    x = RANDOM.normal(size=(7, 3))
    expected = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
    np.testing.assert_allclose(apply(layer, x, training=True), expected, atol=1e-12)


def test_mean_only_shifts_and_does_not_scale():
    layer = layers.BatchNorm(mean_only=True).build((None, 3), dtype="float64")
    assert set(layer.own) == {
        "beta",
        "mean",
        "running_mean",
        "running_variance",
        "running_steps",
    }
    x = RANDOM.normal(size=(7, 3))
    np.testing.assert_allclose(apply(layer, x, True), x - x.mean(0), atol=1e-12)
    layer["mean"].set_value(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(apply(layer, x), x - [1.0, 2.0, 3.0], atol=1e-12)


def test_training_can_be_asked_of_some_layers():
    net = layers.Sequential(
        [layers.BatchNorm(), layers.BatchNorm()], input_shape=(None, 3), dtype="float64"
    )
    net[0]["mean"].set_value(np.ones(3))
    net[0]["variance"].set_value(np.full(3, 4.0))
    x = RANDOM.normal(size=(7, 3))
    middle = (x - 1) / np.sqrt(4 + 1e-5)
    expected = (middle - middle.mean(0)) / np.sqrt(middle.var(0) + 1e-5)
    np.testing.assert_allclose(apply(net, x, {net[1]}), expected, atol=1e-12)


def test_statistics_that_were_never_learned():
    norm = layers.BatchNorm().build((None, 3))
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(MissingValue, match=r"batch_norm\.\w+: .*training\.post_learn"):
        apply(norm, x)
    standardize = layers.Standardize().build((None, 3))
    with pytest.raises(MissingValue, match=r"standardize\.\w+: .*training\.pre_learn"):
        apply(standardize, x, training=True)


def test_standardize():
    layer = layers.Standardize().build((None, 3, 2, 2), dtype="float64")
    mean, variance = np.array([1.0, 2.0, 3.0]), np.array([4.0, 9.0, 16.0])
    layer["mean"].set_value(mean)
    layer["variance"].set_value(variance)
    x = RANDOM.normal(size=(5, 3, 2, 2))
    shape = (3, 1, 1)
    expected = (x - mean.reshape(shape)) / np.sqrt(variance).reshape(shape)
    for training in (False, True):
        np.testing.assert_allclose(apply(layer, x, training), expected, rtol=1e-12)
    assert layer.trainable == []


def test_operations_name_what_they_receive():
    norm = layers.BatchNorm().build((None, 3))
    (operation,) = norm.operations
    assert operation.phase == "post"
    assert operation.receivers == (norm["mean"], norm["variance"])
    assert set(operation.estimators) == {"population", "minibatch"}
    standardize = layers.Standardize(mean_only=True).build((None, 3))
    (operation,) = standardize.operations
    assert operation.phase == "pre"
    assert operation.receivers == (standardize["mean"],)


def test_to_inference_of_a_graph_for_training():
    norm, shift = layers.BatchNorm(), layers.BatchNorm(mean_only=True)
    net = layers.Sequential(
        [layers.Standardize(), norm, layers.Dropout(0.5), layers.Dense(2), shift],
        input_shape=(None, 3),
        dtype="float64",
    )
    for parameter in net.statistics:
        if parameter.missing is not None:
            parameter.set_value(RANDOM.uniform(1, 2, size=parameter.type.shape))
    x = Variable(net.input_type, name="x")
    trained = net(x, training=True)
    inference = to_inference(trained, layers.statistics_in([trained]))
    data = RANDOM.normal(size=(7, 3))
    found, expected = evaluate([inference, net(x)], {x: data})
    np.testing.assert_allclose(found, expected)
