"""``scan``: what its step is given, what it gives, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError, TypeMismatch
from symgraph.ops.random import RandomStream
from symgraph.ops.scan import Scan
from symgraph.ops.scan_body import Body

X = sg.vector("x", "float64")
VALUES = np.array([1.0, 4.0, 9.0, 16.0])


def value(outputs, given=None):
    """The value of one output, by the ops' references."""
    return outputs.eval({X: VALUES} if given is None else given)


def start(number=0.0):
    return np.float64(number)


def test_an_output_is_carried_and_stacked():
    sums, updates = sg.scan(lambda x, s: s + x, X, start())
    np.testing.assert_array_equal(value(sums), np.cumsum(VALUES))
    assert updates == {}


def test_backwards_the_outputs_are_in_the_order_of_the_steps():
    sums, _ = sg.scan(lambda x, s: s + x, X, start(), go_backwards=True)
    np.testing.assert_array_equal(value(sums), np.cumsum(VALUES[::-1]))


def test_backwards_the_last_elements_are_taken():
    same, _ = sg.scan(lambda x: x, X, n_steps=3, go_backwards=True)
    np.testing.assert_array_equal(value(same), [16.0, 9.0, 4.0])


def test_taps_of_a_sequence_stay_inside():
    """x[t - 1] and x[t + 1] of four numbers: two steps."""
    pairs, _ = sg.scan(lambda a, b: b - a, {"input": X, "taps": [-1, 1]})
    np.testing.assert_array_equal(value(pairs), [8.0, 12.0])


def test_taps_of_an_output():
    numbers, _ = sg.scan(
        lambda last, before: last + before,
        outputs_info={"initial": np.array([0, 1]), "taps": [-1, -2]},
        n_steps=7,
    )
    assert numbers.eval().tolist() == [1, 2, 3, 5, 8, 13, 21]


def test_the_arguments_come_in_theanos_order():
    seen = []

    def step(*arguments):
        seen.extend(arguments)
        return arguments[2] + arguments[4]

    constant = sg.scalar("c", "float64")
    taps = {"initial": sg.zeros((2,), "float64"), "taps": [-2, -1]}
    sg.scan(step, [X, {"input": X, "taps": [0]}], taps, constant)
    assert len(seen) == 5
    assert seen[-1] is constant
    assert [v.type.shape for v in seen] == [()] * 5


def test_several_outputs_some_carried():
    (sums, squares), _ = sg.scan(
        lambda x, s: [s + x, x * x], X, [start(1.0), None], return_list=True
    )
    np.testing.assert_array_equal(value(sums), 1 + np.cumsum(VALUES))
    np.testing.assert_array_equal(value(squares), VALUES**2)


def test_the_shortest_sequence_decides():
    y = sg.vector("y", "float64")
    products, _ = sg.map(lambda a, b: a * b, [X, y])
    given = {X: VALUES, y: np.ones(2)}
    np.testing.assert_array_equal(value(products, given), [1.0, 4.0])


@pytest.mark.parametrize("steps", [3, 0])
def test_steps_without_sequences(steps):
    count = sg.lscalar("count")
    powers, _ = sg.scan(lambda p: p * X, outputs_info=sg.ones_like(X), n_steps=count)
    given = {X: VALUES, count: steps}
    expected = [VALUES ** (k + 1) for k in range(steps)]
    np.testing.assert_allclose(value(powers, given), np.reshape(expected, (steps, 4)))


def test_reductions():
    digits, _ = sg.foldl(lambda x, s: s * 10 + x, X, start())
    assert value(digits) == 1506.0  # ((1 * 10 + 4) * 10 + 9) * 10 + 16
    digits, _ = sg.foldr(lambda x, s: s * 10 + x, X, start())
    assert value(digits) == 16941.0
    last, _ = sg.reduce(lambda x, s: x, X, start())
    assert value(last) == 16.0


def test_what_is_drawn_in_a_step_differs_from_step_to_step():
    stream = RandomStream(seed=3)
    drawn, updates = sg.scan(lambda: stream.uniform((2,)), n_steps=3)
    assert list(updates) == [stream.state]
    numbers = drawn.eval()
    assert len(np.unique(numbers)) == 6
    assert updates[stream.state].eval()[1] == 3


def test_what_is_drawn_outside_is_the_same_in_each_step():
    mask = RandomStream(seed=3).uniform((2,))
    masked, updates = sg.scan(lambda: mask * 1.0, n_steps=3)
    assert updates == {}
    assert len(np.unique(masked.eval())) == 2


def test_shared_variables_are_updated_in_the_loop():
    counter = sg.shared(np.float64(1.0))
    scaled, updates = sg.scan(lambda x: (x * counter, {counter: counter + 1.0}), X)
    np.testing.assert_array_equal(value(scaled), VALUES * [1, 2, 3, 4])
    assert value(updates[counter]) == 5.0


