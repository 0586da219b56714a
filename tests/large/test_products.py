"""Matrix products: tall, wide, deep, in a batch, and of more than two gigabytes."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from tests.large.checking import PIECE, close, normal

SOME = 1 << 12  # rows or columns of a result that are checked, at its start and end


def multiplied(left, right, transposed=(False, False)):
    a, b = sg.matrix("a"), sg.matrix("b")
    turned = [v.T if turn else v for v, turn in zip((a, b), transposed, strict=True)]
    return sg.function([a, b], sg.dot(*turned))(left, right)


def rows_agree(result, left, right):
    """Some rows at the start, in the middle and at the end."""
    right = right.astype("float64")
    for at in (0, len(left) // 2, len(left) - SOME):
        rows = slice(at, at + SOME)
        close(result[rows], left[rows].astype("float64") @ right, result.dtype.name)


def deep(left, right):
    """left' right in float64, a piece of the long axis at a time."""
    step = max(1, PIECE // left.shape[1])
    return sum(
        left[at : at + step].T.astype("float64")
        @ right[at : at + step].astype("float64")
        for at in range(0, len(left), step)
    )


@pytest.mark.large(2)
@pytest.mark.parametrize("columns", [1, 3, 10, 96])
def test_a_tall_matrix(columns):
    left, right = normal(700_001, 128), normal(128, columns, seed=1)
    rows_agree(multiplied(left, right), left, right)


@pytest.mark.large(2)
@pytest.mark.parametrize("rows", [1, 5, 96])
def test_a_wide_matrix(rows):
    left, right = normal(rows, 128), normal(128, 700_001, seed=1)
    result = multiplied(left, right)
    rows_agree(result.T, right.T, left.T)


@pytest.mark.large(2)
@pytest.mark.parametrize("columns", [1, 5, 64])
def test_a_deep_product(columns):
    """x' y, as in the gradient of weights; all numbers positive, so that errors add."""
    left, right = abs(normal(700_001, 128)), abs(normal(700_001, columns, seed=1))
    close(multiplied(left, right, (True, False)), deep(left, right))


@pytest.mark.large(2)
def test_two_long_rows():
    left, right = normal(3, 27_000_001), normal(5, 27_000_001, seed=1)
    close(multiplied(left, right, (False, True)), deep(left.T, right.T))


@pytest.mark.large(1)
@pytest.mark.parametrize("transposed", [False, True])
def test_a_vector_times_a_matrix(transposed):
    row, matrix = normal(1, 9001), normal(9001, 9001, seed=1)
    result = multiplied(row, matrix, (False, transposed))
    matrix = matrix.T if transposed else matrix
    wanted = sum(
        row[:, at : at + 100].astype("float64") @ matrix[at : at + 100]
        for at in range(0, 9001, 100)
    )
    close(result, wanted)


@pytest.mark.large(3)
def test_many_small_products():
    a, b = sg.tensor3("a"), sg.tensor3("b")
    left, right = normal(300_001, 16, 17), normal(300_001, 17, 5, seed=1)
    result = sg.function([a, b], sg.matmul(a, b))(left, right)
    for at in (0, 150_000, 300_001 - SOME):
        some = slice(at, at + SOME)
        close(result[some], left[some].astype("float64") @ right[some], "float32")


@pytest.mark.large(4)
def test_more_than_two_gigabytes():
    left = np.resize(normal(100_003), 8_500_001 * 64).reshape(-1, 64)
    right = normal(64, 24, seed=1)
    assert left.nbytes > 1 << 31
    rows_agree(multiplied(left, right), left, right)


@pytest.mark.large(2)
def test_float64():
    left, right = normal(400_001, 101, dtype="float64"), normal(101, 7, dtype="float64")
    a, b = sg.dmatrix("a"), sg.dmatrix("b")
    result, turned = sg.function([a, b], [sg.dot(a, b), sg.dot(a.T, a)])(left, right)
    rows_agree(result, left, right)
    close(turned, deep(left, left))
