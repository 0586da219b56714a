"""What equations of matrices share: types, triangles, one matrix after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray

from symgraph.graph import GraphError, TensorType, Variable
from symgraph.ops.checks import expect_dtype, expect_float, join_dims, join_shapes
from symgraph.ops.creation import tril
from symgraph.ops.reshaping import expand_dims

Array = NDArray[Any]


def square(op: str, a: TensorType) -> TensorType:
    """The type of some square matrices, which are checked."""
    expect_float(op, "input", a)
    if a.ndim < 2:
        raise GraphError(f"{op}: expected at least 2 dimensions, got {a}")
    n = join_dims(op, f"{a}: rows and columns", *a.shape[-2:])
    return a.with_shape((*a.shape[:-2], n, n))


def equations(op: str, a: TensorType, b: TensorType) -> TensorType:
    """The type of b, as a says that it must be."""
    a = square(op, a)
    expect_dtype(op, "right-hand side", b, a.dtype)
    if b.ndim < 2:
        raise GraphError(f"{op}: expected at least 2 dimensions, got {b}")
    wanted = (*a.shape[:-1], b.shape[-1])
    return b.with_shape(join_shapes(op, "right-hand side", wanted, b, f"with {a}"))


def each(message: str, compute: Callable[..., Array], a: Array, *rest: Array) -> Array:
    """``compute`` for each matrix of a batch; which of how many it is that fails."""
    batch, count = a.shape[:-2], int(np.prod(a.shape[:-2]))
    stacks = [x.reshape(count, *x.shape[-2:]) for x in (a, *rest)]
    results = np.empty_like(stacks[-1])
    for place in range(count):
        try:
            results[place] = compute(*(stack[place] for stack in stacks))
        except LinAlgError:
            raise LinAlgError(message.format(place, count)) from None
    return results.reshape(*batch, *results.shape[-2:])


def factor(a: Array) -> Array:
    """``np.linalg.cholesky``; nan is no positive number."""
    if np.isnan(np.tril(a)).any():
        raise LinAlgError
    return np.linalg.cholesky(a)


def half_lower(x: Variable) -> Variable:
    """Phi(x)."""
    return 0.5 * (tril(x) + tril(x, -1))


def across(x: Variable) -> Variable:
    """One number for each matrix, to be multiplied with all of it."""
    return expand_dims(x, (x.ndim, x.ndim + 1))
