"""Positions that data decide: counted from the end, and checked, in native code."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg

X, Y = sg.vector("x"), sg.vector("y")


@pytest.fixture(scope="module")
def look():
    """x at (the place of y's maximum) - 2, read and written."""
    place = sg.argmax(Y) - 2
    return sg.function([X, Y], [X[place], sg.set_subtensor(X[place], 9.0)])


def test_a_negative_position_counts_from_the_end(look):
    read, written = look(np.arange(3, dtype="float32"), np.array([1, 0], "float32"))
    assert read == 1.0
    np.testing.assert_array_equal(written, [0.0, 9.0, 2.0])


def test_a_position_outside_is_an_error_and_nothing_is_touched(look):
    far = np.array([0] * 8 + [1], "float32")
    with pytest.raises(IndexError, match="out of range"):
        look(np.arange(3, dtype="float32"), far)


def test_what_is_outside_is_named_with_its_place():
    x, i = sg.tensor("x", shape=(None, 5, 3)), sg.ivector("i")
    taken = sg.function([x, i], x[:, i, i])
    logits, labels = sg.matrix("logits"), sg.ivector("labels")
    loss = sg.nn.cross_entropy(logits, labels)
    losses = sg.function([logits, labels], [loss, sg.grad(loss.sum(), logits)])
    values, array = np.zeros((2, 5, 3), "float32"), np.array([2, -3, 3], "int32")
    wide = np.zeros((9, 5), "float32")
    wrong = np.array([0, 1, 2, 7, 4, 0, -1, 2, 3], "int32")
    for _ in range(3):  # by the long way, then by the short one
        taken(values, array[:2])
        with pytest.raises(IndexError, match="index 3 is out of range for dimension 2"):
            taken(values, array)
        losses(wide, wrong % 5)
        message = "label 7 of example 3 is out of range for 5 classes"
        with pytest.raises(IndexError, match=message):
            losses(wide, wrong)


@pytest.mark.parametrize("mode", ["c", "numpy"])
@pytest.mark.parametrize("known", [True, False])
def test_a_position_outside_is_an_error_where_nothing_is_read(mode, known):
    """Of (3, 0) numbers a row is empty, but there is no row 3."""
    x, i = sg.tensor("x", shape=(3, 0) if known else (None, None)), sg.lvector("i")
    place, one = sg.argmax(i), np.float32(1)  # a place by data, not by a size
    by_rows = [x[i], x[i, 0:0], sg.set_subtensor(x[i], one)]
    by_place = [x[place], sg.inc_subtensor(x[place], one)]
    empty = np.zeros((3, 0), "float32")
    inside, outside, far = (
        np.array([2, -3, 0]),
        np.array([2, -4]),
        np.array([0, 0, 0, 1]),
    )
    for outputs, wrong in ((by_rows, outside), (by_place, far)):
        for output in outputs:
            fn = sg.function([x, i], output, mode=mode)
            assert 0 in fn(empty, inside).shape
            with pytest.raises(IndexError, match="out of"):
                fn(empty, wrong)


def test_a_position_in_an_empty_dimension_is_an_error():
    x, i = sg.matrix("x"), sg.lvector("i")
    fn = sg.function([x, i], [x[i], x[:, i]])
    nothing = np.zeros((0, 0), "float32")
    assert fn(nothing, np.zeros(0, "int64"))[0].shape == (0, 0)
    for empty in (nothing, np.zeros((0, 2), "float32")):
        with pytest.raises(IndexError, match="index 0 is out of range for dimension 0"):
            fn(empty, np.array([0]))
