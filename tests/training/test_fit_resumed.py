"""Training that is interrupted goes on as if it had not been."""

from __future__ import annotations

import signal

import pytest

from symgraph import layers, training
from symgraph.compile import function
from symgraph.graph.config import config
from symgraph.layers import FileFormatError, storage
from symgraph.training import Checkpoint, EarlyStopping, Interrupted, trainer
from tests.training.fitting import X, Y, curves, fit, network, values


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


OPTIONS = {"early_stopping": EarlyStopping(patience=2), "optimizer": training.adam}


@pytest.fixture(scope="module")
def uninterrupted():
    """Curves, best epoch, values and count of batches of a run from start to end."""
    net, source = network(), Stopping(None, nothing)
    with config.context(mode="numpy"):
        history = fit(net, data=source, **OPTIONS)
    return curves(history), history.best_epoch, values(net), source.count


@pytest.mark.parametrize("at", [1, 7, 8, 9, 12, 15, 22, -8, -7, -2])
@pytest.mark.parametrize(
    ("through_a_file", "same_network"), [(False, True), (True, False)]
)
def test_a_run_that_was_interrupted_ends_as_one_that_was_not(
    at, through_a_file, same_network, tmp_path, uninterrupted
):
    expected, best_epoch, learned, count = uninterrupted
    halted, at = network(), at if at > 0 else count + at
    path = tmp_path / "run.npz" if through_a_file else None
    with pytest.raises(Interrupted) as caught:
        fit(halted, data=Stopping(at, press), checkpoint=path, **OPTIONS)
    state = path if through_a_file else caught.value.state
    if not same_network:
        halted = network(seed=9)
    found = fit(halted, data=Stopping(None, nothing), resume=state, **OPTIONS)
    assert curves(found) == expected
    assert found.best_epoch == best_epoch
    assert values(halted) == learned


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
