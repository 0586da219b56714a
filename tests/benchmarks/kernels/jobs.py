"""A job is one kernel on one shape, by one or more ways that take turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from codegen.workspace import aligned_bytes

Run = Callable[[], float]  # runs the kernel once; the seconds that it took
LEAST_ROUNDS = 3
TOLERANCE = 1e-4  # of a result, relative to the largest number


@dataclass(frozen=True)
class Job:
    """What a kernel does in numbers, and its ways, by name.

    ``flops`` are those of the definition, so a way that needs fewer can pass the peak;
    0 where nothing but the traffic is of interest. ``bytes`` are those of all arrays,
    each counted once. ``errors`` has the largest error of the ways that were held
    against another.
    """

    name: str
    part: str
    ways: Mapping[str, Run]
    flops: int
    bytes: int
    errors: Mapping[str, float] = field(default_factory=dict)


def aligned(array: np.ndarray) -> np.ndarray:
    """The same numbers where a program would keep them: at the start of a line."""
    copy = aligned_bytes(array.nbytes).view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def largest_error(result: np.ndarray, expected: np.ndarray, who: str) -> float:
    """max |result - expected| / max |expected|; raises where it is no rounding."""
    error = float(np.abs(result - expected).max() / np.abs(expected).max())
    if not error <= TOLERANCE:
        raise ArithmeticError(
            f"{who}: expected an error under {TOLERANCE:.0e}, got {error:.1e}"
        )
    return error


def best_seconds(ways: Mapping[str, Run], seconds: float) -> dict[str, float]:
    """The best round of every way; a round runs each of them once.

    Other work of the machine can only slow a kernel down, so the best counts.
    """
    for run in ways.values():
        run()
    best = dict.fromkeys(ways, float("inf"))
    end, rounds = time.perf_counter() + seconds * len(ways), 0
    while rounds < LEAST_ROUNDS or time.perf_counter() < end:
        best = {way: min(best[way], run()) for way, run in ways.items()}
        rounds += 1
    return best
