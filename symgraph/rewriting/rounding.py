"""How far rounding alone may move a value: found by moving what it is computed from.

A sum that cancels, such as the gradient of a bias before batch normalization, is
nothing but rounding, whatever it is computed by: no tolerance relative to its size
lets two ways of computing it agree. So the way itself is asked: its inputs are moved
by a few units in the last place, and what its results do then is the measure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Key = TypeVar("Key")
Array = NDArray[Any]

_UNITS = 4.0  # in the last place, by which each input moves at most
_TIMES = 3  # that they are moved
_ALLOWED = 64.0  # how much farther than so two ways of computing may be apart


def rounding(
    compute: Callable[[Mapping[Key, Array]], Sequence[Array]],
    values: Mapping[Key, Array],
) -> list[float]:
    """For each result of ``compute`` how far off its elements may be."""
    results = compute(values)
    found = [0.0] * len(results)
    for seed in range(_TIMES):
        moved = compute(_moved(values, seed))
        for place, (old, new) in enumerate(zip(results, moved, strict=True)):
            found[place] = max(found[place], _ALLOWED * _distance(old, new))
    return found


def _moved(values: Mapping[Key, Array], seed: int) -> dict[Key, Array]:
    """The values, each float a little larger or smaller."""
    random = np.random.default_rng(seed)
    moved = dict(values)
    for key, value in values.items():
        if value.dtype.kind == "f":
            units = random.uniform(-_UNITS, _UNITS, value.shape)
            factor = 1.0 + units * np.finfo(value.dtype).eps
            moved[key] = (value * factor).astype(value.dtype)
    return moved


def _distance(old: Array, new: Array) -> float:
    if old.dtype.kind != "f" or old.shape != new.shape:
        return 0.0
    with np.errstate(all="ignore"):
        distances = np.abs(old - new)
    return float(distances[np.isfinite(distances)].max(initial=0.0))
