"""Random words in C are those of the definition, whatever their number."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.ops.draws import RandomBits
from symgraph.ops.philox import random_words

STATE = np.array([0x1234567890ABCDEF, 0xFEDCBA9876543210], np.uint64)


@pytest.fixture(scope="module")
def drawn():
    """n -> n words of 32 bits and n of 64, n known at the call alone."""
    n, state = sg.lscalar("n"), sg.tensor("state", dtype="uint64", shape=(2,))
    draws = [RandomBits(dtype, (None,), 7)(state, n) for dtype in ("uint32", "uint64")]
    fn = sg.function([n, state], draws, mode="c")
    return lambda count: fn(count, STATE)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 8, 4 * 4096, 9 * 4096 + 3])
def test_words_do_not_depend_on_how_many_are_drawn(drawn, count):
    narrow, wide = drawn(count)
    expected = random_words(STATE, 7, 2 * count)
    np.testing.assert_array_equal(narrow, expected[:count])
    np.testing.assert_array_equal(wide, expected.view("<u8"))


def test_sizes_known_when_the_graph_is_built():
    state = sg.constant(STATE)
    draws = [RandomBits("uint32", shape, 1)(state) for shape in ((3,), (2, 4), (5, 7))]
    for found, draw in zip(sg.function([], draws, mode="c")(), draws, strict=True):
        expected = random_words(STATE, 1, found.size).reshape(draw.type.shape)
        np.testing.assert_array_equal(found, expected)
