"""Loops as native code, every rewrite on the way checked, against the references."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.compile.pipeline import compile_pipeline
from symgraph.ops.random import RandomStream

RANDOM = np.random.default_rng(0)


def floats(*shape, scale=1.0):
    return (scale * RANDOM.normal(size=shape)).astype("float32")


def check(inputs, outputs, *arguments, updates=None):
    """Mode "debug" compares both back ends and checks each rewrite on the values."""
    made = sg.function(inputs, outputs, updates=updates, mode="debug")
    for arrays in arguments:
        made(*arrays)
    return made


def test_a_recurrent_network_and_its_gradient_at_several_sizes():
    """Batch and length are known at the call only; no steps is a length too."""
    x, w, u = (
        sg.tensor3("x"),
        sg.tensor("w", shape=(3, 5)),
        sg.tensor("u", shape=(5, 5)),
    )
    start = sg.zeros((x.shape[1], 5))
    h, _ = sg.scan(lambda a, s: sg.tanh(a @ w + s @ u), x, start)
    outputs = [h, h.sum(), *sg.grad((h * h).sum(), [x, w, u])]
    weights = floats(3, 5), floats(5, 5)
    sizes = [(4, 2), (7, 3), (0, 2), (1, 1)]
    step = check([x, w, u], outputs, *((floats(*s, 3), *weights) for s in sizes))
    assert [v.shape for v in step(floats(0, 2, 3), *weights)[:1]] == [(0, 2, 5)]


def test_second_order():
    x, w = sg.tensor("x", "float64", (4, 3)), sg.tensor("w", "float64", (3, 3))
    y, _ = sg.scan(lambda a, s: sg.tanh(a + sg.dot(s, w)), x, sg.zeros((3,), "float64"))
    first = sg.grad((y * y).sum(), [x, w])
    second = sg.grad(sum((g * g).sum() for g in first), [x, w])
    check([x, w], [*first, *second], (RANDOM.normal(size=(4, 3)), np.eye(3) * 0.3))


def test_taps_both_ways_and_truncation():
    x, s, a = sg.matrix("x"), sg.tensor("s", shape=(3, 5)), sg.tensor("a", shape=(5, 5))
    outputs = []
    for backwards, truncate in ((False, -1), (True, -1), (False, 2), (True, 2)):
        y, _ = sg.scan(
            lambda early, late, last, third: sg.tanh(early * late + last @ a - third),
            {"input": x, "taps": [-2, 1]},
            {"initial": s, "taps": [-1, -3]},
            truncate_gradient=truncate,
            go_backwards=backwards,
        )
        outputs += [y, *sg.grad((y * y).sum(), [x, s, a])]
    check([x, s, a], outputs, (floats(9, 5), floats(3, 5), floats(5, 5)))


def test_loops_in_loops():
    x, w = sg.tensor("x", shape=(None, None, 3)), sg.tensor("w", shape=(3, 3))

    def inner(row, h):
        return sg.tanh(sg.dot(row, w) + h)

    def outer(rows, total):
        return total + sg.reduce(inner, rows, sg.zeros((3,)))[0]

    y, _ = sg.scan(outer, x, sg.zeros((3,)))
    check([x, w], [y, *sg.grad((y * y).sum(), [x, w])], (floats(4, 5, 3), floats(3, 3)))


def test_kernels_that_begin_buffers_work_on_rows_too():
    """A convolution, a softmax, a sort and an embedding inside a step."""
    x, k = sg.tensor("x", shape=(None, 2, 8, 5, 5)), sg.tensor("k", shape=(8, 8, 3, 3))
    table, places = sg.tensor("table", shape=(7, 5)), sg.ivector("places")

    def step(image, place, state):
        state = sg.nn.relu(sg.nn.conv2d(image + state, k, padding=1))
        last = sg.nn.softmax(state[:, 0, 0, :])
        return [state, sg.sort(last, axis=1) + table[place]]

    (y, z), _ = sg.scan(step, [x, places], [sg.zeros((2, 8, 5, 5)), None])
    gradients = sg.grad((y * y).sum() + (z * z).sum(), [x, k, table])
    arrays = floats(3, 2, 8, 5, 5), np.array([6, 0, 6], "int32")
    arguments = (*arrays, floats(8, 8, 3, 3, scale=0.1), floats(7, 5))
    check([x, places, k, table], [y, z, *gradients], arguments)


def test_states_that_change_places_and_stacks_of_what_is_there():
    x = sg.matrix("x")
    starts = [sg.ones((3,)), sg.zeros((3,)), None, None]
    (a, b, same, before), _ = sg.scan(lambda v, s, t: [t, s + v, v, s], x, starts)
    outputs = [a, b, same, before, sg.grad((a * b).sum(), x)]
    check([x], outputs, (floats(4, 3),), (floats(1, 3),))


def test_numbers_drawn_and_variables_updated_in_steps():
    stream, counter = RandomStream(seed=3), sg.shared(np.float32(1.0))
    x = sg.matrix("x")

    def step(v, s):
        return s + v * stream.uniform((3,)) * counter, {counter: counter + 1.0}

    y, updates = sg.scan(step, x, sg.zeros((3,)))
    arrays = (floats(4, 3),)
    check([x], y, arrays, arrays, updates=updates)
    assert counter.get_value() == 9.0


def test_a_loop_over_parameters_runs_when_they_change():
    w = sg.shared(floats(4, 3), name="w")
    y, _ = sg.scan(lambda row, s: s + row, w, sg.zeros((3,)))
    read = sg.function([], y)
    np.testing.assert_allclose(read(), np.cumsum(w.get_value(), 0), rtol=1e-5)
    w.set_value(np.ones((4, 3), "float32"))
    np.testing.assert_array_equal(read()[-1], [4, 4, 4])


def test_too_many_steps_are_an_error_of_the_call():
    x, count = sg.vector("x"), sg.lscalar("count")
    doubled, _ = sg.scan(lambda v: v * 2.0, x, n_steps=count)
    double = sg.function([x, count], doubled)
    assert double(np.ones(3, "float32"), 2).shape == (2,)
    with pytest.raises(ValueError, match="sizes that must agree") as error:
        double(np.ones(3, "float32"), 5)
    assert "test_scan.py" in str(error.value)


def test_an_error_inside_a_step_stops_the_loop():
    table, places = sg.vector("table"), sg.ivector("places")
    read, _ = sg.scan(lambda i: table[i], places)
    look = sg.function([table, places], read)
    with pytest.raises(IndexError, match=r"test_scan\.py"):
        look(np.ones(3, "float32"), np.array([0, 7, 1], "int32"))


@pytest.mark.parametrize("size", [5, None])
def test_the_size_of_a_part_of_what_a_step_computes_is_no_data(size):
    """The gradient computes it anew: stacked, it would be numbers like any others."""
    start, w = sg.tensor("s", shape=(5,)), sg.tensor("w", shape=(size, size))

    def step(h, w):
        new = sg.tanh(sg.dot(h, w))
        return new, 2 * new[:1], new[-3:]

    stacks, _ = sg.scan(step, [], [start, None, None], [w], n_steps=3)
    outputs = sg.grad(sum(sg.sin(stack).sum() for stack in stacks), [start, w])
    check([start, w], outputs, (floats(5), floats(5, 5)))


def test_only_the_last_state_is_kept_where_only_that_is_read():
    x = sg.tensor("x", shape=(1000, 50))
    total, _ = sg.reduce(lambda v, s: sg.tanh(s + v), x, sg.zeros((50,)))
    stack, _ = sg.scan(lambda v, s: sg.tanh(s + v), x, sg.zeros((50,)))
    for output in (total, stack[-1]):
        assert sg.function([x], output).memory().workspace < 10_000


def test_the_loop_is_one_loop_of_c_and_a_profile_counts_its_turns():
    x, u = sg.tensor("x", shape=(20, 8, 16)), sg.tensor("u", shape=(16, 16))
    h, _ = sg.scan(lambda a, s: sg.tanh(a + s @ u), x, sg.zeros((8, 16)))
    source = compile_pipeline(h).c_source
    assert source.count("for (int64_t step") == 1
    run = sg.function([x, u], h, profile=True)
    run(floats(20, 8, 16), floats(16, 16))
    (product,) = [row for row in run.profile().rows if row.kernel.startswith("MatMul")]
    assert product.flops >= 20 * 2 * 8 * 16 * 16
