"""The table of op cases: for every op, static parameters and inputs for it.

One table drives the tests of type inference, shape inference, references, gradients
of first and second order, printing, and every back end against the reference. Its rows
are in ``cases_elementwise``, ``cases_shapes``, ``cases_linalg``, ``cases_scan`` and
``cases_nn``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symgraph import ops
from symgraph.graph import Op
from tests.ops.cases_elementwise import ELEMENTWISE_CASES
from tests.ops.cases_linalg import linalg_rows
from tests.ops.cases_nn import NN_CASES
from tests.ops.cases_scan import SCAN_CASES, in_dtype
from tests.ops.cases_shapes import SHAPE_CASES

# Ops that mean something else, or nothing, where their inputs' sizes are not known:
# only a dimension that is statically 1 is repeated, and a state has two words.
NEED_SHAPES = (ops.BroadcastTo, ops.RandomBits, ops.RandomUniform)


class Case(NamedTuple):
    """An op and the arrays it is applied to."""

    op: Op
    arrays: tuple[Any, ...]

    @property
    def label(self) -> str:
        """What the case is called in a test report."""
        return f"{self.op} {' '.join(str(a.dtype) + str(a.shape) for a in self.arrays)}"

    @property
    def has_floats(self) -> bool:
        """Whether it is another case in another dtype."""
        return any(np.asarray(array).dtype.kind == "f" for array in self.arrays)

    def in_dtype(self, dtype: str) -> Case:
        """The same with its floats in ``dtype``."""
        arrays = [np.asarray(array) for array in self.arrays]
        turned = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
        return Case(in_dtype(self.op, dtype), tuple(turned))


ROWS = [*ELEMENTWISE_CASES, *SHAPE_CASES, *linalg_rows(), *SCAN_CASES, *NN_CASES]
CASES = [Case(op, tuple(arrays)) for op, arrays in ROWS]
