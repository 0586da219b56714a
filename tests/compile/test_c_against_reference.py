"""Every row of the table of op cases, as native code, against its definition.

A dozen rows are the outputs of one function: most of the time of a small one goes into
starting the compiler. Each op alone, on every target, is in ``test_each_target.py``;
here float32 is optimized, there it is not.
"""

from __future__ import annotations

import pytest

from symgraph.compile import Mode, function
from symgraph.compile.debug import difference
from symgraph.graph import TensorType, Variable, evaluate
from tests.effort import unoptimized
from tests.ops.cases import CASES, NEED_SHAPES

DTYPES = ["float32", "float64"]
UNREWRITTEN = Mode("c", stages=())
TOGETHER = 12  # rows that are one function


def variables(arrays, unknown):
    """An input for each array, the first dimension of those in ``unknown`` open."""
    made = []
    for place, array in enumerate(arrays):
        shape = list(array.shape)
        if place in unknown and array.dtype.kind == "f" and shape:
            shape[0] = None
        made.append(Variable(TensorType(array.dtype.name, tuple(shape))))
    return made


def check(rows, unknown, mode):
    """Each op of ``rows`` on its arrays, all of them in one function."""
    inputs, outputs, labels, given = [], [], [], []
    for case in rows:
        own = variables(case.arrays, unknown)
        made = case.op(*own)
        made = made if isinstance(made, tuple) else (made,)
        inputs, outputs = [*inputs, *own], [*outputs, *made]
        labels += [case.label] * len(made)
        given += case.arrays
    expected = evaluate(outputs, dict(zip(inputs, given, strict=True)))
    results = function(inputs, outputs, mode=mode, on_unused_input="ignore")(*given)
    for label, mine, theirs in zip(labels, results, expected, strict=True):
        assert difference(mine, theirs) is None, label


def groups(dtypes, excluded=()):
    """The cases in each dtype, those without floats once; some at a time."""
    for dtype in dtypes:
        rows = []
        for case in CASES:
            once = case.has_floats or dtype == dtypes[0]
            if once and not isinstance(case.op, excluded):
                rows.append(case.in_dtype(dtype))
        for first in range(0, len(rows), TOGETHER):
            chosen = rows[first : first + TOGETHER]
            yield pytest.param(dtype, chosen, id=f"{dtype}-{first}")


@pytest.mark.parametrize(("dtype", "rows"), list(groups(DTYPES)))
def test_known_shapes(dtype, rows, monkeypatch):
    if dtype == "float64":
        unoptimized(monkeypatch)
    check(rows, (), UNREWRITTEN)


@pytest.mark.parametrize(("dtype", "rows"), list(groups(DTYPES[:1], NEED_SHAPES)))
def test_a_first_dimension_known_at_the_call_and_rewritten(dtype, rows, monkeypatch):
    unoptimized(monkeypatch)
    check(rows, (0,), "debug")
