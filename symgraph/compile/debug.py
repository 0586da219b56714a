"""``mode="debug"``: native code against the reference, every rewrite on real values.

When two values that should agree do not, the error names the guilty party: the first
rewrite whose two sides differ, else the first node that native code gets wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.build import build
from symgraph.compile.compilation import Compilation
from symgraph.compile.errors import DebugError
from symgraph.compile.native import NativeBackend
from symgraph.compile.pipeline import lower_graph
from symgraph.compile.recipe import recipe_of
from symgraph.compile.reference import ReferenceBackend
from symgraph.compile.state import Arrays, Snapshot
from symgraph.graph import Graph, SharedVariable, Variable, describe, is_float
from symgraph.graph.evaluate import evaluate
from symgraph.graph.guards import guards_of
from symgraph.rewriting import Validator
from symgraph.rewriting.rounding import rounding

# Relative to each value, and to the largest finite value of the array it is in.
TOLERANCES = {"float32": 1e-4, "float64": 1e-9}


class DebugBackend:
    """Runs the source graph in NumPy and the rewritten one as C; both must agree.

    Without a C compiler (``native`` is None) the rewrites alone are checked.
    """

    def __init__(
        self,
        reference: ReferenceBackend,
        compilation: Compilation,
        native: NativeBackend | None,
    ) -> None:
        self._reference = reference
        self._compilation = compilation
        self._native = native
        read = [] if native is None else native.shared
        self.shared = tuple(dict.fromkeys([*self._reference.shared, *read]))

    def __call__(
        self, arrays: Arrays, snapshot: Snapshot, reusable: Sequence[Any] = ()
    ) -> Arrays:
        """The native outputs, after everything on the way to them was checked."""
        leaves = (*self._reference.graph.inputs, *self.shared)
        givens = dict(zip(leaves, (*arrays, *snapshot.arrays), strict=True))
        expected = self._reference(
            arrays, _part(snapshot, self._reference.shared, self)
        )
        validator = Validator(givens)
        for step in self._compilation.history:
            validator(step)
        if self._native is None:
            return expected
        results = self._native(arrays, _part(snapshot, self._native.shared, self))
        self._compare(results, expected, givens)
        return results

    def _compare(
        self, results: Arrays, expected: Arrays, givens: Mapping[Variable, Any]
    ) -> None:
        assert self._native is not None
        pairs = list(zip(results, expected, strict=True))
        slack = [0.0] * len(pairs)
        if any(difference(mine, theirs) for mine, theirs in pairs):
            slack = _rounding(self._reference.graph.outputs, givens)
        for place, (mine, theirs) in enumerate(pairs):
            problem = difference(mine, theirs, slack[place])
            if problem:
                raise DebugError(
                    f"{self._native.name}: output {place} of native code differs from "
                    f"the reference: {problem}\n"
                    f"{first_wrong(self._compilation, self._native, givens)}"
                )


def difference(
    mine: NDArray[Any], theirs: NDArray[Any], slack: float = 0.0
) -> str | None:
    """Where two arrays are further apart than rounding explains, or None.

    ``slack`` is what it may explain beside ``TOLERANCES``, where values cancel.
    """
    if mine.dtype != theirs.dtype or mine.shape != theirs.shape:
        came, expected = (f"{a.dtype}{list(a.shape)}" for a in (mine, theirs))
        return f"{came}, expected {expected}"
    if is_float(theirs.dtype.name):
        tolerance = TOLERANCES[theirs.dtype.name]
        finite = np.abs(theirs[np.isfinite(theirs)])
        scale = float(finite.max()) if finite.size else 0.0
        least = tolerance * scale + slack
        close = np.isclose(mine, theirs, tolerance, least, equal_nan=True)
    else:
        close = np.asarray(mine == theirs)
    if close.all():
        return None
    place = tuple(int(i) for i in np.argwhere(~close)[0])
    wrong = close.size - int(close.sum())
    return (
        f"{wrong} of {close.size} values, the first at {list(place)}: "
        f"{mine[place]!r}, expected {theirs[place]!r}"
    )


def first_wrong(
    compilation: Compilation, native: NativeBackend, givens: Mapping[Variable, Any]
) -> str:
    """Which node native code gets wrong first, when every node's value is asked for.

    Asking for a value changes what is fused with what, so this finds a wrong kernel
    but may miss a wrong fusion; the text says which it was.
    """
    graph = compilation.lowered.graph
    branches = guards_of(graph.nodes, graph.outputs)  # may fail where not taken
    nodes = [node for node in graph.nodes if node not in branches]
    values = [v for node in nodes for v in node.outputs]
    shown = Graph(graph.inputs, values)
    lowered = lower_graph(shown)
    module = build(lowered.programs, lowered.target)
    recipe = recipe_of(lowered, module)
    backend = NativeBackend(native.name, shown, recipe, module, native.agreement)
    arrays = [givens[v] for v in shown.inputs]
    shared = tuple(givens[v] for v in backend.shared)
    results = backend(arrays, Snapshot((0,) * len(shared), shared))
    slack = _rounding(values, givens)
    for variable, mine, theirs, more in zip(
        values, results, evaluate(values, givens), slack, strict=True
    ):
        problem = difference(mine, theirs, more)
        if problem:
            return (
                f"  the first wrong node is {describe(variable)}, applied at "
                f"{variable.site}: {problem}"
            )
    return "  every node alone is right: what is wrong is how nodes were fused"


def _rounding(
    outputs: Sequence[Variable], givens: Mapping[Variable, Any]
) -> list[float]:
    """How far off each of the outputs may be."""
    return rounding(lambda values: evaluate(outputs, values), givens)


def _part(
    snapshot: Snapshot, wanted: Sequence[SharedVariable], backend: DebugBackend
) -> Snapshot:
    """The part of a snapshot of all shared variables that one back end reads."""
    places = [backend.shared.index(variable) for variable in wanted]
    return Snapshot(
        tuple(snapshot.versions[place] for place in places),
        tuple(snapshot.arrays[place] for place in places),
    )
