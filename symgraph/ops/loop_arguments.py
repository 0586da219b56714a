"""What ``scan`` is told: sequences with taps, values to start from, how many steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symgraph.graph import GraphError, Variable, argument_lines
from symgraph.ops.arguments import Size, as_size, as_variable
from symgraph.ops.extrema import minimum
from symgraph.ops.shape import dim


@dataclass(frozen=True)
class Sequenced:
    """An array to loop over; a step t reads it at t + tap for each of ``taps``."""

    array: Variable
    taps: tuple[int, ...]
    steps: Size  # how many there are elements for

    def slices(self, length: Size, from_end: bool) -> list[Variable]:
        """For each tap the elements of the steps in turn."""
        return [self._slice(tap, length, from_end) for tap in self.taps]

    def _slice(self, tap: int, length: Size, from_end: bool) -> Variable:
        start: Size = tap - min(0, *self.taps)
        known = isinstance(length, int) and length == self.steps
        if known or length is self.steps:
            is_whole = _margin(self.taps) == 0
            return self.array if is_whole else self.array[start : start + length]
        if from_end:
            start = start + self.steps - length
        return self.array[start : start + length]


@dataclass(frozen=True)
class Carried:
    """An output that steps read earlier values of: those before the first, by taps.

    ``initial[j]`` is the value one step before the first, two steps, and so on.
    """

    initial: tuple[Variable, ...]
    taps: tuple[int, ...]


def read(name: str, sequences: Any) -> list[Sequenced]:
    """The sequences, each an array or a dict of "input" and "taps"."""
    if sequences is None:
        return []
    given = sequences if isinstance(sequences, (list, tuple)) else [sequences]
    return [_sequence(name, place, one) for place, one in enumerate(given)]


def carried(name: str, outputs_info: Any) -> list[Carried | None] | None:
    """For each output what it starts from; None where that is left to the step."""
    if outputs_info is None:
        return None
    given = outputs_info if isinstance(outputs_info, (list, tuple)) else [outputs_info]
    return [_start(name, place, one) for place, one in enumerate(given)]


def length_of(
    name: str, sequences: Sequence[Sequenced], n_steps: int | Variable | None
) -> Size:
    """The number of steps: as given, else of the shortest sequence."""
    if n_steps is not None:
        length = as_size(name, n_steps)
        for place, one in enumerate(sequences):
            _check_length(name, place, one, length)
        return length
    if not sequences:
        raise GraphError(f"{name}: expected sequences or n_steps, got neither")
    shortest, *others = (one.steps for one in sequences)
    for steps in others:
        both = isinstance(shortest, int) and isinstance(steps, int)
        shortest = min(shortest, steps) if both else minimum(shortest, steps)
    return shortest


def _check_length(name: str, place: int, one: Sequenced, length: Size) -> None:
    wrong = isinstance(length, int) and length < 0
    if isinstance(length, int) and isinstance(one.steps, int):
        wrong = wrong or length > one.steps
    if wrong:
        raise GraphError(
            f"{name}: n_steps is {length}, sequence {place} has elements for "
            f"{one.steps}\n{argument_lines([one.array])}"
        )


def _sequence(name: str, place: int, given: Any) -> Sequenced:
    options = _options(name, f"sequence {place}", given, "input")
    array = as_variable(options["input"])
    taps = _taps(options.get("taps", [0]))
    if array.ndim == 0:
        raise GraphError(
            f"{name}: sequence {place} is a scalar\n{argument_lines([array])}"
        )
    if not taps:
        raise GraphError(f"{name}: sequence {place} has no taps")
    size, margin = dim(array, 0), _margin(taps)
    if isinstance(size, int) and size < margin:
        raise GraphError(
            f"{name}: sequence {place} is too short for taps {list(taps)}"
            f"\n{argument_lines([array])}"
        )
    return Sequenced(array, taps, size - margin if margin else size)


def _start(name: str, place: int, given: Any) -> Carried | None:
    if given is None:
        return None
    options = _options(name, f"outputs_info {place}", given, "initial")
    initial, taps = options.get("initial"), _taps(options.get("taps", [-1]))
    if initial is None:
        return None
    if not taps or max(taps) >= 0:
        raise GraphError(
            f"{name}: outputs_info {place} expects taps below 0, got {list(taps)}"
        )
    start, depth = as_variable(initial), -min(taps)
    if depth == 1:
        return Carried((start,), taps)
    if start.ndim == 0 or start.type.shape[0] not in (None, depth):
        raise GraphError(
            f"{name}: outputs_info {place} with taps {list(taps)} needs {depth} values "
            f"before the first step\n{argument_lines([start])}"
        )
    return Carried(tuple(start[depth - 1 - j] for j in range(depth)), taps)


def _options(name: str, what: str, given: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        return {key: given}
    unknown = sorted(set(given) - {key, "taps"})
    if unknown or (key not in given and "taps" in given):
        raise GraphError(
            f"{name}: {what} expects a dict with {key!r} and 'taps', "
            f"got {sorted(given)}"
        )
    return given


def _margin(taps: Sequence[int]) -> int:
    """How many steps the taps cost."""
    return max(0, *taps) - min(0, *taps)


def _taps(taps: Any) -> tuple[int, ...]:
    given = taps if isinstance(taps, (list, tuple)) else [taps]
    return tuple(int(tap) for tap in given)
