"""The whole of training: curves, stopping, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import layers, training
from symgraph.graph import GraphError
from symgraph.training import DataError, Diverged, EarlyStopping, LearningError
from tests.training.fitting import X, Y, curves, fit, network, values


def test_curves():
    net = network(dropout=0.0)
    history = fit(net, epochs=6)
    assert history.epochs == 6
    assert set(history.curves) == {
        "loss",
        "error",
        "learning_rate",
        "seconds",
        "validation_loss",
        "validation_error",
    }
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert all(parameter.missing is None for parameter in net.parameters)
    found = training.evaluate(net, (X[50:], Y[50:]), metrics={"e": training.error_rate})
    assert found["e"] <= 0.5
    rates = history["learning_rate"]
    assert all(
        0.1 * 0.9 ** (i + 1) < rate < 0.1 * 0.9**i for i, rate in enumerate(rates)
    )


def test_the_loss_is_the_mean_over_examples():
    net = network(dropout=0.0)
    history = fit(net, epochs=1, learning_rate=0.0, batch_size=50)
    again = fit(network(dropout=0.0), epochs=1, learning_rate=0.0, batch_size=50)
    assert curves(history) == curves(again)
    training.post_learn(net, training.batches(X[:50], 50), "population")
    expected = training.evaluate(net, (X[:50], Y[:50]), batch_size=7)["loss"]
    assert history["loss"][0] == pytest.approx(expected, rel=1e-3)


def test_the_same_seed_gives_the_same_result():
    one, two, other = network(), network(), network()
    first, second = fit(one), fit(two)
    assert curves(first) == curves(second)
    assert values(one) == values(two)
    assert curves(fit(other, seed=1)) != curves(first)


@pytest.mark.parametrize("estimator", ["population", "minibatch", "running"])
@pytest.mark.parametrize("during", ["population", "minibatch", "running"])
def test_estimators(estimator, during):
    net = network()
    fit(net, epochs=2, estimator=estimator, validation_estimator=during)
    training.evaluate(net, (X, Y))
    found = net[2]["mean"].get_value()
    training.post_learn(net, training.batches(X[:50], 8), estimator)
    np.testing.assert_allclose(net[2]["mean"].get_value(), found, rtol=1e-5)


def test_any_callable_is_data():
    def batches():
        for i in range(0, 50, 8):
            yield X[i : i + 8], Y[i : i + 8].astype(np.int32)

    net = network()
    history = fit(net, epochs=2, data=batches, validation=batches)
    assert history.epochs == 2


def test_a_loss_of_ones_own():
    net = layers.Sequential([layers.Dense(1)], input_shape=(None, 5))
    target = X @ np.arange(5.0, dtype=np.float32)[:, None]

    def loss(output, wanted):
        penalty = 1e-6 * training.l2(net.trainable)
        return training.squared_error(output, wanted) + penalty

    history = training.fit(
        net,
        data=(X, target),
        epochs=60,
        loss=loss,
        optimizer=training.adam,
        learning_rate=0.1,
        batch_size=35,
    )
    assert history["loss"][-1] < 1e-2 * history["loss"][0]


def test_no_validation_and_no_epochs():
    net = network()
    history = fit(net, epochs=0, validation=None)
    assert history.curves == {}
    assert net[2]["mean"].missing is None


# Stopping.


def test_early_stopping_gives_the_best_epoch_back():
    net = network(dropout=0.0)
    seen = {}

    def watch(history, net):
        seen[history.epochs] = values(net)

    history = fit(
        net,
        epochs=60,
        learning_rate=0.5,
        callbacks=[watch],
        early_stopping=EarlyStopping(patience=3),
    )
    curve = history["validation_loss"]
    assert history.best_epoch == int(np.argmin(curve)) + 1
    assert history.epochs == history.best_epoch + 3
    best, found = seen[history.best_epoch], values(net)
    trained = [v.name for v in net.trainable]
    assert all(best[name] == found[name] for name in trained)


def test_early_stopping_of_a_curve_that_is_not_there():
    with pytest.raises(KeyError, match="no curve 'validation_loss'; there are: loss"):
        fit(network(), validation=None, early_stopping=EarlyStopping())
    with pytest.raises(GraphError, match="patience expects at least 1"):
        EarlyStopping(patience=0)


def test_a_callback_ends_training():
    history = fit(network(), callbacks=[lambda history, net: history.epochs == 2])
    assert history.epochs == 2


# Bad input.


def test_a_loss_that_is_not_finite():
    net = network(dropout=0.0)
    history = fit(net, epochs=1)
    before = values(net)
    with (
        np.errstate(all="ignore"),
        pytest.raises(Diverged, match=r"the loss became .* in epoch 2, batch"),
    ):
        fit(net, epochs=4, learning_rate=1e30, resume=history.checkpoint)
    trained = [v.name for v in net.trainable]
    assert all(before[name] == values(net)[name] for name in trained)


def one(x, y):
    return lambda: iter([(x, y)])


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (one(X[:, :4], Y), DataError, r"batch 0: expected float32\[\?, 5\], got shape"),
        (one(X, Y[:3]), DataError, "batch 0: 70 inputs but targets of shape"),
        (one(X, 3), DataError, "70 inputs but targets"),
        (one(np.full_like(X, np.nan), Y), DataError, r"batch 0: has nan at \[0, 0\]"),
        (one(X, np.array(["a"] * 70)), DataError, "target 0: expected numbers"),
        (lambda: iter([]), DataError, "the iterator is empty"),
        (lambda: iter([()]), DataError, "batch 0: is an empty tuple"),
        (3, DataError, "expected .inputs, targets. or a callable"),
        (lambda: iter([X]), DataError, "loss: expected batches .* got 0 targets"),
        (lambda: iter([(X, Y, Y)]), DataError, "loss: expected .* got 2 targets"),
        (one(X[:0], Y[:0]), DataError, "batch 0: has no examples"),
        ((X, Y + 1), IndexError, "label"),
        ((X, -Y - 1), IndexError, "label"),
        ((X, Y.astype(np.float32)), GraphError, "of one shape"),
    ],
)
def test_data_that_cannot_be_trained_on(data, error, message):
    net = network()
    before = {v: v.get_value() for v in net.trainable}
    with pytest.raises(error, match=message):
        fit(net, data=data, validation=None)
    for parameter, value in before.items():
        np.testing.assert_array_equal(parameter.get_value(), value)


def test_arguments_that_make_no_sense():
    with pytest.raises(GraphError, match="epochs expects a number >= 0, got -1"):
        fit(network(), epochs=-1)
    with pytest.raises(GraphError, match=r"function such as sg.training.adam, got 'a"):
        fit(network(), optimizer="adam")
    with pytest.raises(GraphError, match="loss expects a function such as"):
        fit(network(), loss=None)
    with pytest.raises(GraphError, match="loss: expected a scalar variable"):
        fit(network(), loss=lambda output, labels: output)
    with pytest.raises(GraphError, match="error: expected a scalar variable"):
        fit(network(), metrics={"error": lambda output, labels: 3})
    with pytest.raises(LearningError, match="no estimator 'median'"):
        fit(network(), validation_estimator="median")
    net, seen = network(), []
    with pytest.raises(LearningError, match="no estimator 'mode'"):
        fit(net, estimator="mode", callbacks=[lambda *_: seen.append(1)])
    assert not seen  # before the first epoch, not after the last
