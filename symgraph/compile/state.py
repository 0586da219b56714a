"""Shared variables around a call: read together before it, replaced together after.

A call sees one consistent set of values, computes from them alone, and its updates
become visible at once or, when it fails or is interrupted, not at all. Calls of one
function that update take turns; where another function or ``set_value`` replaced a
value meanwhile, the call is computed again from the new values.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symgraph.compile.arguments import fits
from symgraph.compile.errors import ArgumentError
from symgraph.graph import SharedVariable, Variable

Arrays: TypeAlias = "list[NDArray[Any]]"
_EXCHANGE = threading.Lock()  # held while values are read or replaced together


@dataclass(frozen=True)
class Snapshot:
    """The values of shared variables at one moment, and their versions."""

    versions: tuple[int, ...]
    arrays: tuple[NDArray[Any], ...]


NOTHING = Snapshot((), ())


class State:
    """The shared variables that one function reads and those that it updates."""

    def __init__(
        self,
        name: str,
        read: Sequence[SharedVariable],
        updates: Mapping[SharedVariable, Variable],
    ) -> None:
        self._name = name
        self._read = tuple(read)
        self._updated = tuple(updates)
        self._unsure = [
            (place, variable)
            for place, (variable, new) in enumerate(updates.items())
            if not variable.type.accepts(new.type)
        ]
        self._turn = threading.Lock()
        self._spares: list[Any] = [None] * len(updates)

    def snapshot(self) -> Snapshot:
        """The values now of all that is read."""
        if not self._read:
            return NOTHING
        with _EXCHANGE:
            versions = tuple([variable.version for variable in self._read])
            arrays = tuple([variable._data for variable in self._read])
            missing = [v for v in self._read if v.missing is not None]
        if missing:
            missing[0].get_value()  # raises, and says how to get a value
        return Snapshot(versions, arrays)

    def run(self, compute: Callable[[Snapshot, Sequence[Any]], Arrays]) -> Arrays:
        """The outputs of ``compute``, whose last results become the new values.

        ``compute`` is given a snapshot and, for each update, an array that it may
        fill, or None where it has to make one.
        """
        with self._turn:
            while True:
                versions = [variable.version for variable in self._updated]
                results = compute(self.snapshot(), self._reusable())
                first_update = len(results) - len(self._updated)
                new = results[first_update:]
                self._check_shapes(new)
                if self._commit(versions, new):
                    return results[:first_update]

    def _commit(self, versions: list[int], new: Arrays) -> bool:
        """Replace all values, unless one was replaced by somebody else meanwhile."""
        targets = self._updated
        with _EXCHANGE:
            if versions != [variable.version for variable in targets]:
                return False
            old = [variable._data for variable in targets]
            _assign(targets, new)
        self._spares = list(old)
        return True

    def _reusable(self) -> list[Any]:
        """The values before the last ones, where nobody looks at them any more.

        A view of an array, in NumPy or elsewhere, counts as a holder of it.
        """
        spares, self._spares = self._spares, [None] * len(self._updated)
        for place in range(len(spares)):
            if _holders(spares, place) != _ALONE or not spares[place].flags.owndata:
                spares[place] = None
        return spares

    def _check_shapes(self, new: Arrays) -> None:
        for place, variable in self._unsure:
            if not fits(new[place].shape, variable.type):
                raise ArgumentError(
                    f"{self._name}: the update of {variable!r} has shape "
                    f"{list(new[place].shape)}; no shared variable was changed"
                )


def _assign(variables: Sequence[SharedVariable], arrays: Arrays) -> None:
    """Set values and versions in one call of C code, which no signal interrupts."""
    count = len(variables)
    names = ["_data"] * count + ["version"] * count + ["missing"] * count
    versions = [variable.version + 1 for variable in variables]
    values = [*arrays, *versions, *[None] * count]
    deque(map(setattr, [*variables] * 3, names, values), maxlen=0)


def _holders(arrays: Sequence[Any], place: int) -> int:
    return sys.getrefcount(arrays[place])


_ALONE = _holders([np.empty(0)], 0)  # what an array counts that only its list holds
