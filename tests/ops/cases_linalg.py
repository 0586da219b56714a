"""The rows of equations of matrices in the table of op cases."""

from __future__ import annotations

import numpy as np

from symgraph import ops
from tests.ops.random_arrays import Arrays

normal = Arrays(29).normal


def regular(*shape):
    """Matrices far from singular, whose rows have to change places."""
    return np.flip(np.eye(shape[-1]), 0) * 3 + 0.5 * normal(*shape)


def positive(*shape):
    """Positive definite matrices, symmetric ones."""
    x = normal(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])


def triangular(*shape):
    """Matrices of which both triangles are far from singular."""
    return 0.4 * normal(*shape) + 2 * np.eye(shape[-1])


def linalg_rows():
    """One matrix, batches, none, and matrices of nothing."""
    for shape in [(3, 3), (2, 5, 5), (2, 3, 1, 1), (0, 2, 2), (2, 0, 0)]:
        yield ops.Cholesky(), (positive(*shape),)
        yield ops.Det(), (regular(*shape),)
        yield ops.SlogDet(), (regular(*shape),)
        for columns in (1, 4):
            b = normal(*shape[:-1], columns)
            yield ops.Solve(), (regular(*shape), b)
            yield ops.TriangularSolve(), (triangular(*shape), b)
            yield ops.TriangularSolve(lower=False), (triangular(*shape), b)
