"""Parts of large arrays, read and written where indices say."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from tests.large.checking import close, normal, pieces, small


@pytest.mark.large(4)
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_beyond_31_bits(dtype):
    """Rows, single elements and columns whose places do not fit an int."""
    x = sg.tensor("x", "int8", (65539, 32771))
    i, j = sg.tensor("i", dtype, (None,)), sg.tensor("j", dtype, (None,))
    array = small(65539, 32771)
    rows = np.array([65538, 0, 65537, -1, 3], dtype)
    columns = np.array([32770, 1, -2, 32769, 5], dtype)
    outputs = [x[i], x[i, j], sg.take(x, j, axis=1), x[i[0], j[0]]]
    results = sg.function([x, i, j], outputs)(array, rows, columns)
    close(results[0], array[rows])
    close(results[1], array[rows, columns])
    close(results[2], array[:, columns])
    close(results[3], array[65538, 32770])


@pytest.mark.large(5)
def test_written_beyond_31_bits():
    x = sg.tensor("x", "int8", (None, None))
    i, v = sg.ivector("i"), sg.tensor("v", "int8", (None, None))
    array, rows = small(65539, 32771), np.array([65538, 7, 65538], "int32")
    values = small(3, 32771, seed=1) // 4
    (result,) = sg.function([x, i, v], [sg.inc_subtensor(x[i], v)])(array, rows, values)
    for piece in pieces(array):
        wanted = array[piece].copy()
        for row, value in zip(rows, values, strict=True):
            if piece.start <= row < piece.stop:
                wanted[row - piece.start] += value
        close(result[piece], wanted)


@pytest.mark.large(3)
def test_taken_rows_and_their_gradient():
    x, i = sg.matrix("x"), sg.lvector("i")
    array = normal(1_200_001, 64)
    rows = np.random.default_rng(0).integers(0, len(array), 300_001)
    taken = x[i]
    outputs = [taken, sg.grad((taken * taken).sum(), x)]
    some, gradient = sg.function([x, i], outputs)(array, rows)
    counts = np.bincount(rows, minlength=len(array)).astype("float32")
    close(some, array[rows])
    for piece in pieces(array):
        close(gradient[piece], 2 * counts[piece, None] * array[piece])


@pytest.mark.large(3)
def test_a_part_whose_start_comes_with_the_call():
    x, at = sg.matrix("x"), sg.lscalar("at")
    outputs = [x[at:], sg.set_subtensor(x[at], 7.0), x[at]]
    array = normal(1_200_001, 64)
    part, changed, row = sg.function([x, at], outputs)(array, np.int64(900_000))
    close(part, array[900_000:])
    close(row, array[900_000])
    array[900_000] = 7
    close(changed, array)
