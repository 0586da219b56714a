"""The whole network of 2015: its gradients, and what rewriting makes of it."""

from __future__ import annotations

import numpy as np
import pytest
import reference_network

import symgraph as sg
from symgraph import training
from symgraph.compile import Mode
from symgraph.compile.pipeline import compile_pipeline
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.batch_norm import BatchNormInference, BatchNormTraining
from symgraph.rules import (
    AFFINE,
    BATCH_NORMALIZATION,
    CANONICALIZE,
    DEFAULT,
    STABILIZE,
    TRAINING,
)

RNG = np.random.default_rng(0)
SHAPE = (None, 3, 90, 90)


@pytest.fixture(autouse=True)
def same_numbers_in_any_order(monkeypatch):
    """Numbers that do not depend on which tests ran before.

    None of those here is so near to a kink of the network that its rounding decides
    which way the gradient goes.
    """
    monkeypatch.setitem(globals(), "RNG", np.random.default_rng(2))


def photographs(count, dtype="float32"):
    images = RNG.uniform(0, 255, (count, 3, 90, 90)).astype(dtype)
    return images, RNG.integers(0, 2, count).astype(np.int32)


def learned(variant):
    """The network with every statistic learned."""
    net = reference_network.build(variant)
    batch = photographs(6)
    training.pre_learn(net, lambda: iter([batch]))
    if variant != "without":
        training.post_learn(net, lambda: iter([batch]), estimator="minibatch")
    return net


def loss_of(net, x, y):
    return sg.nn.cross_entropy(net(x, training=True), y).mean()


def test_gradients_agree_with_central_differences():
    with sg.config.context(floatX="float64"):
        net = reference_network.build("batch_norm")
        images, labels = photographs(3, "float64")
        training.pre_learn(net, lambda: iter([images]))
        x, y = sg.tensor("x", shape=SHAPE), sg.ivector("y")
        loss = loss_of(net, x, y)
        value = sg.function([x, y], loss)
        gradients = sg.function([x, y], sg.grad(loss, net.trainable))(images, labels)
    for parameter, gradient in zip(net.trainable, gradients, strict=True):
        start = parameter.get_value()
        direction = RNG.normal(size=start.shape)
        direction *= 1e-7 / np.linalg.norm(direction)
        ends = []
        for sign in (1, -1):
            parameter.set_value(start + sign * direction)
            ends.append(float(value(images, labels)))
        parameter.set_value(start)
        slope = np.vdot(gradient, direction)
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction)
        assert abs((ends[0] - ends[1]) / 2 - slope) <= 1e-6 * scale + 1e-15


def test_float32_gradients_agree_with_the_reference():
    net = learned("batch_norm")
    images, labels = photographs(3)
    x, y = sg.tensor("x", shape=SHAPE), sg.ivector("y")
    gradients = sg.grad(loss_of(net, x, y), net.trainable)
    native, reference = (
        sg.function([x, y], gradients, mode=mode)(images, labels)
        for mode in ("c", "numpy")
    )
    for got, want in zip(native, reference, strict=True):
        assert np.abs(got - want).max() <= 1e-4 * np.abs(want).max()


@pytest.mark.parametrize("freeze", [False, True])
def test_stations_of_the_rewrite(freeze):
    net = learned("batch_norm")
    x = sg.tensor("x", shape=SHAPE)
    logits = net(x)
    if freeze:
        logits = sg.to_inference(logits, freeze=True)
    graph = sg.Graph([x], [logits])
    before, history = sg.rewrite(graph, (CANONICALIZE, STABILIZE, BATCH_NORMALIZATION))
    affine = before.find(Affine)
    assert not before.find(BatchNormInference)
    assert len(affine) == 5 + 1  # five BN, and the standardizer
    for node in affine:
        parameters = sg.Graph([], node.inputs[1:])  # raises if they depend on x
        assert not freeze or not parameters.nodes
    after, folding = sg.rewrite(before, (AFFINE,))
    assert not after.find(Affine)
    assert all(step.theorem for step in (*history, *folding))


@pytest.mark.parametrize("variant", ["batch_norm", "per_activation"])
def test_folding_changes_no_prediction(variant):
    net = learned(variant)
    images, _ = photographs(7)
    x = sg.tensor("x", shape=SHAPE)
    probabilities = sg.nn.softmax(net(x))
    folded = sg.function([x], probabilities)
    plain = sg.function([x], probabilities, mode=Mode("c", stages=()))
    assert not folded.graph.find(BatchNormInference)
    assert len(folded.graph.find(Affine)) == (0 if variant == "batch_norm" else 4)
    np.testing.assert_allclose(folded(images), plain(images), atol=1e-4)


WITHOUT = tuple(stage for stage in DEFAULT if stage is not TRAINING)


def training_step(batches, stages=DEFAULT):
    """A function that takes a step of SGD with momentum, and what it learns."""
    with sg.config.context(floatX=batches[0][0].dtype.name):
        net = reference_network.build("batch_norm")
        training.pre_learn(net, lambda: iter(batches))
        x, y = sg.tensor("x", shape=SHAPE), sg.ivector("y")
        loss = loss_of(net, x, y)
        updates = training.momentum(loss, net.trainable, 0.001, 0.9)
        step = sg.function([x, y], loss, updates=updates, mode=Mode("c", stages))
    return step, net.trainable


def test_no_normalized_image_is_stored_in_training():
    batches = [photographs(2)]
    step, _ = training_step(batches)
    plain, _ = training_step(batches, WITHOUT)
    graph = step.graph
    assert not graph.find(Affine)
    assert len(graph.find(BatchNormTraining)) == 1  # the one before the dense layers
    assert len(graph.find(AddBias)) == 5 + 2  # one a convolution or dense layer
    kernels = compile_pipeline(graph, "lower", Mode("c", ())).lowered.program.kernels
    passes = [k.label for k in kernels if k.label.startswith(("AddBias", "Affine"))]
    assert len(passes) == 1
    sizes = {"x": (100, *SHAPE[1:]), "y": (100,)}
    stored = 4 * 100 * (16 * 44**2 + 3 * 90**2)  # the two largest that are not kept on
    assert step.memory(**sizes).peak <= plain.memory(**sizes).peak - stored
    (norm,) = graph.find(BatchNormTraining)
    told = step.explain("write_batch_norm_as_affine", norm)
    assert "Reshape" in told.reason


@pytest.mark.parametrize(
    ("dtype", "near", "far"), [("float32", 1e-4, 1e-2), ("float64", 1e-10, 1e-10)]
)
def test_training_is_the_same_with_and_without_the_normalized_images(dtype, near, far):
    batches = [photographs(5, dtype) for _ in range(4)]
    (step, ours), (plain, theirs) = (
        training_step(batches, stages) for stages in (DEFAULT, WITHOUT)
    )
    for batch in batches:
        loss, wanted = (float(function(*batch)) for function in (step, plain))
        assert abs(loss - wanted) <= near * abs(wanted)
    for one, other in zip(ours, theirs, strict=True):
        got, want = one.get_value(), other.get_value()
        assert np.abs(got - want).max() <= far * np.abs(want).max()
