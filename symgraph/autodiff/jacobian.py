"""Jacobians and Hessians, one row of the output at a time."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from symgraph.autodiff.grad import grad
from symgraph.autodiff.reverse import check_differentiable, listed, pull_back
from symgraph.graph import Variable, clone_with, constant
from symgraph.ops import arange, eq, reshape, shape, stack, zeros, zeros_like
from symgraph.ops.looping import map as loop_over


def jacobian(expression: Variable, wrt: Variable | Sequence[Variable]) -> Any:
    """d expression / d wrt, of shape ``expression.shape + wrt.shape``.

    One reverse pass is made, and repeated for each element of the expression; in a
    loop where its shape is not known.
    """
    variables = listed(wrt)
    for variable in (expression, *variables):
        check_differentiable("jacobian", variable)
    rows = _rows if expression.type.is_static else _looped_rows
    found = rows(expression, variables)
    results = [_shaped(expression, v, found.get(v)) for v in variables]
    return results[0] if isinstance(wrt, Variable) else results


def hessian(cost: Variable, wrt: Variable | Sequence[Variable]) -> Any:
    """d^2 cost / d wrt^2, of shape ``wrt.shape + wrt.shape``, for each wrt alone."""
    if isinstance(wrt, Variable):
        gradient = grad(cost, wrt)
        return jacobian(gradient, wrt)
    return [hessian(cost, variable) for variable in wrt]


def _rows(expression: Variable, wrt: Sequence[Variable]) -> dict[Variable, Variable]:
    """For each of ``wrt`` that there is a way to, its rows, one after another."""
    seed = zeros_like(expression) + 0.0  # a node to be replaced, row by row
    found = pull_back({expression: seed}, wrt)
    rows = [
        clone_with(list(found.values()), {seed: unit}) for unit in _units(expression)
    ]
    columns = zip(*rows, strict=True)
    return {v: stack(c) for v, c in zip(found, columns, strict=bool(rows))}


def _units(expression: Variable) -> list[Variable]:
    dims = [size for size in expression.type.shape if size is not None]
    count = prod(dims)
    units = np.eye(count, dtype=expression.dtype).reshape(count, *dims)
    return [constant(unit) for unit in units]


def _looped_rows(
    expression: Variable, wrt: Sequence[Variable]
) -> dict[Variable, Variable]:
    """``_rows`` of as many elements as a call turns out to have."""
    places = arange(expression.size)
    reached: list[Variable] = []

    def row(place: Variable) -> list[Variable]:
        unit = eq(places, place).astype(expression.dtype).reshape(shape(expression))
        found = pull_back({expression: unit}, wrt)
        reached[:] = found
        return list(found.values())

    rows, _ = loop_over(row, places, name="jacobian")
    return dict(zip(reached, listed(rows), strict=True)) if reached else {}


def _shaped(
    expression: Variable, variable: Variable, rows: Variable | None
) -> Variable:
    sizes = [*shape(expression), *shape(variable)]
    if rows is None:
        return zeros(sizes, expression.dtype)
    return reshape(rows, sizes)
