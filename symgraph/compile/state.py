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
from itertools import repeat
from operator import attrgetter, is_not
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symgraph.compile.arguments import fits
from symgraph.compile.errors import ArgumentError
from symgraph.graph import SharedVariable, Variable
from symgraph.graph.errors import MissingValue
from symgraph.graph.variable import EXCHANGE, Held

Arrays: TypeAlias = "list[NDArray[Any]]"


@dataclass(frozen=True)
class Snapshot:
    """The values of shared variables at one moment, and their versions.

    ``held`` is what each variable held, which has both.
    """

    versions: tuple[int, ...]
    arrays: tuple[NDArray[Any], ...]
    held: tuple[Held, ...] = ()


NOTHING = Snapshot((), ())


class State:
    """The shared variables that one function reads and those that it updates.

    ``spares`` has for each of the latter an array that the next call may fill if
    nobody else holds it, or None.
    """

    def __init__(
        self,
        name: str,
        read: Sequence[SharedVariable],
        updates: Mapping[SharedVariable, Variable],
    ) -> None:
        self._name = name
        self.read = tuple(read)
        self.updated = tuple(updates)
        self.spares: list[Any] = [None] * len(updates)
        self._unsure = [
            (place, variable)
            for place, (variable, new) in enumerate(updates.items())
            if not variable.type.accepts(new.type)
        ]
        self._turn = threading.Lock()
        self._placed: list[Any] = [None] * len(updates)  # by the last commit

    @property
    def shapes_fit(self) -> bool:
        """Whether all new values fit their variables for certain."""
        return not self._unsure

    def snapshot(self) -> Snapshot:
        """The values now of all that is read."""
        if not self.read:
            return NOTHING
        with EXCHANGE:
            held = tuple([variable.held for variable in self.read])
        arrays, versions, missing = zip(*held, strict=True)
        for reason in missing:
            if reason is not None:
                raise MissingValue(reason)
        return Snapshot(versions, arrays, held)

    def run(
        self, compute: Callable[[Snapshot, Sequence[Any]], Arrays]
    ) -> tuple[Arrays, Snapshot]:
        """The outputs of ``compute``, whose last results become the new values.

        ``compute`` is given a snapshot, which is given back too, and, for each update,
        an array that it may fill, or None where it has to make one.
        """
        if not self.updated:
            snapshot = self.snapshot()
            return compute(snapshot, ()), snapshot
        with self._turn:
            while True:
                held = [variable.held for variable in self.updated]
                snapshot = self.snapshot()
                results = compute(snapshot, self._reusable())
                first_update = len(results) - len(self.updated)
                new = results[first_update:]
                self._check_shapes(new)
                if self._commit(held, new):
                    return results[:first_update], snapshot

    def _commit(self, held: list[Held], new: Arrays) -> bool:
        """Replace all values, unless one was replaced by somebody else meanwhile."""
        old, versions, _ = zip(*held, strict=True)
        nothing = repeat(None)
        following = list(zip(new, [v + 1 for v in versions], nothing))  # noqa: B905
        with EXCHANGE:
            if any(map(is_not, held, map(_HELD, self.updated))):
                return False
            _assign(self.updated, following)
        if any(
            map(is_not, held, self._placed)
        ):  # not all of our making: views, perhaps
            old = tuple([array if array.flags.owndata else None for array in old])
        self.spares[:], self._placed = old, following
        return True

    def _reusable(self) -> list[Any]:
        """The values before the last ones, where nobody looks at them any more.

        A view of an array, in NumPy or elsewhere, counts as a holder of it.
        """
        spares, self.spares[:] = list(self.spares), repeat(None, len(self.updated))
        holders = _holders(spares)
        if holders.count(_ALONE) == len(spares):
            return spares
        pairs = zip(spares, holders, strict=True)
        return [spare if count == _ALONE else None for spare, count in pairs]

    def _check_shapes(self, new: Arrays) -> None:
        for place, variable in self._unsure:
            if not fits(new[place].shape, variable.type):
                raise ArgumentError(
                    f"{self._name}: the update of {variable!r} has shape "
                    f"{list(new[place].shape)}; no shared variable was changed"
                )


def _assign(variables: Sequence[SharedVariable], held: Sequence[Held]) -> None:
    """Set all in one call of C code, which no signal interrupts."""
    deque(map(setattr, variables, repeat("held"), held), maxlen=0)


def _holders(arrays: Sequence[Any]) -> list[int]:
    """How many hold each array, the list that it is in among them."""
    return list(map(sys.getrefcount, arrays))


_HELD = attrgetter("held")
_ALONE = _holders([np.empty(0)])[0]  # what an array counts that only its list holds
