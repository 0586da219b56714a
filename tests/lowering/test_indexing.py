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
