"""The short way of a call whose arguments look like those of an earlier one.

Only shapes are looked at here. The compiled code sees for itself, before it computes
anything, that each argument is a plain, contiguous array of its dtype; where one is
not, or its shape is new, the call goes the long way, which converts or complains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from codegen.runtime import NOT_PLAIN, default_threads
from symgraph.compile.native import NativeBackend
from symgraph.compile.state import Arrays, Snapshot, State

_SHAPES_KEPT = 256
_empty = np.empty
Key: TypeAlias = "tuple[tuple[int, ...], int]"  # run-time sizes, and threads
_Plan: TypeAlias = "tuple[Key, list[tuple[tuple[int, ...], Any]]]"  # with the outputs


class Quick:
    """Calls of native code without updates, for shapes that it has learned."""

    def __init__(self, backend: NativeBackend, read: Callable[[], Snapshot]) -> None:
        self._backend = backend
        self._read = read if backend.shared else None
        self._attempt = backend.main.attempt
        self._plans: dict[tuple[Any, ...], _Plan] = {}

    def __call__(self, args: tuple[Any, ...]) -> Arrays | None:
        """The outputs, or None where the call has to go the long way."""
        try:
            plan = self._plans.get(tuple([value.shape for value in args]))
        except (AttributeError, TypeError):  # no array, or none that can be a key
            return None
        if plan is None:
            return None
        key, outputs = plan
        results = [_empty(shape, dtype) for shape, dtype in outputs]
        given = args if self._read is None else self._with_shared(args, key)
        code = self._attempt((*given, *results), key)
        if code:
            if code == NOT_PLAIN:
                return None
            raise self._backend.error(code)
        return results

    def _with_shared(self, args: tuple[Any, ...], key: Key) -> tuple[Any, ...]:
        """The arguments, shared variables and what the prologue made of those."""
        assert self._read is not None
        snapshot, backend = self._read(), self._backend
        given = args + snapshot.arrays
        if backend.prologue is None:
            return given
        return (*given, *backend.invariants(list(given), snapshot.versions, key[0]))

    def learn(self, args: Sequence[Any], arrays: Arrays) -> None:
        """Note the shapes of a call that went well, if nothing was converted."""
        if any(a is not b for a, b in zip(args, arrays, strict=True)):
            return
        if len(self._plans) >= _SHAPES_KEPT:
            self._plans = {}
        sizes = self._backend.sizes(arrays)
        shapes = tuple([array.shape for array in arrays])
        key = sizes, self._backend.threads or default_threads()
        self._plans[shapes] = key, self._backend.planned(sizes)


def quick_way(
    backend: NativeBackend | None, state: State, updates: bool
) -> Quick | None:
    """The short way to ``backend``, where shapes of arguments decide all sizes."""
    if backend is None or updates or backend.clock is not None:
        return None
    count = len(backend.graph.inputs)
    if any(axis is None or place >= count for place, axis in backend.recipe.sizes):
        return None
    return Quick(backend, state.snapshot)
