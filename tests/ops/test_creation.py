"""Inputs, filled arrays, ranges, triangles; methods that are no function."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import symgraph as sg
from symgraph import graph
from symgraph.graph import GraphError, TensorType, TypeMismatch, Variable
from symgraph.ops.methods import METHODS


def test_inputs_by_rank_and_dtype():
    ranks = ["scalar", "vector", "matrix", "tensor3", "tensor4", "tensor5"]
    dtypes = dict(zip("bilfd", "int8 int32 int64 float32 float64".split(), strict=True))  # noqa: SIM905
    for ndim, rank in enumerate(ranks):
        x = getattr(sg, rank)("x")
        assert (x.name, x.dtype, x.type.shape) == ("x", "float32", (None,) * ndim)
        for prefix, dtype in dtypes.items():
            assert getattr(sg, prefix + rank)("x").dtype == dtype


def test_floatx_is_read_when_an_input_is_made():
    with sg.config.context(floatX="float64"):
        assert sg.scalar().dtype == "float64"
    assert sg.scalar().dtype == "float32"


def test_tensor_checks_its_arguments():
    assert sg.tensor("x", shape=(None, 3)).type.shape == (None, 3)
    assert sg.tensor().name is None
    with pytest.raises(TypeMismatch, match="tensor: expected a name, got 3"):
        sg.tensor(3)
    with pytest.raises(GraphError, match="dimensions >= 0"):
        sg.tensor("x", shape=(-1,))


def test_filled_arrays():
    n = sg.lscalar("n")
    for builder, value in ((sg.zeros, 0), (sg.ones, 1)):
        made = builder((n, 3))
        assert str(made.type) == "float32[?, 3]"
        np.testing.assert_array_equal(made.eval({n: 2}), np.full((2, 3), value))
    assert sg.full(3, 2).dtype == "int64"
    np.testing.assert_array_equal(sg.full((2,), 7, "int8").eval(), [7, 7])
    x = sg.bmatrix("x")
    assert sg.zeros_like(x).dtype == "int8"
    assert sg.ones_like(x, "float64").eval({x: np.zeros((2, 3), "int8")}).sum() == 6
    assert sg.full_like(x, 3).eval({x: np.zeros((2, 3), "int8")}).sum() == 18


@pytest.mark.parametrize(
    "bounds", [(5,), (0,), (2, 7), (7, 2), (1, 10, 3), (10, 1, -3), (1, 10, -1)]
)
def test_arange(bounds):
    expected = np.arange(*bounds)
    np.testing.assert_array_equal(sg.arange(*bounds).eval(), expected)
    symbols = [sg.lscalar() for _ in bounds]
    if len(bounds) == 3:
        symbols[2] = bounds[2]
    given = {
        s: b for s, b in zip(symbols, bounds, strict=True) if isinstance(s, Variable)
    }
    np.testing.assert_array_equal(sg.arange(*symbols).eval(given), expected)


def test_arange_dtype_and_errors():
    assert sg.arange(3, dtype="float32").dtype == "float32"
    assert sg.arange(sg.lscalar(), dtype="float32").dtype == "float32"
    with pytest.raises(GraphError, match="a step that is not 0"):
        sg.arange(0, 3, 0)
    with pytest.raises(GraphError, match="a step that is not 0"):
        sg.arange(0, 3, 0.0)
    with pytest.raises(TypeMismatch, match="arange: a size must be an integer"):
        sg.arange(sg.scalar())
    with pytest.raises(TypeMismatch, match="beside floats expected numbers, got "):
        sg.arange(sg.lscalar(), 2.5)


@pytest.mark.parametrize("bounds", [(2.5,), (0, 1, 0.1), (1.0, 0, -0.3), (3.0, 1)])
def test_arange_of_floats(bounds):
    y = sg.arange(*bounds)
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y.eval(), np.arange(*bounds).astype("float32"))
    assert sg.arange(*bounds, dtype="float64").dtype == "float64"


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("num", [0, 1, 2, 7])
def test_linspace(num, endpoint):
    expected = np.linspace(-0.3, 2.1, num, endpoint)
    low, high, n = sg.dscalar(), sg.dscalar(), sg.lscalar()
    known = sg.linspace(low, high, num, endpoint)
    open_ = sg.linspace(low, high, n, endpoint)
    assert known.type.shape == (num,)
    results = sg.function([low, high, n], [known, open_])(-0.3, 2.1, num)
    for result in results:
        np.testing.assert_allclose(result, expected, rtol=1e-14, atol=1e-16)
        assert not (endpoint and num > 1) or result[-1] == 2.1
    numbers = [np.array(-0.3), np.array(2.1)]
    sg.verify_grad(lambda a, b: sg.linspace(a, b, num, endpoint) ** 2, numbers)


def test_linspace_dtype_and_errors():
    assert sg.linspace(0, 1).type == TensorType("float32", (50,))
    assert sg.linspace(0, 9, 4, dtype="int32").dtype == "int32"
    with pytest.raises(GraphError, match="linspace: expected scalars"):
        sg.linspace(sg.vector(), 1)
    with pytest.raises(GraphError, match="expected num >= 0, got -1"):
        sg.linspace(0, 1, -1)


def test_eye_and_triangles():
    n, x = sg.lscalar("n"), sg.dmatrix("x")
    np.testing.assert_array_equal(sg.eye(n, 5, 1).eval({n: 3}), np.eye(3, 5, 1))
    assert sg.eye(3).type.shape == (3, 3)
    values = np.arange(15.0).reshape(3, 5) + 1
    for k in (-1, 0, 2):
        np.testing.assert_array_equal(
            sg.tril(x, k).eval({x: values}), np.tril(values, k)
        )
        np.testing.assert_array_equal(
            sg.triu(x, k).eval({x: values}), np.triu(values, k)
        )
    assert sg.tril(sg.tensor("flags", "bool", (2, 3))).dtype == "bool"
    with pytest.raises(GraphError, match="at least 2 dimensions"):
        sg.tril(sg.vector())


def test_a_type_checker_sees_every_method():
    stub = Path(graph.__file__).with_name("operators.pyi")
    (operators,) = (
        node
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    declared = {n.name for n in operators.body if isinstance(n, ast.FunctionDef)}
    assert declared == set(METHODS)


def test_numpy_leaves_operators_to_variables():
    x = sg.tensor("x", "float64", (2, 3))
    values = np.ones((2, 3))
    for y in (values + x, values - x, values * x, values / (x + 1), values @ x.T):
        assert isinstance(y, Variable)
    for y in (np.float64(2) * x, np.float32(2) ** x, 3 % (x + 1), 7 // (x + 1)):
        assert isinstance(y, Variable)
    assert isinstance(values < x, Variable)


def test_operators_reflect():
    x = sg.dvector("x")
    given = {x: [2.0, 3.0]}
    for y, expected in [
        (1 - x, [-1, -2]),
        (6 / x, [3, 2]),
        (2**x, [4, 8]),
        (7 // x, [3, 2]),
        (7 % x, [1, 1]),
        (+x, [2, 3]),
        (abs(-x), [2, 3]),
        (round(x / 2), [1, 2]),
    ]:
        np.testing.assert_array_equal(y.eval(given), expected)


def test_equality_stays_identity_and_elements_have_eq():
    x, y = sg.vector("x"), sg.vector("y")
    assert (x == y) is False
    np.testing.assert_array_equal(x.eq(y).eval({x: [1.0, 2.0], y: [1.0, 3.0]}), [1, 0])
    np.testing.assert_array_equal(x.ne(y).eval({x: [1.0, 2.0], y: [1.0, 3.0]}), [0, 1])


def test_variables_hold_no_lists_of_variables():
    with pytest.raises(TypeMismatch, match=r"join them by sg\.stack"):
        sg.as_variable([sg.scalar(), 1.0])
    x = sg.vector()
    assert sg.as_variable(x) is x
