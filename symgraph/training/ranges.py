"""Which numbers an optimizer or a schedule may be given: one check for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgraph.graph import GraphError, TypeMismatch, Variable

_Range = tuple[str, Callable[[float], bool]]
_FRACTION: _Range = (">= 0 and < 1", lambda number: 0 <= number < 1)
_NOT_NEGATIVE: _Range = (">= 0", lambda number: number >= 0)
_POSITIVE: _Range = ("> 0", lambda number: number > 0)

_RANGES: dict[str, _Range] = {
    "learning_rate": _NOT_NEGATIVE,
    "rate": _NOT_NEGATIVE,
    "last": _NOT_NEGATIVE,
    "decay": _NOT_NEGATIVE,
    "weight_decay": _NOT_NEGATIVE,
    "epsilon": _NOT_NEGATIVE,
    "momentum": _FRACTION,
    "rho": _FRACTION,
    "beta1": _FRACTION,
    "beta2": _FRACTION,
    "period": _POSITIVE,
    "length": _POSITIVE,
    "limit": _POSITIVE,
    "first": (">= 0 and <= 1", lambda number: 0 <= number <= 1),
}


def check_ranges(who: str, **arguments: Any) -> None:
    """Raise unless each number lies where one of its name may; variables are scalars.

    Nothing that is not finite lies anywhere.
    """
    for name, value in arguments.items():
        expected, fits = _RANGES[name]
        if isinstance(value, Variable):
            if value.ndim:
                raise GraphError(f"{who}: {name} expects a scalar, got {value!r}")
            continue
        if isinstance(value, str) or np.ndim(value):
            raise TypeMismatch(f"{who}: {name} expects a number, got {value!r}")
        if not (np.isfinite(value) and fits(value)):
            raise GraphError(f"{who}: {name} expects {expected}, got {value!r}")
