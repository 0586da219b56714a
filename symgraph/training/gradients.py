"""Gradients and updates, changed on their way: clipping and weight decay.

``clipped(momentum, norm=5.0)`` and ``decayed(sgd, 1e-4)`` are optimizers again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any, TypeAlias

from symgraph.graph import SharedVariable, Variable
from symgraph.ops.arithmetic import square
from symgraph.ops.cast import cast
from symgraph.ops.exponential import sqrt
from symgraph.ops.extrema import clip, maximum
from symgraph.training.descent import (
    Loss,
    Optimizer,
    Updates,
    gradients_of,
    running_averages,
)
from symgraph.training.ranges import check_ranges

Gradients: TypeAlias = Sequence[Variable]
Parameters: TypeAlias = Sequence[SharedVariable]


def global_norm(gradients: Sequence[Variable]) -> Variable:
    """sqrt of the sum of the squares of every element of every gradient."""
    return sqrt(reduce(add, [square(dw).sum() for dw in gradients]))


def clip_by_norm(gradients: Sequence[Variable], norm: float) -> list[Variable]:
    """g norm / max(norm, |g|), |g| being the norm of all gradients together.

    Pascanu et al. 2013, Algorithm 1.
    """
    check_ranges("clip_by_norm", limit=norm)
    factor = norm / maximum(global_norm(gradients), norm)
    return [dw * cast(factor, dw.dtype) for dw in gradients]


def clip_by_value(gradients: Sequence[Variable], limit: float) -> list[Variable]:
    """min(max(g, -limit), limit), element by element."""
    check_ranges("clip_by_value", limit=limit)
    return [clip(dw, -limit, limit) for dw in gradients]


def clipped(
    optimizer: Optimizer, norm: float | None = None, value: float | None = None
) -> Optimizer:
    """``optimizer`` on gradients clipped by value, then by their common norm."""

    def clip_all(gradients: Gradients, parameters: Parameters) -> Gradients:
        if value is not None:
            gradients = clip_by_value(gradients, value)
        return gradients if norm is None else clip_by_norm(gradients, norm)

    return transformed(optimizer, clip_all)


def decayed(optimizer: Optimizer, rate: float) -> Optimizer:
    """``optimizer`` on the gradients of loss + rate/2 sum w^2: dw + rate w."""
    check_ranges("decayed", rate=rate)

    def add_decay(gradients: Gradients, parameters: Parameters) -> Gradients:
        pairs = zip(gradients, parameters, strict=True)
        return [dw + rate * w for dw, w in pairs]

    return transformed(optimizer, add_decay)


def transformed(
    optimizer: Optimizer, change: Callable[[Gradients, Parameters], Gradients]
) -> Optimizer:
    """``optimizer`` on what ``change`` makes of the gradients."""

    def changed(
        loss: Loss, parameters: Iterable[SharedVariable], *args: Any, **options: Any
    ) -> Updates:
        parameters = list(parameters)
        gradients = gradients_of(loss, parameters)
        updates = optimizer(change(gradients, parameters), parameters, *args, **options)
        return {**updates, **running_averages(loss)}

    return changed
