"""Jacobians and Hessians, one row of the output at a time."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from symgraph.autodiff.grad import grad
from symgraph.autodiff.reverse import check_differentiable, listed, pull_back
from symgraph.graph import GraphError, Variable, clone_with, constant
from symgraph.ops import reshape, shape, stack, zeros, zeros_like


def jacobian(expression: Variable, wrt: Variable | Sequence[Variable]) -> Any:
    """d expression / d wrt, of shape ``expression.shape + wrt.shape``.

    The shape of the expression must be known. One reverse pass is made, and repeated
    for each element of the expression.
    """
    variables = listed(wrt)
    for variable in (expression, *variables):
        check_differentiable("jacobian", variable)
    if not expression.type.is_static:
        raise GraphError(
            f"jacobian: the shape of {expression!r}, made at {expression.site}, must "
            "be known; use sg.vjp or sg.jvp for products with a Jacobian"
        )
    seed = zeros_like(expression) + 0.0  # a node to be replaced, row by row
    found = pull_back({expression: seed}, variables)
    rows = [
        clone_with(list(found.values()), {seed: unit}) for unit in _units(expression)
    ]
    columns = dict(zip(found, zip(*rows, strict=True), strict=True)) if rows else {}
    results = [_stacked(expression, v, columns.get(v)) for v in variables]
    return results[0] if isinstance(wrt, Variable) else results


def hessian(cost: Variable, wrt: Variable | Sequence[Variable]) -> Any:
    """d^2 cost / d wrt^2, of shape ``wrt.shape + wrt.shape``, for each wrt alone."""
    if isinstance(wrt, Variable):
        gradient = grad(cost, wrt)
        return jacobian(gradient, wrt)
    return [hessian(cost, variable) for variable in wrt]


def _units(expression: Variable) -> list[Variable]:
    dims = [size for size in expression.type.shape if size is not None]
    count = prod(dims)
    units = np.eye(count, dtype=expression.dtype).reshape(count, *dims)
    return [constant(unit) for unit in units]


def _stacked(
    expression: Variable, variable: Variable, rows: Sequence[Variable] | None
) -> Variable:
    sizes = [*shape(expression), *shape(variable)]
    if not rows:
        return zeros(sizes, expression.dtype)
    return reshape(stack(rows), sizes)
