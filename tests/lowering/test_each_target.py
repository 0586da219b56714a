"""Every op on every instruction set, to the rounding of its dtype.

Many programs are one module, as most of the time of a small one goes into starting the
compiler. float32 is held against the definition in float64 of the same numbers. What
the compiler makes of these loops when it optimizes: ``test_c_against_reference.py``.
"""

from __future__ import annotations

import numpy as np
import pytest

from codegen.build import build
from codegen.target import runnable
from symgraph.graph import Apply, Graph, TensorType, Variable, evaluate
from symgraph.lowering.lower import lower
from tests.codegen.unseen import check, each_unseen_target
from tests.lowering.conftest import run_built
from tests.ops.cases import CASES

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
PARTS = 4  # the cases of one dtype, in so many modules
# The widest target's float64 is that of ``test_c_against_reference.py``.
EACH = [(target, "float32") for target in runnable()]
EACH += [(target, "float64") for target in runnable()[1:]]


def name_of(part):
    return getattr(part, "name", part)


def graph_of(case):
    """The op of a case applied to inputs of its types."""
    inputs = [Variable(TensorType(a.dtype.name, a.shape)) for a in case.arrays]
    return Graph(inputs, Apply(case.op, inputs).outputs)


def wanted(case):
    """What the definition gives in float64 for these very numbers."""
    exact = case.in_dtype("float64")
    graph = graph_of(exact)
    return evaluate(graph.outputs, dict(zip(graph.inputs, exact.arrays, strict=True)))


def near(got, want, dtype):
    """Equal, or for floats within the tolerance of the largest finite number."""
    if want.dtype.kind != "f":
        return np.array_equal(got, want)
    tolerance = TOLERANCE[dtype]
    scale = np.abs(want[np.isfinite(want)]).max(initial=1e-300)
    return np.allclose(got, want, tolerance, tolerance * scale, equal_nan=True)


def lowered_for(target, dtype, part):
    """Some of the cases in ``dtype``, and what each becomes for ``target``."""
    cases = [case for case in CASES if dtype == "float32" or case.has_floats]
    cases = [case.in_dtype(dtype) for case in cases[part::PARTS]]
    return cases, [
        lower(graph_of(case), f"p{place}", target) for place, case in enumerate(cases)
    ]


def programs_of(lowered):
    return [program for each in lowered for program in each.programs]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(("target", "dtype"), EACH, ids=name_of)
def test_every_op(target, dtype, part):
    cases, lowered = lowered_for(target, dtype, part)
    module = build(programs_of(lowered), target, flags=("-O0",))
    wrong = []
    for case, each in zip(cases, lowered, strict=True):
        results = run_built(module, each, case.arrays)
        for got, want in zip(results, wanted(case), strict=True):
            if got.shape != want.shape or not near(got, want, dtype):
                wrong.append(f"{case.label}: {got} expected {want}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("dtype", TOLERANCE)
@each_unseen_target
def test_what_this_machine_does_not_run(unseen, dtype, part, tmp_path):
    check(programs_of(lowered_for(unseen, dtype, part)[1]), unseen, tmp_path)
