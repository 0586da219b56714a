"""Large arrays, and comparing them piece by piece."""

from __future__ import annotations

import numpy as np

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
PIECE = 1 << 22  # elements compared at a time


def normal(*shape, dtype="float32", seed=0):
    """Numbers of a normal distribution."""
    return np.random.default_rng(seed).standard_normal(shape, dtype)


def small(*shape, seed=0):
    """Numbers of one byte, below 100; the same for a long way apart never."""
    count = int(np.prod(shape))
    some = np.random.default_rng(seed).integers(0, 100, 1_000_003, "int8")
    return np.resize(some, count).reshape(shape)


def close(mine, wanted, dtype=None, tolerance=None):
    """Every number within the tolerance of its dtype, or of ``dtype``, to the scale."""
    mine, wanted = np.asarray(mine), np.asarray(wanted)
    assert mine.shape == wanted.shape
    if mine.dtype.kind != "f":
        np.testing.assert_array_equal(mine, wanted)
        return
    tolerance = tolerance or TOLERANCE[dtype or mine.dtype.name]
    scale = np.abs(wanted).max(initial=0)
    np.testing.assert_allclose(mine, wanted, rtol=tolerance, atol=tolerance * scale)


def pieces(array):
    """Slices of the first axis that have about ``PIECE`` elements, and cover it."""
    rows = max(1, PIECE * len(array) // array.size)
    return [slice(at, at + rows) for at in range(0, len(array), rows)]


def agree(results, reference, arrays, along):
    """``results`` equal ``reference`` of the pieces of ``arrays[along[0]]`` and so on.

    What is not in ``along`` is the same for each piece.
    """
    for piece in pieces(arrays[along[0]]):
        cut = [a[piece] if place in along else a for place, a in enumerate(arrays)]
        for mine, wanted in zip(results, reference(*cut), strict=True):
            close(mine[piece], wanted)
