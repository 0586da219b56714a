"""The three estimators against their definitions, and in how many sweeps."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import layers, training
from symgraph.compile import function
from symgraph.graph import Variable, evaluate
from symgraph.training import LearningError
from symgraph.training.plan import make_plan
from tests.training.learning import RANDOM, X, activation, batches, convnet, norms

# Pre-learning.


@pytest.mark.parametrize("size", [1, 5, 23, 100])
def test_pre_learn_is_a_two_pass_computation(size):
    net = convnet()
    training.pre_learn(net, batches(X, size))
    np.testing.assert_allclose(
        net[0]["mean"].get_value(), X.mean((0, 2, 3)), rtol=1e-12
    )
    expected = X.var((0, 2, 3))
    np.testing.assert_allclose(net[0]["variance"].get_value(), expected, rtol=1e-12)


def test_images_of_bytes_are_converted():
    net = convnet("float32")
    images = RANDOM.integers(0, 256, size=X.shape, dtype=np.uint8)
    training.pre_learn(net, batches((images, np.zeros(23)), 5))
    expected = images.mean((0, 2, 3))
    np.testing.assert_allclose(net[0]["mean"].get_value(), expected, rtol=1e-6)


def test_moments_far_from_zero_lose_nothing():
    """E[x^2] - E[x]^2 in float32, or even in float64, would be far off here."""
    net = convnet("float32")
    x = (1e4 + RANDOM.normal(0.0, 0.1, size=X.shape)).astype(np.float32)
    training.pre_learn(net, batches(x, 5))
    expected = x.var((0, 2, 3), dtype=np.float64)
    np.testing.assert_allclose(net[0]["variance"].get_value(), expected, rtol=1e-6)


def test_what_never_varies_is_divided_by_one():
    net = convnet("float32")
    x = X.astype(np.float32)
    x[:, 1] = 0.1
    training.pre_learn(net, batches(x, 5))
    assert net[0]["variance"].get_value()[1] == 1.0
    assert np.abs(activation(net, 1, x)[:, 1]).max() < 1e-6


# Post-learning.


def reduced(axes):
    return (0, 2, 3) if axes is None else (axes,)


@pytest.mark.parametrize("size", [1, 5, 23, 100])
@pytest.mark.parametrize("axes", [None, 0])
@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-10), ("float32", 1e-6)])
def test_population_is_a_two_pass_computation(size, axes, dtype, rtol):
    net, x = convnet(dtype, axes), X.astype(dtype)
    training.pre_learn(net, batches(x, size))
    training.post_learn(net, batches(x, size), estimator="population")
    for norm in norms(net):
        values = activation(net, net.children.index(norm), x).astype(np.float64)
        mean, variance = norm["mean"].get_value(), norm["variance"].get_value()
        atol = rtol * np.abs(values).max()
        np.testing.assert_allclose(mean, values.mean(reduced(axes)), rtol, atol)
        np.testing.assert_allclose(variance, values.var(reduced(axes)), rtol, atol)


@pytest.mark.parametrize("axes", [None, 0])
@pytest.mark.parametrize("size", [5, 23])
def test_minibatch_is_algorithm_2(axes, size):
    net, x = convnet(axes=axes), X[:20] if size == 5 else X
    training.pre_learn(net, batches(x, 5))
    training.post_learn(net, batches(x, size), estimator="minibatch")
    for norm in norms(net):
        means, variances = [], []
        for batch in batches(x, size)():
            values = training_activation(net, norm, batch)
            means.append(values.mean(reduced(axes)))
            m = values.size / means[-1].size
            variances.append(values.var(reduced(axes)) * m / (m - 1))
        mean, variance = norm["mean"].get_value(), norm["variance"].get_value()
        np.testing.assert_allclose(mean, np.mean(means, axis=0), 1e-9, 1e-9)
        np.testing.assert_allclose(variance, np.mean(variances, axis=0), 1e-9, 1e-9)


def training_activation(net, norm, batch):
    """The input of ``norm`` in training, but without dropout."""
    symbol = Variable(net.input_type, name="x")
    y = symbol
    for layer in net[: net.children.index(norm)]:
        y = layer(y, training=isinstance(layer, layers.BatchNorm))
    return evaluate([y], {symbol: batch})[0]


def test_a_ragged_last_batch_counts_as_a_batch():
    net = layers.Sequential(
        [layers.BatchNorm()], input_shape=(None, 2), dtype="float64"
    )
    x = RANDOM.normal(size=(5, 2))
    training.post_learn(net, batches(x, 3), estimator="minibatch")
    mean = (x[:3].mean(0) + x[3:].mean(0)) / 2
    variance = (x[:3].var(0, ddof=1) + x[3:].var(0, ddof=1)) / 2
    np.testing.assert_allclose(net[0]["mean"].get_value(), mean)
    np.testing.assert_allclose(net[0]["variance"].get_value(), variance)


def test_running_is_kept_by_the_steps_of_training():
    net = layers.Sequential(
        [layers.BatchNorm(momentum=0.7)], input_shape=(None, 2), dtype="float64"
    )
    x = Variable(net.input_type, name="x")
    loss = (net(x, training=True) ** 3).sum()
    step = function([x], loss, updates=training.sgd(loss, net.trainable))
    mean, variance = np.zeros(2), np.ones(2)
    for _ in range(4):
        batch = RANDOM.normal(2.0, 3.0, size=(5, 2))
        step(batch)
        mean = 0.7 * mean + 0.3 * batch.mean(0)
        variance = 0.7 * variance + 0.3 * batch.var(0, ddof=1)
    assert net[0]["mean"].missing is not None
    training.post_learn(net, estimator="running")
    np.testing.assert_allclose(net[0]["mean"].get_value(), mean)
    np.testing.assert_allclose(net[0]["variance"].get_value(), variance)
    assert net[0]["running_steps"].get_value() == 4


@pytest.mark.parametrize("estimator", ["population", "minibatch", "running"])
def test_mean_only(estimator):
    net = layers.Sequential(
        [layers.BatchNorm(mean_only=True)], input_shape=(None, 2), dtype="float64"
    )
    x = Variable(net.input_type, name="x")
    loss = net(x, training=True).sum()
    step = function([x], loss, updates=training.sgd(loss, net.trainable))
    step(np.ones((5, 2)))
    data = RANDOM.normal(size=(6, 2))
    training.post_learn(net, batches(data, 3), estimator)
    expected = np.full(2, 0.1) if estimator == "running" else data.mean(0)
    np.testing.assert_allclose(net[0]["mean"].get_value(), expected)


def test_a_layer_used_twice_learns_from_both_inputs():
    norm = layers.BatchNorm()
    net = layers.Sequential(
        [layers.Add([[norm], [layers.Dense(2), norm]])],
        input_shape=(None, 2),
        dtype="float64",
    )
    x = RANDOM.normal(size=(7, 2))
    training.post_learn(net, batches(x, 3))
    other = x @ net[0][1][0]["weights"].get_value()
    both = np.concatenate([x, other])
    np.testing.assert_allclose(norm["mean"].get_value(), both.mean(0))
    np.testing.assert_allclose(norm["variance"].get_value(), both.var(0))


def test_a_statistic_of_itself_cannot_be_learned_from_the_population():
    norm = layers.BatchNorm()
    net = layers.Sequential([norm, layers.Dense(2), norm], input_shape=(None, 2))
    with pytest.raises(LearningError, match="batch_norm_1: a statistic of values"):
        training.post_learn(net, batches(X[:, 0, 0, :2], 5))
    training.post_learn(net, batches(X[:, 0, 0, :2], 5), "minibatch")


def test_a_network_without_statistics_needs_no_data():
    net = layers.Sequential([layers.Dense(2)], input_shape=(None, 3))
    training.pre_learn(net, batches(X, 5))
    training.post_learn(net, batches(X, 5))
    training.post_learn(net, estimator="running")


# The plan.


def test_sweeps_are_as_many_as_the_longest_chain():
    net = convnet()
    names = [
        [task.layer.name for task in sweep]
        for sweep in make_plan(net, "post", "population").sweeps
    ]
    assert names == [["batch_norm_1"], ["batch_norm_2"]]
    assert len(make_plan(net, "post", "minibatch").sweeps) == 1
    assert len(make_plan(net, "pre", "population").sweeps) == 1


def test_layers_side_by_side_share_a_sweep():
    branch = [layers.Dense(3), layers.BatchNorm()]
    deeper = [layers.Dense(3), layers.BatchNorm(), layers.Dense(3), layers.BatchNorm()]
    net = layers.Sequential(
        [layers.Concatenate([branch, deeper]), layers.BatchNorm()],
        input_shape=(None, 2),
    )
    sweeps = make_plan(net, "post", "population").sweeps
    assert [len(sweep) for sweep in sweeps] == [2, 1, 1]


def test_each_sweep_reads_the_data_once():
    net, calls = convnet(), []

    def source():
        calls.append(0)
        return iter(np.array_split(X, 4))

    training.pre_learn(net, source)
    assert len(calls) == 1
    training.post_learn(net, source)
    assert len(calls) == 3
    training.post_learn(net, source, "minibatch")
    assert len(calls) == 4
