"""The three estimators against their definitions, and data that must be refused."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from symgraph import layers, training
from symgraph.compile import function
from symgraph.graph import MissingValue, Variable, evaluate
from symgraph.ops import nn
from symgraph.training import DataError, Interrupted, LearningError
from symgraph.training.plan import make_plan

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(3.0, 2.0, size=(23, 3, 8, 9))


def convnet(dtype="float64", axes=None, **options):
    net = layers.Sequential(
        [
            layers.Standardize(),
            layers.Conv2D(5, 3, activation=nn.relu),
            layers.BatchNorm(axes, **options),
            layers.Dropout(0.5),
            layers.Conv2D(4, 2, activation=nn.relu),
            layers.MaxPool2D(2),
            layers.BatchNorm(axes, **options),
            layers.Flatten(),
            layers.Dense(2),
        ],
        input_shape=(None, 3, 8, 9),
        dtype=dtype,
    )
    for name, parameter in net.named_parameters.items():
        if name.endswith(("gamma", "beta")):
            value = RANDOM.uniform(0.5, 1.5, size=parameter.type.shape)
            parameter.set_value(value.astype(dtype))
    return net


def batches(x, size):
    return training.batches(x, size)


def norms(net):
    return [layer for layer in net if isinstance(layer, layers.BatchNorm)]


def statistics(net):
    return [
        value.get_value()
        for layer in net
        for name, value in layer.own.items()
        if name in ("mean", "variance")
    ]


def activation(net, depth, x, training=False):
    """The input of layer ``depth``, by the reference of every op."""
    symbol = Variable(net.input_type, name="x")
    y = symbol
    for layer in net[:depth]:
        y = layer(y, training)
    return evaluate([y], {symbol: x})[0]


def reduced(axes):
    return (0, 2, 3) if axes is None else (axes,)


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


# Bad input.


def bad(index, batch):
    """Five batches, the one at ``index`` replaced."""
    return lambda: (
        batch if i == index else x for i, x in enumerate(np.split(X[:20], 5))
    )


def not_finite(value):
    batch = X[:4].copy()
    batch[1, 2, 3, 4] = value
    return batch


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (bad(3, not_finite(np.nan)), r"batch 3: has nan at \[1, 2, 3, 4\]"),
        (bad(2, not_finite(np.inf)), r"batch 2: has inf at \[1, 2, 3, 4\]"),
        (bad(1, X[:4, :2]), r"batch 1: expected float64\[\?, 3, 8, 9\], got shape"),
        (bad(0, X[:4, 0]), "batch 0: expected float64"),
        (bad(4, X[:0]), "batch 4: has no examples"),
        (bad(0, np.array(["a"])), "batch 0: expected numbers, got dtype"),
        (bad(0, X[:4] * 1j), "batch 0: expected numbers, got dtype complex128"),
        (lambda: iter([]), "the iterator of sweep 1 is empty"),
        (lambda: 3, "expected an iterator of batches, got int"),
        (iter([X]), "expected a callable that returns a fresh iterator"),
        (X, "expected a callable that returns a fresh iterator"),
    ],
)
def test_data_that_cannot_be_learned_from(source, message):
    net = convnet()
    with pytest.raises(DataError, match=f"pre_learn: .*{message}"):
        training.pre_learn(net, source)
    assert net[0]["mean"].missing is not None


def test_an_iterator_that_is_used_up():
    net = convnet()
    training.pre_learn(net, batches(X, 5))
    once = iter(np.split(X[:20], 5))
    with pytest.raises(DataError, match=r"sweep 2 is empty.*fresh iterator each time"):
        training.post_learn(net, lambda: once)
    assert norms(net)[0]["mean"].missing is not None


def test_read_only_and_strided_arrays_are_fine():
    net = convnet()
    strided = np.asfortranarray(X)[::-1]
    strided.flags.writeable = False
    training.pre_learn(net, lambda: iter([strided]))
    np.testing.assert_allclose(net[0]["mean"].get_value(), X.mean((0, 2, 3)))


def test_a_single_example_has_no_variance():
    net = layers.Sequential([layers.BatchNorm()], input_shape=(None, 2))
    with pytest.raises(LearningError, match="a batch has a single example"):
        training.post_learn(net, batches(np.ones((3, 2)), 2), "minibatch")
    assert net[0]["mean"].missing is not None


def test_unknown_estimators_and_missing_data():
    net = convnet()
    with pytest.raises(LearningError, match="no estimator 'median'; there are: popula"):
        training.post_learn(net, batches(X, 5), "median")
    with pytest.raises(LearningError, match="estimator 'population' needs batches"):
        training.post_learn(net)
    with pytest.raises(LearningError, match="batch_norm_1: no running averages"):
        training.post_learn(net, estimator="running")


def test_post_learning_before_pre_learning():
    with pytest.raises(MissingValue, match=r"standardize_1.*training\.pre_learn"):
        training.post_learn(convnet(), batches(X, 5))


def test_a_function_refuses_statistics_that_were_never_learned():
    net = convnet()
    training.pre_learn(net, batches(X, 5))
    x = Variable(net.input_type, name="x")
    predict = function([x], net(x))
    with pytest.raises(MissingValue, match=r"batch_norm_1.*training\.post_learn"):
        predict(X)
    training.post_learn(net, batches(X, 5))
    assert predict(X).shape == (23, 2)


# Interruption.


def interrupted_at(batch, source, calls):
    """``source``, with a Ctrl-C before batch number ``batch`` of all sweeps."""

    def stopping():
        for item in source():
            if calls[0] == batch:
                calls[0] += 1
                raise KeyboardInterrupt
            calls[0] += 1
            yield item

    return stopping


@pytest.mark.parametrize(
    ("estimator", "stop"),
    [("minibatch", 0), ("minibatch", 4)] + [("population", k) for k in (0, 2, 5, 6, 9)],
)
def test_a_ctrl_c_changes_nothing_and_can_be_gone_on_from(stop, estimator):
    whole, halted = convnet(), convnet()
    for name, parameter in whole.named_parameters.items():
        if parameter.missing is None:
            halted.named_parameters[name].set_value(parameter.get_value())
    source = batches(X, 5)
    for net in (whole, halted):
        training.pre_learn(net, source)
    training.post_learn(whole, source, estimator)
    calls = [0]
    stopping = interrupted_at(stop, source, calls)
    with pytest.raises(Interrupted, match="post_learn: interrupted in sweep") as caught:
        training.post_learn(halted, stopping, estimator)
    assert all(norm["mean"].missing is not None for norm in norms(halted))
    calls[0] = 0
    counted = interrupted_at(-1, source, calls)
    training.post_learn(halted, counted, estimator, resume=caught.value.state)
    for one, other in zip(statistics(whole), statistics(halted), strict=True):
        np.testing.assert_array_equal(one, other)
    assert calls[0] == (5 if stop >= 5 or estimator == "minibatch" else 10)


def test_other_batches_after_a_ctrl_c_start_the_sweep_anew():
    net = convnet()
    source = batches(X, 5)
    with pytest.raises(Interrupted) as caught:
        training.pre_learn(net, interrupted_at(2, source, [0]))
    training.pre_learn(net, batches(X[::-1], 5), resume=caught.value.state)
    np.testing.assert_allclose(net[0]["mean"].get_value(), X.mean((0, 2, 3)))


def test_a_source_may_fill_the_same_array_again_and_again():
    net, array, order, stop = convnet(), np.empty((5, *X.shape[1:])), [0, 1, 2, 3], [2]

    def source():
        for number in order:
            if number == stop[0]:
                raise KeyboardInterrupt
            array[:] = X[5 * number : 5 * number + 5]
            yield array

    with pytest.raises(Interrupted) as caught:
        training.pre_learn(net, source)
    order.reverse()
    stop[0] = None
    training.pre_learn(net, source, resume=caught.value.state)
    np.testing.assert_allclose(net[0]["mean"].get_value(), X[:20].mean((0, 2, 3)))


def test_shuffled_batches_are_gone_on_with_in_their_order():
    net = convnet()
    source = training.batches(X, 5, shuffle=True)
    stop = [2]

    def check(generator, x):
        if stop[0] == 0:
            stop[0] = -1
            raise KeyboardInterrupt
        stop[0] -= 1
        return x

    source.transform = check
    with pytest.raises(Interrupted) as caught:
        training.pre_learn(net, source)
    training.pre_learn(net, source, resume=caught.value.state)
    np.testing.assert_allclose(net[0]["mean"].get_value(), X.mean((0, 2, 3)))
    assert source.epoch == 1


def test_a_signal_inside_a_step_waits_for_its_end():
    net = convnet()
    source = batches(X, 5)

    def sending():
        for i, x in enumerate(source()):
            if i == 2:
                signal.raise_signal(signal.SIGINT)
            yield x

    with pytest.raises(Interrupted) as caught:
        training.pre_learn(net, sending)
    assert caught.value.state.batch == 2
    training.pre_learn(net, source, resume=caught.value.state)
    np.testing.assert_allclose(net[0]["mean"].get_value(), X.mean((0, 2, 3)))


def test_statistics_learned_before_stay_when_learning_fails():
    net = convnet()
    training.pre_learn(net, batches(X, 5))
    training.post_learn(net, batches(X, 5))
    before = statistics(net)
    with pytest.raises(DataError):
        training.post_learn(net, bad(3, not_finite(np.nan)))
    for one, other in zip(before, statistics(net), strict=True):
        np.testing.assert_array_equal(one, other)
