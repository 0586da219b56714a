"""Learning in machine code: the same statistics, steps and errors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from symgraph import layers, training
from symgraph.compile import function
from symgraph.graph import MissingValue, Variable, evaluate
from symgraph.graph.config import config
from symgraph.ops import nn

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(3.0, 2.0, size=(23, 3, 8, 9)).astype(np.float32)
Y = RANDOM.integers(0, 2, size=23)


@pytest.fixture(autouse=True)
def native(numpy_mode: None) -> Iterator[None]:
    with config.context(mode="c"):
        yield


def network():
    return layers.Sequential(
        [
            layers.Standardize(),
            layers.Conv2D(5, 3, activation=nn.relu),
            layers.BatchNorm(),
            layers.Conv2D(4, 2, activation=nn.relu),
            layers.MaxPool2D(2),
            layers.BatchNorm(axes=0),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(2),
        ],
        input_shape=(None, 3, 8, 9),
    )


def learned(net):
    return [
        v.get_value() for v in net.parameters if v.name.endswith(("mean", "variance"))
    ]


def input_of(net, norm, x, training=False):
    symbol = Variable(net.input_type, name="x")
    y = symbol
    for layer in net[: net.children.index(norm)]:
        y = layer(y, training=training and isinstance(layer, layers.BatchNorm))
    return evaluate([y], {symbol: x})[0].astype(np.float64)


@pytest.mark.parametrize("size", [4, 23])
def test_population_is_a_two_pass_computation(size):
    net = network()
    training.pre_learn(net, training.batches(X, size))
    training.post_learn(net, training.batches(X, size))
    wide = X.astype(np.float64)
    mean, variance = wide.mean((0, 2, 3)), wide.var((0, 2, 3))
    np.testing.assert_allclose(net[0]["mean"].get_value(), mean, rtol=1e-6)
    np.testing.assert_allclose(net[0]["variance"].get_value(), variance, rtol=1e-6)
    for norm, axes in ((net[2], (0, 2, 3)), (net[5], (0,))):
        values = input_of(net, norm, X)
        mean, variance = norm["mean"].get_value(), norm["variance"].get_value()
        largest = np.abs(values).max()
        np.testing.assert_allclose(mean, values.mean(axes), 1e-6, 1e-6 * largest)
        np.testing.assert_allclose(variance, values.var(axes), 1e-6, 1e-6 * largest**2)


def test_minibatch_is_algorithm_2():
    net = network()
    training.pre_learn(net, training.batches(X, 23))
    training.post_learn(net, training.batches(X[:20], 5), "minibatch")
    norm = net[2]
    parts = [input_of(net, norm, x, training=True) for x in np.split(X[:20], 4)]
    mean = np.mean([x.mean((0, 2, 3)) for x in parts], axis=0)
    np.testing.assert_allclose(norm["mean"].get_value(), mean, rtol=1e-5)
    m = parts[0].size / 5
    variance = np.mean([x.var((0, 2, 3)) * m / (m - 1) for x in parts], axis=0)
    np.testing.assert_allclose(norm["variance"].get_value(), variance, rtol=1e-5)


def test_fit_agrees_with_the_reference():
    native, reference = network(), network()
    options = {"epochs": 2, "data": (X, Y), "batch_size": 5, "validation": (X, Y)}
    found = training.fit(native, **options)
    with config.context(mode="numpy"):
        expected = training.fit(reference, **options)
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-4)
    validation = "validation_loss"
    np.testing.assert_allclose(found[validation], expected[validation], rtol=1e-3)
    for one, other in zip(learned(native), learned(reference), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_the_same_seed_gives_the_same_bits():
    one, two = network(), network()
    for net in (one, two):
        training.fit(net, data=(X, Y), epochs=2, batch_size=5)
    for first, second in zip(one.parameters, two.parameters, strict=True):
        np.testing.assert_array_equal(first.get_value(), second.get_value())


def test_labels_out_of_range_change_nothing():
    net = network()
    before = [v.get_value() for v in net.trainable]
    with pytest.raises(IndexError):
        training.fit(net, data=(X, Y + 1), epochs=1, batch_size=5)
    for parameter, value in zip(net.trainable, before, strict=True):
        np.testing.assert_array_equal(parameter.get_value(), value)


def test_statistics_that_were_never_learned():
    net = network()
    x = Variable(net.input_type, name="x")
    predict = function([x], net(x))
    with pytest.raises(MissingValue, match=r"training\.pre_learn"):
        predict(X)
    training.pre_learn(net, training.batches(X, 5))
    with pytest.raises(MissingValue, match=r"training\.post_learn"):
        predict(X)
    training.post_learn(net, training.batches(X, 5))
    assert predict(X).shape == (23, 2)


@pytest.mark.parametrize(
    "optimizer", [training.adam, training.rmsprop, training.adadelta, training.adagrad]
)
def test_optimizers(optimizer):
    results = {}
    x = RANDOM.normal(size=(20, 3))
    data = (x, (x.sum(axis=1) > 0).astype(np.int64))
    for mode in ("c", "numpy"):
        net = layers.Sequential([layers.Dense(2)], input_shape=(None, 3))
        with config.context(mode=mode):
            training.fit(net, data=data, epochs=3, optimizer=optimizer, batch_size=5)
        results[mode] = net[0]["weights"].get_value()
    np.testing.assert_allclose(results["c"], results["numpy"], rtol=1e-4, atol=1e-5)
