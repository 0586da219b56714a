"""The short way of a call gives the answers and the errors of the long one."""

import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

import symgraph as sg


def product():
    x, y = sg.vector("x"), sg.tensor("y", shape=(3,))
    return sg.function([x, y], x * y, mode="c", name="product")


def learned():
    fn = product()
    a = np.arange(3, dtype="float32")
    fn(a, a), fn(a, a)
    assert fn._quick is not None and fn._quick.call(a, a) is not None
    return fn, a


def test_what_is_not_plain_is_converted_as_before():
    fn, a = learned()
    wide = np.arange(6, dtype="float32")[::2]  # of the same shape, not contiguous
    matrix = np.arange(3, dtype="float32").view(np.recarray)
    for odd in (wide, matrix, [0.0, 1.0, 2.0], np.arange(3, dtype="int8")):
        expected = np.asarray(odd, "float32") * a
        np.testing.assert_array_equal(fn(odd, a), expected)
        np.testing.assert_array_equal(fn(a, odd), expected)


@pytest.mark.parametrize(
    "odd",
    [
        np.arange(3, dtype="float64"),
        SimpleNamespace(shape=(3,)),
        SimpleNamespace(shape=[]),
        np.zeros((3, 1), "float32"),
        sg.tensor("z", shape=(3,)),
    ],
)
def test_what_is_wrong_is_refused_as_before(odd):
    fn, a = learned()
    for arguments in ((odd, a), (a, odd)):
        with pytest.raises((ValueError, TypeError)) as quick:
            fn(*arguments)
        with pytest.raises(type(quick.value)) as long:
            product()(*arguments)
        assert (
            str(quick.value).split("made at")[0] == str(long.value).split("made at")[0]
        )


def test_the_number_of_arguments_is_checked():
    fn, a = learned()
    for arguments in ((), (a,), (a, a, a)):
        with pytest.raises(ValueError, match="expected 2 arguments"):
            fn(*arguments)
    np.testing.assert_array_equal(fn(a, y=a), a * a)


def test_shared_variables_are_read_anew_and_the_prologue_runs_again():
    x = sg.vector("x")
    w = sg.shared(np.ones(3, "float32"), name="w")
    fn = sg.function([x], x * sg.exp(w), mode="c")
    a = np.arange(3, dtype="float32")
    for value in (0.0, 1.0, -2.0):
        w.set_value(np.full(3, value, "float32"))
        for _ in range(4):
            np.testing.assert_allclose(fn(a), a * np.exp(np.float32(value)), 1e-6)
        assert fn._quick.call(a) is not None
    w.set_value(np.zeros(3, "float32"))
    assert fn._quick.call(a) is None


def test_training_between_calls_is_seen():
    x = sg.vector("x")
    w = sg.shared(np.zeros(3, "float32"), name="w")
    read = sg.function([x], x + w, mode="c")
    step = sg.function([], updates={w: w + 1}, mode="c")
    a = np.zeros(3, "float32")
    for turn in range(20):
        for _ in range(turn % 4):
            np.testing.assert_array_equal(read(a), np.full(3, turn))
        step()


def test_values_replaced_by_another_thread_stay_alive_for_a_call():
    x = sg.vector("x")
    w = sg.shared(np.zeros(1000, "float32"), name="w")
    read = sg.function([x], x + w, mode="c")
    stop = threading.Event()

    def replace():
        number = 0
        while not stop.is_set():
            number += 1
            w.set_value(np.full(1000, number, "float32"))

    other = threading.Thread(target=replace)
    other.start()
    try:
        for _ in range(3000):
            result = read(np.zeros(1000, "float32"))
            assert result.min() == result.max()
    finally:
        stop.set()
        other.join()


def test_many_shapes_and_lists_of_results():
    x = sg.matrix("x")
    fn = sg.function([x], [x + 1, x.sum(axis=1)], mode="c")
    shapes = [(rows, columns) for rows in range(4) for columns in range(4)]
    for turn in range(3):
        for shape in shapes:
            value = np.full(shape, turn, "float32")
            for _ in range(3):
                more, sums = fn(value)
                np.testing.assert_array_equal(more, value + 1)
                np.testing.assert_array_equal(sums, value.sum(axis=1))


def test_references_are_given_back():
    fn, a = learned()
    before = sys.getrefcount(a), sys.getrefcount(a.dtype), sys.getrefcount(None)
    for _ in range(10_000):
        fn(a, a)
        fn._quick.call(a)  # refused
    after = sys.getrefcount(a), sys.getrefcount(a.dtype), sys.getrefcount(None)
    assert all(abs(x - y) < 100 for x, y in zip(before, after, strict=True))


def test_the_callable_outlives_its_function():
    fn, a = learned()
    call = fn._quick.call
    del fn
    gc.collect()
    np.testing.assert_array_equal(call(a, a)[0], a * a)


def test_without_python_as_we_know_it_calls_go_the_long_way(monkeypatch):
    monkeypatch.setattr("codegen.runtime.python_table", lambda: None)
    fn = product()
    assert fn._quick is None
    a = np.arange(3, dtype="float32")
    np.testing.assert_array_equal(fn(a, a), a * a)


def test_an_error_in_a_kernel_names_the_line():
    x, i = sg.vector("x"), sg.lvector("i")
    fn = sg.function([x, i], x[i], mode="c")
    a = np.arange(3, dtype="float32")
    fn(a, np.array([2, 0]))
    with pytest.raises(IndexError, match=r"x\[i\]"):
        fn(a, np.array([3, 0]))


def test_debugging_has_no_short_way():
    x = sg.vector("x")
    assert sg.function([x], x * 2, mode="debug")._quick is None
    assert sg.function([x], x * 2, mode="numpy")._quick is None


def test_threads_take_the_short_way_at_once():
    fn, _ = learned()
    rows = [np.full(3, number, "float32") for number in range(50)]
    with ThreadPoolExecutor(4) as pool:
        for row, result in zip(rows, pool.map(fn, rows, rows), strict=True):
            np.testing.assert_array_equal(result, row * row)
