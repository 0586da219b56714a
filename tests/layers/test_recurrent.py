"""Recurrent layers against their equations in NumPy, step by step."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph import layers, training
from symgraph.graph import GraphError, TensorType, Variable, evaluate
from symgraph.layers import initializers

RANDOM = np.random.default_rng(0)
INPUT = RANDOM.normal(size=(2, 7, 3))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def elman(x, states, p):
    (h,) = states
    return (np.tanh(x @ p["weights"] + h @ p["recurrent"] + p["bias"]),)


def lstm(x, states, p):
    h, c = states
    gates = x @ p["weights"] + h @ p["recurrent"] + p["bias"]
    i, f, g, o = np.split(gates, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(x, states, p):
    (h,) = states
    r, z, n = np.split(x @ p["weights"] + p["bias"], 3, axis=1)
    r_h, z_h, n_h = np.split(h @ p["recurrent"], 3, axis=1)
    m = np.tanh(n + sigmoid(r + r_h) * (n_h + p["recurrent_bias"]))
    return (m + sigmoid(z + z_h) * (h - m),)


KINDS = {
    layers.Recurrent: (elman, 1),
    layers.LSTM: (lstm, 2),
    layers.GRU: (gru, 1),
}
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def built(kind, **options):
    """A layer of five units in float64, with biases that are not zero."""
    random = initializers.Uniform(-1.0, 1.0)
    layer = kind(5, bias_initializer=random, **options)
    return layer.build((None, None, 3), dtype="float64", seed=1)


def values_of(layer):
    return {name: variable.get_value() for name, variable in layer.own.items()}


def unfolded(kind, layer, x, backwards=False):
    """h of each step where the step is, and the states after the last one."""
    step, count = KINDS[kind]
    p = values_of(layer)
    starts = [p.get(f"initial_{n}", np.zeros(5)) for n in layer.state_names]
    states = [np.broadcast_to(s, (len(x), 5)) for s in starts]
    assert len(states) == count
    outputs = np.empty((*x.shape[:2], 5))
    for t in range(x.shape[1])[:: -1 if backwards else 1]:
        states = step(x[:, t], states, p)
        outputs[:, t] = states[0]
    return outputs, states


def apply(layer, x):
    symbol = Variable(TensorType(x.dtype.name, (None, None, *x.shape[2:])), name="x")
    return evaluate([layer(symbol)], {symbol: x})[0]


@every_kind
@pytest.mark.parametrize("backwards", [False, True])
def test_each_step_is_the_equation(kind, backwards):
    layer = built(kind, return_sequences=True, go_backwards=backwards)
    expected, _ = unfolded(kind, layer, INPUT, backwards)
    np.testing.assert_allclose(apply(layer, INPUT), expected, atol=1e-12)


@every_kind
def test_the_last_step_alone(kind):
    layer = built(kind, learn_initial=True)
    for name in layer.state_names:
        layer[f"initial_{name}"].set_value(RANDOM.normal(size=5))
    _, states = unfolded(kind, layer, INPUT)
    assert layer.output_type.shape == (None, 5)
    np.testing.assert_allclose(apply(layer, INPUT), states[0], atol=1e-12)


@every_kind
def test_a_sequence_may_come_in_pieces(kind):
    layer = built(kind, return_sequences=True)
    x = Variable(TensorType("float64", (None, None, 3)))
    first = layer.unfold(x[:, :4])
    second = layer.unfold(x[:, 4:], first.states)
    ends = [first.sequence, second.sequence, *second.states]
    early, late, *states = evaluate(ends, {x: INPUT})
    expected, last = unfolded(kind, layer, INPUT)
    np.testing.assert_allclose(np.concatenate([early, late], 1), expected, atol=1e-12)
    for mine, theirs in zip(states, last, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


@every_kind
def test_gradients_are_those_of_central_differences(kind):
    layer = built(kind, return_sequences=True)
    names = list(layer.own)
    weight = RANDOM.normal(size=(2, 4, 5))

    def cost(x, *values):
        y = layer(x)
        given = dict(zip(layer.own.values(), values, strict=True))
        (y,) = sg.graph.clone_with([y], given)
        return (y * weight).sum()

    arrays = [INPUT[:, :4], *(values_of(layer)[name] for name in names)]
    sg.verify_grad(cost, arrays, directions=4)


@every_kind
def test_native_training_step_is_the_reference(kind):
    """One layer on the other, then the same weights at each step of a dense one."""
    net = layers.Sequential(
        [
            kind(5, return_sequences=True),
            kind(4, return_sequences=True, go_backwards=True),
            layers.Dense(2),
        ],
        input_shape=(None, None, 3),
    )
    x = sg.tensor3("x")
    loss = (net(x, training=True) ** 2).mean()
    step = sg.function([x], [loss, *sg.grad(loss, net.trainable)], mode="debug")
    for sizes in ((2, 7, 3), (1, 1, 3), (3, 4, 3)):
        step(RANDOM.normal(size=sizes).astype("float32"))


def test_gates_start_orthogonal_and_forget_late():
    layer = layers.LSTM(5, forget_bias=2.0).build((None, None, 3))
    recurrent = layer["recurrent"].get_value()
    for block in np.split(recurrent, 4, axis=1):
        np.testing.assert_allclose(block @ block.T, np.eye(5), atol=1e-6)
    expected = np.repeat([0.0, 2.0, 0.0, 0.0], 5)
    np.testing.assert_array_equal(layer["bias"].get_value(), expected)


def test_both_directions_side_by_side():
    net = layers.Bidirectional(layers.LSTM(5, return_sequences=True))
    net.build((None, None, 3), dtype="float64")
    forward, backward = net.children
    assert [v.name for v in net.parameters][:1] == ["forward.weights"]
    expected = [
        unfolded(layers.LSTM, forward, INPUT)[0],
        unfolded(layers.LSTM, backward, INPUT, backwards=True)[0],
    ]
    found = apply(net, INPUT)
    np.testing.assert_allclose(found, np.concatenate(expected, 2), atol=1e-12)


def test_a_truncated_gradient_forgets_the_beginning():
    layer = built(layers.LSTM, truncate_gradient=2)
    x = Variable(TensorType("float64", (2, 7, 3)))
    (slope,) = evaluate([sg.grad(layer(x).sum(), x)], {x: INPUT})
    assert not slope[:, :5].any()
    assert slope[:, 5:].all()


def test_descent_learns_to_remember_the_first_number():
    net = layers.Sequential(
        [layers.LSTM(8), layers.Dense(1)], input_shape=(None, 6, 1), seed=0
    )
    x, y = sg.tensor("x", shape=(None, 6, 1)), sg.tensor("y", shape=(None, 1))
    loss = ((net(x, training=True) - y) ** 2).mean()
    step = sg.function([x, y], loss, updates=training.adam(loss, net.trainable, 0.02))
    numbers = RANDOM.normal(size=(64, 6, 1)).astype("float32")
    losses = [float(step(numbers, numbers[:, 0])) for _ in range(150)]
    assert losses[-1] < 0.05 * losses[0]


def test_what_is_refused():
    with pytest.raises(GraphError, match="units expects an integer"):
        layers.LSTM(0)
    with pytest.raises(GraphError, match=r"expects \[batch, time, features\]"):
        layers.GRU(4).build((None, 3))
    with pytest.raises(GraphError, match="number of features must be known"):
        layers.GRU(4).build((None, 3, None))
    with pytest.raises(GraphError, match="expects the states h, c"):
        built(layers.LSTM).unfold(Variable(TensorType("float64", (2, 4, 3))), [])
    with pytest.raises(GraphError, match="that goes forwards"):
        layers.Bidirectional(layers.GRU(4, go_backwards=True))
