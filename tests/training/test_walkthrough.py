"""What a user writes, from the layers to the model file, in one piece."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph import layers, training
from symgraph.ops.affine import Affine
from symgraph.ops.batch_norm import BatchNormInference, BatchNormTraining

RANDOM = np.random.default_rng(6)
IMAGES = RANDOM.normal(3.0, 2.0, size=(40, 3, 14, 14)).astype(np.float32)
LABELS = (IMAGES[:, 0].mean(axis=(1, 2)) > 3.0).astype(np.int32)


def batches():
    for start in range(0, 40, 8):
        yield IMAGES[start : start + 8], LABELS[start : start + 8]


def network(seed=0):
    return layers.Sequential(
        [
            layers.Standardize(),
            layers.Conv2D(7, 3, activation=sg.nn.relu),
            layers.MaxPool2D(2),
            layers.BatchNorm(),
            layers.Conv2D(5, 3, activation=sg.nn.relu),
            layers.BatchNorm(),
            layers.Flatten(),
            layers.Dense(2),
        ],
        input_shape=(None, 3, 14, 14),
        seed=seed,
    )


@pytest.mark.parametrize("estimator", ["population", "minibatch", "running"])
@pytest.mark.parametrize("mode", ["numpy", "c"])
def test_walkthrough(estimator, mode, tmp_path):
    net = network()
    x = sg.tensor("x", shape=(None, 3, 14, 14))
    y = sg.ivector("y")
    loss = sg.nn.cross_entropy(net(x, training=True), y).mean()
    updates = training.momentum(loss, net.trainable, learning_rate=0.05, momentum=0.9)
    step = sg.function([x, y], loss, updates=updates, mode=mode)
    training.pre_learn(net, batches)
    losses = [step(images, labels) for _ in range(6) for images, labels in batches()]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    training.post_learn(net, batches, estimator=estimator)
    predict = sg.function([x], sg.nn.softmax(net(x)), mode=mode)
    found = predict(IMAGES)
    assert (found.argmax(axis=1) == LABELS).mean() > 0.7
    for op in (Affine, BatchNormInference, BatchNormTraining):
        assert not predict.graph.find(op)
    assert predict.history
    unfolded = sg.function([x], sg.nn.softmax(net(x)), mode=sg.Mode("numpy", ()))
    np.testing.assert_allclose(found, unfolded(IMAGES), atol=1e-4)
    net.save(tmp_path / "model.npz")
    other = network(seed=1)
    other.load(tmp_path / "model.npz")
    again = sg.function([x], sg.nn.softmax(other(x)), mode=mode)
    np.testing.assert_array_equal(again(IMAGES), found)


def test_a_prediction_follows_what_is_learned_later():
    net = network()
    x = sg.tensor("x", shape=(None, 3, 14, 14))
    predict = sg.function([x], net(x))
    training.pre_learn(net, batches)
    training.post_learn(net, batches, "minibatch")
    before = predict(IMAGES)
    net[3]["mean"].set_value(net[3]["mean"].get_value() + 1)
    assert np.abs(predict(IMAGES) - before).max() > 1e-3