def test_a_default_update_of_several_ops_runs_in_the_loop():
    number = sg.shared(np.float64(1.0))
    number.default_update = sg.exp(sg.log(number) + np.log(2.0)) + 1.0
    read, updates = sg.scan(lambda: number * 1.0, n_steps=4)
    np.testing.assert_allclose(read.eval(), [1.0, 3.0, 7.0, 15.0])
    np.testing.assert_allclose(updates[number].eval(), 31.0)


def test_what_does_not_change_is_found_and_computed_outside():
    scale = sg.scalar("scale", "float64")
    scaled, _ = sg.scan(lambda x: x * sg.exp(scale), X)
    assert scaled.owner.op.body.graph.find(sg.ops.Exp) == []
    given = {X: VALUES, scale: 0.0}
    np.testing.assert_array_equal(value(scaled, given), VALUES)
    strict, _ = sg.scan(lambda x, s: x * sg.exp(s), X, None, scale, strict=True)
    np.testing.assert_array_equal(value(strict, given), VALUES)


def test_truncated_gradients_reach_back_so_many_steps():
    """h_t = h_{t-1} w + x_t: d h_4 / d x_t = w^(4 - t), for the last two t."""
    w = sg.scalar("w", "float64")
    h, _ = sg.scan(lambda x, s: s * w + x, X, start(1.0), truncate_gradient=2)
    gradient = sg.grad(h[-1], X)
    found = value(gradient, {X: VALUES, w: 3.0})
    np.testing.assert_array_equal(found, [0.0, 0.0, 3.0, 1.0])


def test_gradients_of_first_and_second_order():
    def cost(x, w, h):
        y, _ = sg.scan(lambda a, s: sg.tanh(a + sg.dot(s, w)), x, h)
        return (y * y).sum()

    random = np.random.default_rng(0)
    arrays = [random.normal(size=s) for s in ((4, 3), (3, 3), (3,))]
    sg.verify_grad(cost, arrays)

    def slope(x, w, h):
        return sum((g * g).sum() for g in sg.grad(cost(x, w, h), [x, w, h]))

    sg.verify_grad(slope, arrays, directions=3)


def test_a_loop_in_a_loop():
    m = sg.matrix("m", "float64")

    def row(values, total):
        inner, _ = sg.reduce(lambda v, s: s + v * v, values, start())
        return total + inner

    total, _ = sg.reduce(row, m, start())
    matrix = np.arange(6.0).reshape(2, 3)
    assert total.eval({m: matrix}) == 55.0
    gradient = sg.grad(total, m).eval({m: matrix})
    np.testing.assert_array_equal(gradient, 2 * matrix)


REFUSED = {
    "expected sequences or n_steps": lambda: sg.scan(lambda: 1.0),
    "sequence 0 is a scalar": lambda: sg.scan(lambda x: x, sg.scalar()),
    "outputs_info has 1 entries, the step returned 2": lambda: sg.scan(
        lambda x, s: [x, s], X, start()
    ),
    "carried as float64[], got float64[2]": lambda: sg.scan(
        lambda x, s: sg.stack([x, s]), X, start()
    ),
    "expects taps below 0": lambda: sg.scan(
        lambda x, s: x, X, {"initial": start(), "taps": [0]}
    ),
    "needs 2 values": lambda: sg.scan(
        lambda x, s: x, X, {"initial": start(), "taps": [-2]}
    ),
    "n_steps is 5, sequence 0 has elements for 3": lambda: sg.scan(
        lambda x: x, sg.tensor(shape=(3,)), n_steps=5
    ),
    "too short for taps": lambda: sg.scan(
        lambda *x: x[0], {"input": sg.tensor(shape=(1,)), "taps": [-1, 1]}
    ),
    "expects a dict with 'input' and 'taps'": lambda: sg.scan(
        lambda x: x, {"input": X, "tap": [0]}
    ),
    "is not in non_sequences": lambda: sg.scan(
        lambda x: x * sg.scalar("outside"), X, strict=True
    ),
    "until is not supported": lambda: sg.scan(
        lambda x: [x, sg.until(x > 3.0)], X, [None]
    ),
    "every output needs a value": lambda: sg.reduce(lambda x: x, X, [None]),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_scan_refuses(message):
    with pytest.raises(GraphError) as error:
        REFUSED[message]()
    assert message in str(error.value)


def test_an_error_of_a_carried_value_shows_the_users_lines():
    with pytest.raises(TypeMismatch) as error:
        sg.scan(lambda x, s: x + s, X, np.float32(0.0), name="sums")
    text = str(error.value)
    assert "sums: output 0 of the step is carried as float32[], got float64[]" in text
    assert text.count("test_scan.py") == 3


def test_bodies_are_equal_by_what_they_do():
    def body(factor):
        x = sg.scalar("x")
        return Body(sg.Graph([x], [x * factor]))

    assert body(2.0) == body(2.0)
    assert hash(body(2.0)) == hash(body(2.0))
    assert body(2.0) != body(3.0)
    assert Scan(body(2.0), 1, 0, 3) == Scan(body(2.0), 1, 0, 3, name="other")


def test_a_body_reads_no_shared_variable_by_itself():
    with pytest.raises(GraphError, match="must be an input"):
        Body(sg.Graph([], [sg.shared(1.0) * 2.0]))
