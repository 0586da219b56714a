"""A graph run in NumPy, node by node: the definition that native code is held to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgraph.compile.agreement import Agreement
from symgraph.compile.state import Arrays, Snapshot
from symgraph.graph import Graph, Variable, is_integer
from symgraph.graph.evaluate import evaluate


class ReferenceBackend:
    """Evaluates every op's ``reference``; slow, plain, and needs no compiler."""

    def __init__(self, graph: Graph, agreement: Agreement) -> None:
        self.graph = graph
        self.agreement = agreement
        self.shared = tuple(v for v in graph.shared if v not in graph.inputs)

    def __call__(
        self, arrays: Arrays, snapshot: Snapshot, reusable: Sequence[Any] = ()
    ) -> Arrays:
        """The outputs for ``arrays``, all of them fresh."""
        leaves = (*self.graph.inputs, *self.shared)
        givens = dict(zip(leaves, (*arrays, *snapshot.arrays), strict=True))
        self._check_sizes(givens)
        outputs = self.graph.outputs
        values = evaluate(outputs, givens)
        return [
            np.array(value, dtype=output.dtype, order="C")
            for value, output in zip(values, outputs, strict=True)
        ]

    def _check_sizes(self, givens: dict[Variable, NDArray[Any]]) -> None:
        shapes = {variable: array.shape for variable, array in givens.items()}
        scalars = {
            variable: int(array)
            for variable, array in givens.items()
            if variable.ndim == 0 and is_integer(variable.dtype)
        }
        self.agreement.check(shapes, scalars)
