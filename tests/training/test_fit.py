"""The whole of training: curves, resuming, stopping, and what it refuses."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from symgraph import layers, training
from symgraph.compile import function
from symgraph.graph import GraphError
from symgraph.layers import FileFormatError, storage
from symgraph.ops import nn
from symgraph.training import (
    Checkpoint,
    DataError,
    Diverged,
    EarlyStopping,
    Interrupted,
    LearningError,
    schedules,
    trainer,
)

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(3.0, 2.0, size=(70, 5)).astype(np.float32)
Y = (X @ RANDOM.normal(size=(5, 3))).argmax(axis=1)


def network(seed=0, dropout=0.2):
    return layers.Sequential(
        [
            layers.Standardize(),
            layers.Dense(7, activation=nn.relu),
            layers.BatchNorm(),
            layers.Dropout(dropout),
            layers.Dense(3),
        ],
        input_shape=(None, 5),
        seed=seed,
    )


def fit(net, epochs=4, **options):
    given = {
        "data": (X[:50], Y[:50]),
        "validation": (X[50:], Y[50:]),
        "metrics": {"error": training.error_rate},
        "learning_rate": schedules.Exponential(0.1, 0.9),
        "batch_size": 8,
    }
    return training.fit(net, epochs=epochs, **{**given, **options})


def values(net):
    return {
        k: v.missing or v.get_value().tolist() for k, v in net.named_parameters.items()
    }


def curves(history):
    """What does not depend on the clock."""
    return {k: v for k, v in history.curves.items() if k != "seconds"}


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


# Interruption.


class Stopping:
    """Batches of the data, with something done before one of them."""

    def __init__(self, at, action):
        self.source = training.batches((X[:50], Y[:50]), 8, shuffle=True)
        self.at = at
        self.action = action
        self.epoch = 0
        self.count = 0

    def __len__(self):
        return len(self.source)

    def __call__(self):
        self.source.epoch, self.epoch = self.epoch, self.epoch + 1
        for batch in self.source():
            if self.count == self.at:
                self.action()
            self.count += 1
            yield batch


def press():
    raise KeyboardInterrupt


def nothing():
    pass


@pytest.mark.parametrize("at", [1, 7, 8, 9, 12, 15, 22, -8, -7, -2])
@pytest.mark.parametrize("through_a_file", [False, True])
@pytest.mark.parametrize("same_network", [False, True])
def test_a_run_that_was_interrupted_ends_as_one_that_was_not(
    at, through_a_file, same_network, tmp_path
):
    whole, halted = network(), network()
    options = {"early_stopping": EarlyStopping(patience=2), "optimizer": training.adam}
    source = Stopping(None, nothing)
    expected = fit(whole, data=source, **options)
    at = at if at > 0 else source.count + at
    path = tmp_path / "run.npz" if through_a_file else None
    with pytest.raises(Interrupted) as caught:
        fit(halted, data=Stopping(at, press), checkpoint=path, **options)
    state = path if through_a_file else caught.value.state
    if not same_network:
        halted = network(seed=9)
    found = fit(halted, data=Stopping(None, nothing), resume=state, **options)
    assert curves(found) == curves(expected)
    assert found.best_epoch == expected.best_epoch
    assert values(halted) == values(whole)


def test_a_signal_during_a_step_waits_for_its_end(monkeypatch):
    steps = []

    def loud(*arguments, **options):
        real = function(*arguments, **options)

        def step(*arrays):
            if len(steps) == 12:
                signal.raise_signal(signal.SIGINT)
            steps.append(real(*arrays))
            return steps[-1]

        return step

    net, whole = network(), network()
    with monkeypatch.context() as patch, pytest.raises(Interrupted) as caught:
        patch.setattr(trainer, "function", loud)
        fit(net, data=Stopping(None, nothing))
    position = caught.value.state.notes["position"]
    assert (position["epoch"], position["batch"]) == (1, 13 - 7)
    found = fit(net, data=Stopping(None, nothing), resume=caught.value.state)
    assert curves(found) == curves(fit(whole, data=Stopping(None, nothing)))
    assert values(net) == values(whole)


def test_more_epochs_after_the_last():
    whole, parts = network(), network()
    expected = fit(whole, epochs=4)
    history = fit(parts, epochs=2)
    history = fit(parts, epochs=4, resume=history.checkpoint)
    assert curves(history) == curves(expected)
    assert values(parts) == values(whole)


def test_a_checkpoint_after_every_epoch(tmp_path):
    path = tmp_path / "run.npz"
    epochs = []

    def watch(history, net):
        epochs.append(Checkpoint.load(path).notes["position"]["epoch"])

    fit(network(), epochs=3, checkpoint=path, callbacks=[watch])
    assert epochs == [1, 2, 3]


def test_checkpoints_that_do_not_fit(tmp_path):
    path = tmp_path / "run.npz"
    fit(network(), epochs=1, checkpoint=path)
    other = layers.Sequential([layers.Dense(3)], input_shape=(None, 5))
    before = values(other)
    with pytest.raises(FileFormatError, match="checkpoint: net"):
        fit(other, resume=path)
    assert values(other) == before
    net = network()
    before = values(net)
    with pytest.raises(FileFormatError, match="checkpoint: optimizer"):
        fit(net, resume=path, optimizer=training.adam)
    net.save(path)
    with pytest.raises(FileFormatError, match="expected a checkpoint, got 'model'"):
        fit(net, resume=path)
    path.write_bytes(b"rubbish")
    with pytest.raises(FileFormatError, match="cannot be read"):
        fit(net, resume=path)
    with pytest.raises(FileNotFoundError):
        fit(net, resume=tmp_path / "absent.npz")
    assert {k: v for k, v in values(net).items() if k.startswith("dense")} == {
        k: v for k, v in before.items() if k.startswith("dense")
    }


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("groups", ["net"], "not that of a checkpoint: KeyError"),
        ("groups", 3, "not that of a checkpoint: TypeError"),
        ("notes", {}, "how far training had come: KeyError"),
        ("notes", {"position": {"page": 3}}, "how far training had come: TypeError"),
    ],
)
def test_checkpoints_that_were_forged(tmp_path, part, value, message):
    path = tmp_path / "run.npz"
    fit(network(), epochs=1, checkpoint=path)
    arrays, header = storage.read(path, "checkpoint")
    forged = {k: header[k] for k in ("groups", "lacking", "notes")} | {part: value}
    storage.write(arrays, forged, path, "checkpoint")
    net = network()
    trained = [v.name for v in net.trainable]
    before = values(net)
    with pytest.raises(FileFormatError, match=message):
        fit(net, resume=path)
    assert all(values(net)[name] == before[name] for name in trained)


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
    with pytest.raises(GraphError, match="loss: expected a scalar variable"):
        fit(network(), loss=lambda output, labels: output)
    with pytest.raises(GraphError, match="error: expected a scalar variable"):
        fit(network(), metrics={"error": lambda output, labels: 3})
    with pytest.raises(LearningError, match="no estimator 'median'"):
        fit(network(), validation_estimator="median")
