"""The stages together: the reference network, gradients, chains of any length."""

from __future__ import annotations

import time

import numpy as np

from symgraph.autodiff import grad
from symgraph.graph import (
    Constant,
    Graph,
    Site,
    debugprint,
    evaluate,
    inherit_site,
)
from symgraph.ops import functions as F
from symgraph.ops import nn
from symgraph.ops.affine import Affine
from symgraph.ops.batch_norm import BatchNormInference, BatchNormTraining
from symgraph.ops.conv import Conv2D
from symgraph.ops.linalg import MatMul
from symgraph.ops.normalize import batch_norm_inference, batch_norm_training
from symgraph.rewriting import Validator, explain, rewrite_graph
from symgraph.rules import (
    BATCH_NORMALIZATION,
    CANONICALIZE,
    DEFAULT,
    STABILIZE,
    rewrite,
    to_inference,
)
from symgraph.rules.fold_affine import fold_affine_into_conv_behind
from tests.rules.checking import graph_of, ops_of, rewritten, shared, tensor

RNG = np.random.default_rng(0)
SIZE = 60


def weights(*shape):
    return shared(RNG.normal(size=shape) / np.sqrt(np.prod(shape[1:])))


def normalized(x, axes, learned=None):
    """BN by statistics given, or in training by those of x (noted in ``learned``)."""
    kept = axes if axes is None else (0,)
    shape = x.type.shape[1:] if axes == 0 else x.type.shape[1:2]
    gamma, beta, mean, variance = (
        shared(RNG.uniform(0.5, 2, shape) * sign) for sign in (1, -1, 1, 1)
    )
    if learned is None:
        return batch_norm_inference(x, gamma, beta, mean, variance, axes=kept)
    y, _, _ = batch_norm_training(x, gamma, beta, axes=kept)
    learned[y] = (mean, variance)
    return y


def reference_network(x, axes=None, learned=None, with_batch_norm=True):
    """The network of the 2015 write-up, narrower: five BN after relu or pooling."""

    def norm(y):
        return normalized(y, axes, learned) if with_batch_norm else y

    def conv(y, filters, size):
        kernel = weights(filters, y.type.shape[1], size, size)
        return nn.relu(nn.conv2d(y, kernel, weights(filters)))

    ones, zeros = np.ones(3, "float32"), np.zeros(3, "float32")
    mean, variance = shared(ones / 3), shared(ones * 2)
    y = batch_norm_inference(x, F.constant(ones), F.constant(zeros), mean, variance)
    y = norm(nn.max_pool2d(conv(y, 4, 3), 2))
    y = norm(conv(y, 5, 3))
    y = norm(nn.max_pool2d(conv(y, 6, 3), 2))
    y = norm(nn.max_pool2d(conv(y, 7, 3), 2))
    y = norm(conv(y, 8, 2))
    features = int(np.prod(y.type.shape[1:]))
    y = nn.relu(nn.dense(y.flatten(2), weights(features, 9), weights(9)))
    return nn.dense(y, weights(9, 2), weights(2))


def images():
    return tensor("x", None, 3, SIZE, SIZE)


def some_images(count=2):
    return RNG.normal(size=(count, 3, SIZE, SIZE)).astype("float32")


def per_call(graph):
    """The ops that are computed in each call, sizes aside."""
    reached, found = set(graph.inputs), []
    for node in graph:
        if any(v in reached for v in node.inputs):
            reached.update(node.outputs)
            found.append(type(node.op).__name__)
    return [op for op in found if op != "Dim"]


def test_the_reference_network_has_no_batch_norm_left():
    x = images()
    graph = Graph([x], [reference_network(x)])
    plain = Graph([x], [reference_network(x, with_batch_norm=False)])
    value = some_images()
    result, history = rewrite_graph(graph, DEFAULT, check=Validator({x: value}))
    assert not result.find(BatchNormInference)
    assert not result.find(Affine)
    plain, _ = rewrite_graph(plain, DEFAULT)
    assert per_call(result) == per_call(plain)
    before, after = (evaluate(g.outputs, {x: value})[0] for g in (graph, result))
    np.testing.assert_allclose(after, before, atol=1e-4)
    assert history.counts()["fold_batch_norm"] == 6
    text = str(history)
    assert "gamma (x - mean) / sqrt(variance + epsilon) + beta  ->  x s + t" in text


