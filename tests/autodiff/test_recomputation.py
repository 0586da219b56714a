"""Checkpoints: the same gradients from less memory, by computing twice."""

import numpy as np

import symgraph as sg
from symgraph import layers
from symgraph.ops import Barrier, Checkpoint
from symgraph.ops.special import Sigmoid

DEPTH, WIDTH, ROWS = 16, 8, 2048


def chain(every=0, depth=DEPTH):
    """x, w and a deep chain of both, with a checkpoint after each ``every`` layers."""
    x = sg.tensor("x", shape=(ROWS, WIDTH))
    rng = np.random.default_rng(0)
    w = sg.shared(rng.normal(0, 0.5, (WIDTH, WIDTH)).astype("float32"), name="w")
    h = x
    for layer in range(1, depth + 1):
        h = sg.nn.sigmoid(h @ w)
        if every and layer % every == 0 and layer < depth:
            h = sg.checkpoint(h)
    return x, w, h


def gradients(every=0, mode="c"):
    x, w, h = chain(every)
    return sg.function([x], sg.grad(sg.square(h).sum(), [x, w]), mode=mode)


def test_gradients_are_the_same_and_memory_is_less():
    x = np.random.default_rng(1).normal(size=(ROWS, WIDTH)).astype("float32")
    plain, kept = gradients(), gradients(every=4)
    for mine, theirs in zip(kept(x), plain(x), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert kept.memory().workspace < 0.65 * plain.memory().workspace


def test_rewriting_does_not_undo_it():
    fn = gradients(every=4)
    assert not fn.graph.find(Checkpoint)
    assert len(fn.graph.find(Barrier)) == 3
    # three of four segments twice, but for the checkpoints at their ends
    assert len(fn.graph.find(Sigmoid)) == DEPTH + 3 * 3
    assert len(gradients().graph.find(Sigmoid)) == DEPTH


def test_without_a_checkpoint_or_with_nothing_before_it_nothing_is_done_twice():
    x = sg.vector("x")
    for cost in (sg.exp(x).sum(), sg.exp(sg.checkpoint(x)).sum()):
        graph = sg.rewrite(sg.grad(cost, x)).graph
        assert not graph.find(Barrier)


def test_every_mode_and_second_derivatives():
    x = sg.tensor("x", dtype="float64", shape=(3,))

    def cost(mark):
        h = mark(sg.tanh(x) * x)
        h = mark(sg.exp(h) + h * x.sum())  # x skips both checkpoints
        return (h * sg.sin(h)).sum()

    def results(mark, mode):
        first = sg.grad(cost(mark), x)
        second = sg.grad(sg.square(first).sum(), x)
        return sg.function([x], [first, second], mode=mode)(np.array([0.3, -1.2, 0.7]))

    plain = results(lambda v: v, "numpy")
    for mode in ("numpy", "c", "debug"):
        for mine, theirs in zip(results(sg.checkpoint, mode), plain, strict=True):
            np.testing.assert_allclose(mine, theirs, 1e-12)


def test_what_skips_a_checkpoint_is_kept():
    x = sg.tensor("x", dtype="float64", shape=(5,))

    def gradient(mark):
        early = sg.exp(sg.sin(x))
        late = mark(sg.tanh(early)) * early  # early is read across the checkpoint
        return sg.grad(mark(sg.nn.sigmoid(late)).sum(), x)

    value = np.linspace(-1, 1, 5)
    plain = gradient(lambda v: v).eval({x: value})
    np.testing.assert_allclose(gradient(sg.checkpoint).eval({x: value}), plain, 1e-14)


def test_a_layer_marks_what_it_is_given():
    def network(*between):
        stack = [layers.Dense(7, activation=sg.tanh), layers.BatchNorm(), *between]
        stack += [layers.Dense(3, activation=sg.tanh), layers.Dense(2)]
        return layers.Sequential(stack, input_shape=(None, 5), seed=3)

    x = sg.tensor("x", shape=(None, 5))
    values = np.random.default_rng(2).normal(size=(11, 5)).astype("float32")
    plain, kept = network(), network(layers.Checkpoint())
    for mine, theirs in zip(kept.trainable, plain.trainable, strict=True):
        mine.set_value(theirs.get_value())
    found = []
    for net in (plain, kept):
        gradient = sg.grad(sg.square(net(x, training=True)).sum(), net.trainable)
        fn = sg.function([x], gradient, mode="c")
        found.append((fn(values), len(fn.graph.find(Barrier))))
    for mine, theirs in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_allclose(mine, theirs, 1e-5, 1e-6)
    assert [count for _, count in found] == [0, 1]


def test_random_numbers_are_drawn_again_the_same():
    x = sg.tensor("x", shape=(50,))
    stream = sg.random.RandomStream(seed=1)
    kept = sg.nn.dropout(sg.exp(x), 0.5, stream)
    y = sg.checkpoint(sg.square(kept))
    fn = sg.function([x], [y, sg.grad(sg.sin(y).sum(), x)], mode="c")
    value = np.linspace(0, 1, 50, dtype="float32")
    y, dx = fn(value)
    np.testing.assert_allclose(dx, np.cos(y) * 2 * y, 1e-5, 1e-6)
    assert 0 < (y == 0).sum() < 50
