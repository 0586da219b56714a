"""Every op against its own definition: the whole table, one property a test."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest

from codegen.sizes import evaluate as evaluate_size
from codegen.sizes import symbol
from symgraph import ops
from symgraph.autodiff import grad, jvp, verify_grad, vjp
from symgraph.graph import (
    Apply,
    Op,
    TensorType,
    Variable,
    debugprint,
    evaluate,
    is_float,
    is_integer,
    toposort,
)
from tests.ops.cases import CASES, NEED_SHAPES, Case
from tests.ops.cases_scan import in_dtype

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)


def inputs_of(case: Case, keep=lambda axis: True, dtype=None) -> list[Variable]:
    """Inputs of the case's types; dimensions ``keep`` declines are not known."""
    result = []
    keep = (lambda axis: True) if isinstance(case.op, NEED_SHAPES) else keep
    for array in case.arrays:
        shape = [n if keep(axis) else None for axis, n in enumerate(array.shape)]
        name = array.dtype.name
        name = dtype if dtype and is_float(name) else name
        result.append(Variable(TensorType(name, tuple(shape))))
    return result


def outputs_of(case: Case, inputs: list[Variable]) -> tuple[Variable, ...]:
    """The outputs of the case's op."""
    return Apply(case.op, inputs).outputs


float_cases = [
    case
    for case in CASES
    if any(a.dtype == "float64" for a in case.arrays)
    and "float64" in [v.dtype for v in outputs_of(case, inputs_of(case))]
    and not isinstance(case.op, ops.StopGradient)  # zero by decree
]
differentiable = pytest.mark.parametrize(
    "case", float_cases, ids=lambda case: case.label
)


def values_of(case: Case, inputs: list[Variable]) -> list[np.ndarray]:
    """The outputs' values, each checked against its type by ``evaluate``."""
    arrays = dict(zip(inputs, case.arrays, strict=True))
    return evaluate(outputs_of(case, inputs), arrays)


@every_case
@pytest.mark.parametrize("known", ["all", "none", "even", "odd"])
def test_the_type_holds_whatever_is_known(case, known):
    keep = {
        "all": lambda axis: True,
        "none": lambda axis: False,
        "even": lambda axis: axis % 2 == 0,
        "odd": lambda axis: axis % 2 == 1,
    }[known]
    inputs = inputs_of(case, keep)
    for value, output in zip(
        values_of(case, inputs), outputs_of(case, inputs), strict=True
    ):
        assert output.type.accepts(TensorType(value.dtype.name, value.shape))


@every_case
def test_sizes_follow_from_sizes(case):
    """``infer_shape`` on symbols, then the symbols' values, gives the true shapes."""
    known: dict[str, int] = {}

    def named(value):
        name = f"n{len(known)}"
        known[name] = int(value)
        return symbol(name)

    shapes = [tuple(named(n) for n in a.shape) for a in case.arrays]
    scalars = [
        named(a) if a.ndim == 0 and is_integer(a.dtype.name) else None
        for a in case.arrays
    ]
    inferred = case.op.infer_shape(shapes, scalars)
    values = values_of(case, inputs_of(case))
    inferred = inferred if len(values) > 1 else (inferred,)
    for dims, value in zip(inferred, values, strict=True):
        assert tuple(evaluate_size(dim, known) for dim in dims) == value.shape


@every_case
def test_an_op_prints_and_compares_by_its_parameters(case):
    text, again = str(case.op), replace(case.op)
    assert text.startswith(type(case.op).__name__)
    assert "0x" not in text
    assert again == case.op
    assert hash(again) == hash(case.op)
    assert str(again) == text
    prints = [debugprint(outputs_of(case, inputs_of(case)), file=None) for _ in "ab"]
    assert prints[0] == prints[1]


@every_case
def test_an_expression_has_the_value_of_its_op(case):
    inputs = inputs_of(case)
    expanded = case.op.expand(*inputs)
    if expanded is None:
        return
    outputs = expanded if isinstance(expanded, tuple) else (expanded,)
    given = dict(zip(inputs, case.arrays, strict=True))
    for value, expected in zip(
        evaluate(outputs, given), values_of(case, inputs), strict=True
    ):
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-12)


@differentiable
def test_the_gradient_is_that_of_central_differences(case):
    directions = None if sum(a.size for a in case.arrays) < 64 else 5
    verify_grad(case.op, case.arrays, directions=directions)


@differentiable
def test_the_gradient_of_the_gradient_too(case):
    verify_grad(
        lambda *inputs: gradients(case, inputs), case.arrays, rtol=2e-6, directions=3
    )


@differentiable
def test_forward_and_reverse_mode_are_adjoint(case):
    """<u, J t> = <J^T u, t>."""
    random = np.random.default_rng(3)
    inputs = inputs_of(case)
    starts = [v for v in inputs if is_float(v.dtype)]
    ends = [v for v in outputs_of(case, inputs) if is_float(v.dtype)]
    given = dict(zip(inputs, case.arrays, strict=True))
    values = evaluate([*starts, *ends], given)
    weights = [random.normal(size=v.shape).astype(v.dtype) for v in values]
    tangents, cotangents = weights[: len(starts)], weights[len(starts) :]
    pushed = evaluate(jvp(ends, starts, tangents), given)
    pulled = evaluate(vjp(ends, starts, cotangents), given)
    forward = sum(np.vdot(u, v) for u, v in zip(cotangents, pushed, strict=True))
    backward = sum(np.vdot(t, v) for t, v in zip(tangents, pulled, strict=True))
    np.testing.assert_allclose(forward, backward, rtol=1e-7, atol=1e-7)


@differentiable
def test_gradients_of_float32_stay_float32(case):
    inputs = inputs_of(case, dtype="float32")
    case = case._replace(op=in_dtype(case.op, "float32"))
    for output in outputs_of(case, inputs):
        if output.dtype == "float64":
            return  # the op's own parameter asks for it
    for gradient in gradients(case, inputs):
        used = {v.dtype for node in toposort([gradient]) for v in node.outputs}
        assert "float64" not in used


@differentiable
def test_gradients_of_unknown_sizes_have_the_same_values(case):
    static, unknown = inputs_of(case), inputs_of(case, lambda axis: False)
    pairs = zip(
        evaluate(gradients(case, static), dict(zip(static, case.arrays, strict=True))),
        evaluate(
            gradients(case, unknown), dict(zip(unknown, case.arrays, strict=True))
        ),
        strict=True,
    )
    for expected, value in pairs:
        np.testing.assert_array_equal(value, expected)


def test_every_op_has_a_case():
    for module in iter_modules(ops.__path__):
        import_module(f"symgraph.ops.{module.name}")
    covered = {type(case.op) for case in CASES}
    missing = [op.__name__ for op in all_ops() if op not in covered]
    assert not missing, f"ops without a row in tests/ops/cases.py: {missing}"


def gradients(case: Case, inputs) -> list[Variable]:
    """d |op(inputs)|^2 / 2, by the inputs that are floats."""
    ends = [v for v in outputs_of(case, inputs) if is_float(v.dtype)]
    cost = sum((0.5 * v * v).sum() for v in ends)
    wrt = [v for v in inputs if is_float(v.dtype)]
    return grad(cost, wrt, disconnected_inputs="ignore")


def all_ops(base: type = Op) -> list[type]:
    """The op classes of the package that have no subclasses of their own."""
    found = []
    for op in base.__subclasses__():
        if op.__module__.startswith("symgraph.ops"):
            found += all_ops(op) or [op]
    return found
