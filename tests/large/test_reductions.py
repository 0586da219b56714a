"""Sums, extrema and moments along each kind of axis, and over everything."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from tests.large.checking import close, normal, pieces, small

SHAPE = (301, 503, 521)  # 315 MB of float32


@pytest.fixture(scope="module")
def array():
    """Neither of mean 0 nor of variance 1, so that both matter."""
    return 0.5 + 2 * normal(*SHAPE)


@pytest.mark.large(2)
@pytest.mark.parametrize("axis", [0, 1, 2, (0, 1), (0, 2), (1, 2), None])
def test_over_one_axis_two_and_all(array, axis):
    x = sg.tensor3("x")
    outputs = [x.sum(axis), x.mean(axis), x.max(axis), x.min(axis), x.var(axis)]
    total, mean, largest, least, variance = sg.function([x], outputs)(array)
    wanted = array.sum(axis, dtype="float64")
    count = array.size / wanted.size
    close(total, wanted)
    close(mean, wanted / count)
    close(largest, array.max(axis))
    close(least, array.min(axis))
    squares = np.zeros_like(wanted) if axis is not None else 0.0
    kept = array.mean(axis, dtype="float64", keepdims=True)
    along = 0 if axis is None or 0 in np.atleast_1d(axis) else None
    if along is None:
        squares = np.concatenate(
            [((array[p] - kept[p]) ** 2).sum(axis) for p in pieces(array)]
        )
    else:
        squares = sum(((array[p] - kept) ** 2).sum(axis) for p in pieces(array))
    close(variance, squares / count)


@pytest.mark.large(2)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_where_the_largest_is(array, axis):
    x = sg.tensor3("x")
    places, least = sg.function([x], [sg.argmax(x, axis), sg.argmin(x, axis)])(array)
    close(places, array.argmax(axis))
    close(least, array.argmin(axis))


@pytest.mark.large(2)
def test_a_product_and_a_norm_of_float64():
    x = sg.dvector("x")
    array = 1 + 1e-5 * normal(40_000_003, dtype="float64")
    product, norm = sg.function([x], [x.prod(), sg.sqrt((x * x).sum())])(array)
    close(product, np.exp(np.log(array).sum()), tolerance=1e-10)
    close(norm, np.sqrt(np.dot(array, array)))


@pytest.mark.large(3)
def test_more_elements_than_31_bits_count():
    """The last is the largest; as many are counted as there are."""
    x = sg.tensor("x", "int8", (None,))
    array = small((1 << 31) + 5001)
    array[-2] = 120
    outputs = [x.argmax(), (x >= 0).sum(), x.max(), sg.any(sg.eq(x, 120))]
    place, count, largest, found = sg.function([x], outputs)(array)
    assert place == array.size - 2
    assert count == array.size
    assert largest == 120
    assert found


@pytest.mark.large(3)
@pytest.mark.parametrize("axis", [0, 1])
def test_sums_of_a_matrix_of_more_than_31_bits(axis):
    x = sg.tensor("x", "int8", (None, None))
    array = small(65539, 32771)
    (total,) = sg.function([x], [x.sum(axis)])(array)
    close(total, array.sum(axis))


@pytest.mark.large(4)
@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_running_sums(dtype):
    x = sg.tensor("x", dtype, (None, None))
    array = small(20_000_003, 2).astype(dtype)
    down, across = sg.function([x], [sg.cumsum(x, 0), sg.cumsum(x, 1)])(array)
    close(down, array.cumsum(0))
    close(across, array.cumsum(1))


@pytest.mark.large(3)
def test_sorted_rows():
    x = sg.matrix("x")
    array = normal(3, 27_000_001)
    order, ordered = sg.function([x], [sg.argsort(x), sg.sort(x)])(array)
    for row, places, result in zip(array, order, ordered, strict=True):
        close(result, row[places])
        assert (np.diff(result) >= 0).all()
        assert np.bincount(places, minlength=row.size).max() == 1
