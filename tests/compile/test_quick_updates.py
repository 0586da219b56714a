"""Updates by the short way: together, only ours, and nothing lost."""

import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph.errors import MissingValue
from symgraph.graph.variable import EXCHANGE


def counter(size=3):
    """A step that adds its argument to one variable and counts in another."""
    x = sg.tensor("x", shape=(size,))
    total = sg.shared(np.zeros(size, "float32"), name="total")
    steps = sg.shared(np.int64(0), name="steps")
    fn = sg.function(
        [x], total * 2, updates={total: total + x, steps: steps + 1}, mode="c"
    )
    return fn, total, steps


def learned(size=3):
    fn, total, steps = counter(size)
    one = np.ones(size, "float32")
    fn(one), fn(one)
    return fn, total, steps, one


def test_outputs_come_from_the_old_values_and_updates_go_together():
    fn, total, steps, one = learned()
    for turn in range(2, 50):
        (doubled,) = fn._quick.call(one)
        np.testing.assert_array_equal(doubled, 2 * turn * one)
        np.testing.assert_array_equal(total.get_value(), (turn + 1) * one)
        assert steps.get_value() == turn + 1
        assert (total.version, steps.version) == (turn + 1, turn + 1)


def test_a_value_set_between_calls_is_read():
    fn, total, _, one = learned()
    total.set_value(np.full(3, 10, "float32"))
    (doubled,) = fn._quick.call(one)
    np.testing.assert_array_equal(doubled, 20 * one)
    np.testing.assert_array_equal(total.get_value(), 11 * one)


def test_values_that_somebody_holds_are_not_written_to():
    fn, total, _, one = learned()
    views, copies = [], []
    for _ in range(8):
        views.append(total.get_value(borrow=True))
        copies.append(views[-1].copy())
        assert fn._quick.call(one) is not None
    for view, copy in zip(views, copies, strict=True):
        np.testing.assert_array_equal(view, copy)


def test_memory_of_a_callers_view_is_not_written_to():
    fn, total, _, one = learned()
    base = np.zeros(5, "float32")
    total.set_value(base[1:4], borrow=True)
    for _ in range(4):
        assert fn._quick.call(one) is not None
    np.testing.assert_array_equal(base, np.zeros(5))
    np.testing.assert_array_equal(total.get_value(), 4 * one)


def test_arrays_take_turns():
    fn, total, _, one = learned()
    places = set()
    for _ in range(10):
        fn(one)
        places.add(total.held[0].ctypes.data)
    assert len(places) == 2


def test_the_long_way_goes_on_with_the_same_spares():
    fn, total, steps, one = learned()
    for turn in range(2, 20):
        fn(list(one) if turn % 3 else one)  # a list has to be converted
        np.testing.assert_array_equal(total.get_value(), (turn + 1) * one)
    assert steps.get_value() == 20


def test_a_variable_without_a_value_is_refused_and_nothing_changes():
    fn, total, steps, one = learned()
    total.missing = "total has no value: learn it first"
    with pytest.raises(MissingValue, match="learn it first"):
        fn(one)
    assert fn._quick.call(one) is None
    assert steps.get_value() == 2
    total.missing = None
    assert fn._quick.call(one) is not None


def test_an_error_in_a_kernel_changes_no_shared_variable():
    x, i = sg.tensor("x", shape=(3,)), sg.tensor("i", dtype="int64", shape=(2,))
    total = sg.shared(np.zeros(2, "float32"), name="total")
    fn = sg.function([x, i], total, updates={total: total + x[i]}, mode="c")
    a, good, bad = np.ones(3, "float32"), np.array([2, 0]), np.array([3, 0])
    fn(a, good), fn(a, good)
    before = total.held
    assert fn._quick.call(a, bad) is None
    with pytest.raises(IndexError, match=r"x\[i\]"):
        fn(a, bad)
    assert total.held is before
    assert fn._quick.call(a, good) is not None
    np.testing.assert_array_equal(total.get_value(), [3, 3])


def test_a_lock_that_somebody_has_sends_the_call_the_long_way():
    fn, total, _, one = learned()
    taken, done = threading.Event(), threading.Event()

    def hold():
        with EXCHANGE:
            taken.set()
            done.wait()

    other = threading.Thread(target=hold)
    other.start()
    taken.wait()
    try:
        assert fn._quick.call(one) is None
    finally:
        done.set()
        other.join()
    assert fn._quick.call(one) is not None
    np.testing.assert_array_equal(total.get_value(), 3 * one)


