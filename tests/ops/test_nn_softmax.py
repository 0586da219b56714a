"""Softmax, log-softmax, cross-entropy and the other losses."""

from __future__ import annotations

from math import exp, inf, log, nan

import numpy as np
import pytest

from symgraph import ops as sg
from symgraph.autodiff import grad
from symgraph.graph import GraphError, TypeMismatch
from symgraph.graph.evaluate import evaluate
from symgraph.ops import nn
from symgraph.ops.cross_entropy import CrossEntropy, CrossEntropyGrad
from symgraph.ops.softmax import LogSoftmax, Softmax


def value(variable, givens=None):
    return evaluate([variable], givens)[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_along_any_axis(axis, dtype):
    x = np.random.default_rng(18).normal(size=(2, 3, 5)).astype(dtype)
    soft = Softmax(axis).reference(x)
    logs = LogSoftmax(axis).reference(x)
    assert soft.dtype == logs.dtype == dtype
    moved = np.moveaxis(x.astype("float64"), axis, -1)
    for at in np.ndindex(moved.shape[:-1]):
        total = sum(exp(v) for v in moved[at])
        expected = [exp(v) / total for v in moved[at]]
        np.testing.assert_allclose(np.moveaxis(soft, axis, -1)[at], expected, rtol=1e-5)
        np.testing.assert_allclose(
            np.moveaxis(logs, axis, -1)[at], np.log(expected), rtol=1e-5
        )


def test_large_logits_neither_overflow_nor_lose_the_logarithm():
    x = np.array([[1000.0, 0.0], [-1000.0, 0.0]])
    assert Softmax(1).reference(x).tolist() == [[1, 0], [0, 1]]
    assert LogSoftmax(1).reference(x).tolist() == [[0, -1000], [-1000, 0]]


def test_special_values_follow_ieee():
    x = np.array([[-inf, 0.0, 0.0], [inf, 0.0, 1.0], [nan, 0.0, 1.0]])
    soft = Softmax(1).reference(x)
    assert soft[0].tolist() == [0, 0.5, 0.5]
    assert np.isnan(soft[1]).any()
    assert np.isnan(soft[2]).all()
    assert LogSoftmax(1).reference(x)[0, 0] == -inf


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_empty_arrays(shape):
    x = np.ones(shape, "float32")
    assert Softmax(1).reference(x).shape == shape
    assert LogSoftmax(1).reference(x).shape == shape


def test_integers_become_floats_and_axes_are_checked():
    assert nn.softmax(sg.tensor("x", dtype="int32", shape=(2, 3))).dtype == "float32"
    x = sg.tensor("x", shape=(2, 3))
    assert nn.softmax(x, axis=-2).owner.op == Softmax(0)
    with pytest.raises(GraphError, match="softmax: axis 2 is out of range"):
        nn.softmax(x, axis=2)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_cross_entropy_is_minus_log_of_the_label(dtype):
    logits = np.random.default_rng(19).normal(size=(5, 3))
    labels = np.array([0, 2, 1, 1, 0], dtype)
    loss = CrossEntropy().reference(logits, labels)
    dloss = np.arange(1.0, 6.0)
    gradient = CrossEntropyGrad().reference(logits, labels, dloss)
    for n, label in enumerate(labels):
        total = sum(exp(v) for v in logits[n])
        np.testing.assert_allclose(loss[n], log(total) - logits[n, label], rtol=1e-12)
        for k in range(3):
            expected = (exp(logits[n, k]) / total - (k == label)) * dloss[n]
            np.testing.assert_allclose(gradient[n, k], expected, rtol=1e-12)


def test_cross_entropy_keeps_float32_and_empty_batches():
    logits, labels = np.ones((0, 3), "float32"), np.ones(0, "int64")
    assert CrossEntropy().reference(logits, labels).dtype == "float32"
    assert CrossEntropyGrad().reference(logits, labels, logits[:, 0]).shape == (0, 3)


@pytest.mark.parametrize("label", [-1, 3, 127])
def test_a_label_out_of_range_is_named(label):
    logits, labels = np.ones((2, 3)), np.array([1, label], "int8")
    message = f"label {label} of example 1 is out of range for 3 classes"
    with pytest.raises(IndexError, match=message):
        CrossEntropy().reference(logits, labels)
    with pytest.raises(IndexError, match=message):
        CrossEntropyGrad().reference(logits, labels, np.ones(2))


def test_the_gradient_is_one_op_and_its_curvature_that_of_log_softmax():
    rng = np.random.default_rng(20)
    logits, weights = sg.constant(rng.normal(size=(5, 3))), rng.normal(size=(5, 3))
    labels = sg.constant(np.array([0, 2, 1, 1, 0]))
    fused = (nn.cross_entropy(logits, labels) ** 2).sum()
    plain = ((-nn.log_softmax(logits) * sg.one_hot(labels, 3)).sum(axis=1) ** 2).sum()
    found = []
    for loss in (fused, plain):
        (first,) = grad(loss, [logits])
        found += [first, grad((first * weights).sum(), [logits])[0]]
    assert type(found[0].owner.op) is CrossEntropyGrad
    mine, mine2, theirs, theirs2 = evaluate(found)
    np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(mine2, theirs2, rtol=1e-9, atol=1e-11)


def test_classes_on_any_axis_and_any_number_of_examples():
    logits = np.random.default_rng(21).normal(size=(2, 3, 5))
    labels = np.random.default_rng(22).integers(0, 3, (2, 5))
    loss = nn.cross_entropy(sg.constant(logits), sg.constant(labels), axis=1)
    flat = np.moveaxis(logits, 1, 2).reshape(10, 3)
    expected = CrossEntropy().reference(flat, labels.ravel()).reshape(2, 5)
    np.testing.assert_allclose(value(loss), expected, rtol=1e-14)
    one = nn.cross_entropy(sg.constant(logits[0, :, 0]), sg.constant(labels[0, 0]))
    np.testing.assert_allclose(value(one), expected[0, 0], rtol=1e-14)


def test_probabilities_as_targets():
    rng = np.random.default_rng(23)
    logits, targets = rng.normal(size=(5, 3)), rng.dirichlet(np.ones(3), 5)
    loss = nn.cross_entropy(sg.constant(logits), sg.constant(targets))
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(value(loss), -(targets * logs).sum(axis=1), rtol=1e-12)


def test_smoothing_mixes_in_the_uniform_distribution():
    logits = sg.constant(np.random.default_rng(24).normal(size=(5, 3)))
    labels = np.array([0, 2, 1, 1, 0])
    smooth = np.eye(3)[labels] * 0.9 + 0.1 / 3
    loss = nn.cross_entropy(logits, sg.constant(labels), label_smoothing=0.1)
    hard = nn.cross_entropy(logits, sg.constant(np.eye(3)[labels]), label_smoothing=0.1)
    expected = value(nn.cross_entropy(logits, sg.constant(smooth)))
    np.testing.assert_allclose(value(loss), expected, rtol=1e-12)
    np.testing.assert_allclose(value(hard), expected, rtol=1e-12)


def test_ignored_labels_cost_nothing():
    logits = sg.constant(np.random.default_rng(25).normal(size=(3, 5)))
    labels = sg.constant(np.array([4, -100, 0]))
    loss = nn.cross_entropy(logits, labels, ignore_index=-100)
    (gradient,) = grad(loss.sum(), [logits])
    losses, dlogits = evaluate([loss, gradient])
    assert losses[1] == 0
    assert (losses[[0, 2]] > 0).all()
    assert not dlogits[1].any()
    assert dlogits[0].any()


def test_what_does_not_fit_is_named():
    logits, labels = sg.tensor("logits", shape=(2, 3)), sg.ivector("labels")
    with pytest.raises(GraphError, match=r"labels must have 1 dimensions.*without the"):
        nn.cross_entropy(logits, sg.tensor("y", dtype="int32", shape=(2, 1)))
    with pytest.raises(GraphError, match="rows of logits and labels: 2 and 5 differ"):
        nn.cross_entropy(logits, sg.tensor("y", dtype="int32", shape=(5,)))
    with pytest.raises(GraphError, match="label_smoothing must be in"):
        nn.cross_entropy(logits, labels, label_smoothing=1.0)
    with pytest.raises(GraphError, match="ignore_index needs integer labels"):
        nn.cross_entropy(logits, logits, ignore_index=0)
    with pytest.raises(GraphError, match=r"have the shape of the logits, .* got "):
        nn.cross_entropy(logits, sg.tensor("y", dtype="float64", shape=(2,)))
    with pytest.raises(TypeMismatch, match="labels must be integers, got bool"):
        nn.cross_entropy(logits, sg.tensor("y", dtype="bool", shape=(2,)))


def test_elementwise_losses():
    p, t = np.array([0.2, 0.7, 0.9]), np.array([0.0, 1.0, 0.5])
    z = np.log(p / (1 - p))
    a, b, c = map(sg.constant, (p, t, z))
    expected = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    np.testing.assert_allclose(value(nn.binary_cross_entropy(a, b)), expected)
    logits = nn.binary_cross_entropy_with_logits(c, b)
    np.testing.assert_allclose(value(logits), expected)
    np.testing.assert_allclose(value(nn.squared_error(a, b)), (p - t) ** 2)
    np.testing.assert_allclose(value(nn.absolute_error(a, b)), abs(p - t))
    huber = value(nn.huber(a, b, delta=0.3))
    np.testing.assert_allclose(huber, [0.02, 0.3 * 0.3 - 0.045, 0.3 * 0.4 - 0.045])
    with pytest.raises(GraphError, match="delta must be positive, got 0"):
        nn.huber(a, b, delta=0)


def test_logits_of_any_size_have_finite_losses_and_gradients():
    z = sg.constant(np.array([-1e4, -30.0, 0.0, 30.0, 1e4]))
    loss = nn.binary_cross_entropy_with_logits(z, sg.constant(np.zeros(5)))
    (gradient,) = grad(loss.sum(), [z])
    losses, dz = evaluate([loss, gradient])
    np.testing.assert_allclose(losses, [0, exp(-30), log(2), 30, 1e4], rtol=1e-10)
    np.testing.assert_allclose(dz, [0, exp(-30), 0.5, 1, 1], rtol=1e-10)