def test_each_station_on_the_way():
    x = images()
    frozen = to_inference(Graph([x], [reference_network(x)]), freeze=True)
    stages = (CANONICALIZE, STABILIZE, BATCH_NORMALIZATION)
    result, _ = rewrite_graph(frozen, stages)
    affine = result.find(Affine)
    assert len(affine) == 6
    assert all(isinstance(v, Constant) for node in affine for v in node.inputs[1:])
    assert not result.find(BatchNormInference)
    result, _ = rewrite_graph(frozen, DEFAULT)
    linear = result.find(Conv2D) + result.find(MatMul)
    assert len(linear) == 7
    assert all(isinstance(node.inputs[1], Constant) for node in linear)
    assert set(per_call(result)) == set(ops_of(result)) - {"Dim"}


def test_a_batch_norm_of_each_activation_is_an_epilogue_or_goes_into_the_dense_layer():
    x = images()
    graph = Graph([x], [reference_network(x, axes=0)])
    result, history = rewrite_graph(graph, DEFAULT)
    affine = result.find(Affine)
    assert len(affine) == 4
    assert all(node.op.axes == (0,) for node in affine)
    kernels = {"Relu", "MaxPool2D"}
    assert {type(n.inputs[0].owner.op).__name__ for n in affine} <= kernels
    last = graph.find(BatchNormInference)[1]
    reason = explain(
        fold_affine_into_conv_behind, graph.find(Conv2D)[1], result, history
    )
    assert reason.verdict == "declined"
    assert reason.reason == "the map differs along axes [2, 3], the weights do not"
    assert history.provenance.rules(affine[0]) == ("fold_batch_norm",)
    assert last in history.provenance.sources(affine[0])


def test_the_training_graph_becomes_the_inference_graph():
    x, learned = images(), {}
    training = Graph([x], [reference_network(x, learned=learned)])
    assert len(training.find(BatchNormTraining)) == 5
    inference = to_inference(training, learned)
    result, _ = rewrite_graph(inference, DEFAULT)
    assert not result.find(Affine)
    value = some_images()
    before, after = (evaluate(g.outputs, {x: value})[0] for g in (inference, result))
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_the_gradients_of_a_network_keep_their_values():
    x, y = tensor("x", None, 3, 9, 9), tensor("y", None, dtype="int32")
    w, v = weights(4, 3, 3, 3), weights(4, 2)
    hidden = nn.relu(nn.conv2d(x, w))
    hidden, _, _ = batch_norm_training(hidden, weights(4), weights(4))
    logits = nn.dense(nn.max_pool2d(hidden, 2).mean(axis=(2, 3)), v)
    loss = nn.cross_entropy(logits, y).mean() + 1e-3 * (w**2).sum()
    graph = Graph([x, y], [loss, *grad(loss, [w, v])])
    values = {
        x: RNG.normal(size=(5, 3, 9, 9)).astype("float32"),
        y: np.array([0, 1, 1, 0, 1], "int32"),
    }
    result, _ = rewritten(graph, DEFAULT, values)
    assert len(result) < len(graph)


def test_a_chain_of_any_length():
    length = 12_000  # in linear time: test_driver.py
    x = y = tensor("x", None)
    with inherit_site(Site("chain.py", 1)):
        for i in range(length // 4):
            y = F.tanh(y) * 1.0 + 0.0 if i % 2 else F.neg(-F.sin(y))
    graph = graph_of(y)
    assert len(graph) > length // 2
    start = time.process_time()
    result, history = rewrite(graph)
    assert time.process_time() - start < 5
    assert len(result) == length // 4
    assert result.inputs == (x,)
    assert len(history.stages) == len(DEFAULT)


def test_rewriting_by_hand():
    x = tensor("x", None, 3)
    y = F.log(nn.softmax(x + 0.0))
    result, history = rewrite(y)
    assert ops_of(result) == ["LogSoftmax"]
    assert [step.rule for step in history] == ["drop_zero", "log_of_softmax"]
    assert "LogSoftmax" in debugprint(result, file=None)
    same, history = rewrite([y, x], ())
    assert same.outputs == (y, x)
    assert not history


def test_the_second_time_nothing_is_left_to_do():
    x = images()
    once, _ = rewrite(reference_network(x))
    twice, history = rewrite(once)
    assert not history
    assert twice.outputs == once.outputs
