"""The short way of a call: no Python code between the caller and the compiled program.

It serves shapes of arguments that were met twice in a row, reads shared variables and
replaces them as the long way does (``state.py``). Whatever else comes (something to
convert, another shape, a new value of what the prologue depends on, an error) is left
to the long way, which then teaches the short one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from codegen.direct import Cells, Direct
from codegen.threads import default_threads
from symgraph.compile.native import NativeBackend
from symgraph.compile.state import Arrays, Snapshot, State
from symgraph.graph.variable import EXCHANGE


class Quick:
    """``call`` gives the list of results, or None where the long way is to be gone."""

    call: Callable[..., Arrays | None]

    def __init__(self, backend: NativeBackend, direct: Direct) -> None:
        self.call = direct.call
        self._backend = backend
        self._direct = direct
        self._last: object = None

    def learn(
        self, args: Sequence[Any], arrays: Sequence[Any], snapshot: Snapshot
    ) -> None:
        """Note a call that went well by the long way, if nothing was converted."""
        if len(args) != len(arrays):
            return
        if any(a is not b for a, b in zip(args, arrays, strict=True)):
            return
        shapes = [array.shape for array in arrays]
        met = (shapes, [snapshot.versions[place] for place in self._decisive()])
        if met == self._last:
            self._teach(shapes, arrays, snapshot)
        self._last = met

    def _decisive(self) -> Sequence[int]:
        """The shared variables, by their places, that the prologue depends on."""
        return self._backend.fixed if self._backend.prologue is not None else ()

    def _teach(
        self, shapes: list[tuple[int, ...]], arrays: Sequence[Any], snapshot: Snapshot
    ) -> None:
        backend = self._backend
        given = [*arrays, *snapshot.arrays]
        sizes = backend.sizes(given)
        invariants: Arrays = []
        if backend.prologue is not None:
            invariants = backend.invariants(given, snapshot.versions, sizes)
        key = sizes, backend.threads or default_threads()
        results = [shape for shape, _ in backend.planned(sizes)]
        expected: list[object] = [None] * len(snapshot.held)
        for place in self._decisive():
            expected[place] = snapshot.held[place]
        self._direct.learn(shapes, key, invariants, results, expected)


def quick_way(backend: NativeBackend | None, state: State) -> Quick | None:
    """The short way to ``backend``, where shapes of arguments decide all sizes."""
    if backend is None or backend.clock is not None or not state.shapes_fit:
        return None
    count = len(backend.graph.inputs)
    if any(axis is None or place >= count for place, axis in backend.recipe.sizes):
        return None
    dtypes = [np.dtype(output.dtype) for output in backend.graph.outputs]
    cells = Cells("held", EXCHANGE, state.read, state.updated, state.spares)
    direct = backend.main.direct(count, dtypes, cells)
    return Quick(backend, direct) if direct is not None else None
