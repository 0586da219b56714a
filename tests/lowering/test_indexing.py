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
