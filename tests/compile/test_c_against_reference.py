"""Every row of the table of op cases, as native code, against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.compile import Mode, function
from symgraph.compile.debug import difference
from symgraph.graph import TensorType, Variable, evaluate
from tests.ops.cases import CASES, NEED_SHAPES
from tests.ops.cases_scan import in_dtype

DTYPES = ["float32", "float64"]
UNREWRITTEN = Mode("c", stages=())


def of_dtype(dtype, arrays):
    """The floats among ``arrays`` in another dtype."""
    arrays = [np.asarray(array) for array in arrays]
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]


def variables(arrays, unknown):
    """An input for each array, the first dimension of those in ``unknown`` open."""
    made = []
    for place, array in enumerate(arrays):
        shape = list(array.shape)
        if place in unknown and array.dtype.kind == "f" and shape:
            shape[0] = None
        made.append(
            Variable(TensorType(array.dtype.name, tuple(shape)), name=f"v{place}")
        )
    return made


def check(op, arrays, unknown, mode):
    inputs = variables(arrays, unknown)
    outputs = op(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    expected = evaluate(outputs, dict(zip(inputs, arrays, strict=True)))
    results = function(inputs, outputs, mode=mode, on_unused_input="ignore")(*arrays)
    for mine, theirs in zip(results, expected, strict=True):
        assert difference(mine, theirs) is None


def rows(dtypes, excluded=()):
    """The cases in each dtype; those without floats once."""
    found = []
    for number, (op, arrays) in enumerate(CASES):
        has_floats = any(np.asarray(array).dtype.kind == "f" for array in arrays)
        for dtype in dtypes if has_floats else dtypes[:1]:
            name = f"{number}-{str(op)[:60]}-{dtype}"
            if not isinstance(op, excluded):
                values = of_dtype(dtype, arrays)
                found.append(pytest.param(in_dtype(op, dtype), values, id=name))
    return found


@pytest.mark.parametrize(("op", "arrays"), rows(DTYPES))
def test_known_shapes(op, arrays):
    check(op, arrays, (), UNREWRITTEN)


@pytest.mark.parametrize(("op", "arrays"), rows(DTYPES[:1], NEED_SHAPES))
def test_a_first_dimension_known_at_the_call_and_rewritten(op, arrays):
    check(op, arrays, (0,), "debug")
