"""Every element computed, and from where it should be."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.ops.draws import RandomBits
from symgraph.ops.philox import philox4x32
from tests.large.checking import agree, close, normal, pieces, small


def both(inputs, outputs):
    """The function as native code and as its definition."""
    return (sg.function(inputs, outputs, mode=mode) for mode in ("c", "numpy"))


@pytest.mark.large(1)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_fused_expression(dtype):
    x = sg.vector("x", dtype=dtype)
    native, reference = both([x], [sg.tanh(x) * x + sg.exp(-x * x), x > 0.5])
    array = normal((320 << 20) // np.dtype(dtype).itemsize + 13, dtype=dtype)
    agree(native(array), reference, [array], [0])


@pytest.mark.large(5)
def test_more_than_two_gigabytes_of_float64():
    x = sg.vector("x", dtype="float64")
    native, reference = both([x], [x * x - 3.0])
    array = np.resize(normal(1_000_003, dtype="float64"), (1 << 28) + 5)
    assert array.nbytes > 1 << 31
    agree(native(array), reference, [array], [0])


@pytest.mark.large(5)
def test_more_elements_than_31_bits_count():
    """Rows and columns are added: each index is counted for itself too."""
    x, row = sg.tensor("x", "int8", (None, None)), sg.tensor("row", "int8", (None,))
    column = sg.tensor("column", "int8", (None, 1))
    native, reference = both([x, row, column], [x * 3 + row - column])
    arrays = [small(65539, 32771), small(32771, seed=1), small(65539, 1, seed=2)]
    assert arrays[0].size > 1 << 31
    agree(native(*arrays), reference, arrays, [0, 2])


@pytest.mark.large(3)
def test_transposed_joined_and_turned_around():
    x, y = sg.matrix("x"), sg.matrix("y")
    outputs = [x.T, sg.concatenate([x, y], axis=1), y[::-2, 1::3]]
    arrays = normal(9001, 8999), normal(9001, 1001, seed=1)
    turned, joined, stepped = sg.function([x, y], outputs)(*arrays)
    for piece in pieces(turned):
        close(turned[piece], arrays[0][:, piece].T)
    close(joined[:, :8999], arrays[0])
    close(joined[:, 8999:], arrays[1])
    close(stepped, arrays[1][::-2, 1::3])


@pytest.mark.large(3)
def test_random_words_depend_on_their_place_alone():
    state, words = np.array([3, 5], "uint64"), (1 << 29) + 7
    s = sg.tensor("s", "uint64", (2,))
    (bits,) = sg.function([s], [RandomBits("uint32", (words,), 1)(s)])(state)
    assert bits.nbytes > 1 << 31
    blocks = np.linspace(0, words // 4 - 1, 10_007).astype("uint64")
    rest = np.ones_like(blocks), np.full_like(blocks, 5), np.zeros_like(blocks)
    wanted = philox4x32(np.stack([blocks, *rest], axis=-1), [3, 0])
    places = blocks.astype("int64")[:, None] * 4 + np.arange(4)
    close(bits[places], wanted)