def test_no_update_is_lost_between_threads():
    fn, total, steps, one = learned()
    other, *_ = sg.function([], updates={total: total + 1}, mode="c"), None
    for _ in range(2):
        other()
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(fn, one) for _ in range(400)]
        calls += [pool.submit(other) for _ in range(400)]
        for call in calls:
            call.result()
    assert steps.get_value() == 402
    np.testing.assert_array_equal(total.get_value(), 804 * one)


def test_readers_see_variables_that_were_updated_together():
    x = sg.tensor("x", shape=(500,))
    a, b = (sg.shared(np.zeros(500, "float32"), name=name) for name in "ab")
    step = sg.function([x], updates={a: a + x, b: b + x}, mode="c")
    read = sg.function([], [a, b], mode="c")
    one, stop = np.ones(500, "float32"), threading.Event()

    def work():
        while not stop.is_set():
            step(one)

    other = threading.Thread(target=work)
    other.start()
    try:
        for _ in range(2000):
            left, right = read()
            np.testing.assert_array_equal(left, right)
    finally:
        stop.set()
        other.join()


def test_the_prologue_runs_again_where_what_it_reads_was_set():
    x = sg.tensor("x", shape=(3,))
    scale = sg.shared(np.zeros(3, "float32"), name="scale")
    total = sg.shared(np.zeros(3, "float32"), name="total")
    fn = sg.function([x], updates={total: total + x * sg.exp(scale)}, mode="c")
    one, expected = np.ones(3, "float32"), 0.0
    for value in (0.0, 1.0, -2.0):
        scale.set_value(np.full(3, value, "float32"))
        for _ in range(4):
            fn(one)
            expected += np.exp(value)
        np.testing.assert_allclose(total.get_value(), expected * one, 1e-5)
        assert fn._quick.call(one) is not None
        expected += np.exp(value)


def test_an_update_that_is_not_read_and_one_without_arguments():
    x = sg.tensor("x", shape=(2, 3))
    last = sg.shared(np.zeros((2, 3), "float32"), name="last")
    keep = sg.function([x], updates={last: x}, mode="c")
    for number in range(6):
        value = np.full((2, 3), number, "float32")
        keep(value)
        np.testing.assert_array_equal(last.get_value(), value)


def test_a_variable_of_no_fixed_shape_takes_every_shape():
    x = sg.vector("x")
    last = sg.shared(np.zeros(2, "float32"), name="last", shape=(None,))
    keep = sg.function([x], updates={last: x * 2}, mode="c")
    for number in (2, 2, 2, 5, 5, 5, 2, 2, 0, 0, 0, 3):
        value = np.arange(number, dtype="float32")
        keep(value)
        np.testing.assert_array_equal(last.get_value(), 2 * value)


def test_references_are_given_back():
    fn, total, _, one = learned()
    things = one, one.dtype, None, np.dtype("int64"), True, False
    before = [sys.getrefcount(thing) for thing in things]
    for _ in range(10_000):
        fn(one)
    after = [sys.getrefcount(thing) for thing in things]
    assert all(abs(x - y) < 100 for x, y in zip(before, after, strict=True))
    held = sys.getrefcount(total.held), sys.getrefcount(total.held[0])
    assert held == (2, 2)  # who holds it, and the question


def test_the_callable_outlives_its_function():
    fn, total, _, one = learned()
    call = fn._quick.call
    del fn
    gc.collect()
    assert call(one) is not None
    np.testing.assert_array_equal(total.get_value(), 3 * one)


def test_both_ways_of_a_call_have_one_arena():
    x = sg.tensor("x", shape=(1000, 100))
    total = sg.shared(np.float32(0), name="total")
    fn = sg.function([x], updates={total: total + (x @ x.T).max()}, mode="c")
    value = np.ones((1000, 100), "float32")
    for _ in range(4):
        fn(value)
    assert fn._quick.call(value) is not None
    main = fn._native.main
    arenas = {id(workspace.memory) for workspace in main._idle}
    arenas |= {id(direct._arena[0]) for direct in main._directs}
    assert len(arenas) == 1
