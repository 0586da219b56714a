"""Elementwise builders: NumPy's values, promotion, broadcasting."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError, TypeMismatch, toposort
from symgraph.ops import BroadcastTo, Cast, Dim, Square

RANDOM = np.random.default_rng(5)
A = RANDOM.uniform(0.1, 0.9, (2, 3))
B = RANDOM.uniform(0.1, 0.9, (2, 3))

UNARY = [
    "abs absolute arccos arcsin arcsinh arctan arctanh ceil cos cosh exp exp2 expm1",
    "floor isfinite isinf isnan log log10 log1p log2 logical_not neg negative",
    "reciprocal round sign sin sinh sqrt square tan tanh trunc",
]
BINARY = [
    "add arctan2 divide eq equal floor_div floor_divide ge greater greater_equal gt le",
    "less less_equal logical_and logical_or logical_xor lt maximum minimum mod mul",
    "multiply ne not_equal pow power remainder sub subtract true_div true_divide",
]
NUMPY_NAMES = {
    "neg": "negative",
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "mul": "multiply",
    "sub": "subtract",
    "pow": "power",
    "true_div": "true_divide",
    "floor_div": "floor_divide",
}


def names(lines):
    return [name for line in lines for name in line.split()]


def numpy_of(name):
    return getattr(np, NUMPY_NAMES.get(name, name))


@pytest.mark.parametrize("name", names(UNARY))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_argument(name, dtype):
    x = sg.tensor("x", dtype, (None, 3))
    value = getattr(sg, name)(x).eval({x: A.astype(dtype)})
    expected = numpy_of(name)(A.astype(dtype))
    assert value.dtype == expected.dtype
    np.testing.assert_allclose(value, expected, rtol=1e-6)


@pytest.mark.parametrize("name", names(BINARY))
def test_two_arguments_and_broadcasting(name):
    function = getattr(sg, name)
    x, y = sg.tensor("x", "float64", (None, 3)), sg.tensor("y", "float64", (2, 1, 3))
    value = function(x, y).eval({x: A, y: B[:, None]})
    np.testing.assert_allclose(value, numpy_of(name)(A, B[:, None]), rtol=1e-12)


def test_arccosh_and_erf():
    x = sg.dvector("x")
    given = np.array([1.5, 2.5])
    np.testing.assert_allclose(sg.arccosh(x).eval({x: given}), np.arccosh(given))
    np.testing.assert_allclose(sg.erf(x).eval({x: [0.0, 0.5]}), [0, 0.5204998778])
    np.testing.assert_allclose((sg.erf(x) + sg.erfc(x)).eval({x: given}), [1, 1])


def test_integers_under_floating_functions_become_floatx():
    n = sg.bvector("n")
    for y in (sg.exp(n), n / 2, n / n, sg.sqrt(n), n.mean(), sg.sin(n)):
        assert y.dtype == "float32"
    with sg.config.context(floatX="float64"):
        assert sg.exp(n).dtype == "float64"
    assert sg.floor(n) is n


def test_python_scalars_widen_nothing():
    f, i, b = sg.fvector("f"), sg.bvector("i"), sg.tensor("b", "bool", (None,))
    assert (f * 2.0).dtype == "float32"
    assert (2 - i).dtype == "int8"
    assert (i + 0.5).dtype == "float32"
    assert (b * 2).dtype == "int64"
    assert (f * np.float64(2)).dtype == "float64"
    assert sg.add(f, [1.0, 2.0, 3.0]).dtype == "float32"
    assert (np.ones(3) * f).dtype == "float64"


def test_a_python_scalar_that_does_not_fit_is_refused():
    with pytest.raises(GraphError, match="add: 300 does not fit in int8"):
        sg.bvector() + 300
    with pytest.raises(GraphError, match="sub: -1 does not fit in uint8"):
        sg.tensor("u", "uint8", (3,)) - (-1)


def test_casts_and_broadcasts_are_nodes_of_their_own():
    x, b = sg.tensor("x", "float32", (None, 3)), sg.tensor("b", "int8", (3,))
    y = x + b
    kinds = [type(node.op) for node in toposort([y])]
    assert kinds == [Cast, Dim, BroadcastTo, type(y.owner.op)]
    assert [v.type.shape for v in y.owner.inputs] == [(None, 3), (None, 3)]


def test_equal_shapes_need_no_broadcast():
    x = sg.matrix("x")
    assert len(toposort([x * x])) == 1
    assert len(toposort([x + sg.matrix("y")])) == 1


def test_unknown_against_known_is_checked_at_the_call():
    x, y = sg.tensor("x", shape=(None, 3)), sg.tensor("y", shape=(2, 3))
    z = x + y
    assert z.type.shape == (2, 3)
    with pytest.raises(GraphError, match="differ"):
        z.eval({x: np.ones((5, 3), "float32"), y: np.ones((2, 3), "float32")})


def test_a_static_1_broadcasts_against_an_unknown_size():
    x, y = sg.tensor("x", shape=(1, 3)), sg.tensor("y", shape=(None, 3))
    z = (x * y).eval({x: np.ones((1, 3), "float32"), y: np.ones((5, 3), "float32")})
    assert z.shape == (5, 3)
    empty = (x * y).eval({x: np.ones((1, 3), "float32"), y: np.ones((0, 3), "float32")})
    assert empty.shape == (0, 3)


def test_a_square_is_a_square():
    assert isinstance((sg.vector() ** 2).owner.op, Square)
    assert isinstance((sg.vector() ** 2.0).owner.op, Square)


def test_integer_powers_division_and_shifts():
    n, m = sg.lvector("n"), sg.lvector("m")
    given = {n: [2, -3, 7, 5], m: [3, 2, -1, 0]}
    np.testing.assert_array_equal((n**m).eval(given), [8, 9, 0, 1])
    np.testing.assert_array_equal((n // m).eval(given), [0, -2, -7, 0])
    np.testing.assert_array_equal((n % m).eval(given), [2, 1, 0, 0])
    np.testing.assert_array_equal((n << 2).eval(given), [8, -12, 28, 20])
    np.testing.assert_array_equal((n >> 1).eval(given), [1, -2, 3, 2])
    np.testing.assert_array_equal((~n).eval(given), [-3, 2, -8, -6])
    np.testing.assert_array_equal((n & 3 | 8 ^ m).eval(given), [11, 11, -1 & -9 | 3, 9])


def test_where_takes_any_condition_and_promotes_the_rest():
    n, x = sg.lvector("n"), sg.fvector("x")
    y = sg.where(n, x, 0.0)
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y.eval({n: [0, 2], x: [3.0, 4.0]}), [0, 4])
    assert sg.switch is sg.where
    assert sg.where(x > 0, 1, n).dtype == "int64"


def test_clip_takes_one_bound_or_two():
    x = sg.vector("x")
    given = {x: [-2.0, 0.5, 3.0]}
    np.testing.assert_array_equal(sg.clip(x, -1, 1).eval(given), [-1, 0.5, 1])
    np.testing.assert_array_equal(x.clip(high=1).eval(given), [-2, 0.5, 1])
    np.testing.assert_array_equal(x.clip(0).eval(given), [0, 0.5, 3])


def test_domains_are_checked():
    b = sg.tensor("b", "bool", (3,))
    with pytest.raises(
        TypeMismatch, match="Sub: expected integers or floats, got bool"
    ):
        b - b
    with pytest.raises(TypeMismatch, match="expected integers or bool, got float32"):
        sg.vector() & 1.5
    with pytest.raises(TypeMismatch, match="cast: dtype 'float16' is not one of"):
        sg.cast(b, "float16")
    with pytest.raises(TypeMismatch, match="add: expected a variable, a number"):
        b + "text"
    with pytest.raises(TypeMismatch, match=r"add: .* holds variables; .*sg.stack"):
        sg.add(sg.vector(), [sg.scalar(), 1])


def test_nan_goes_through_extrema_and_relu():
    x = sg.dvector("x")
    given = {x: [np.nan, -1.0, 1.0]}
    for y in (sg.maximum(x, 0), sg.nn.relu(x)):
        np.testing.assert_array_equal(y.eval(given), [np.nan, 0, 1])


def test_broadcast_arrays():
    x, y = sg.broadcast_arrays(sg.tensor("x", shape=(3,)), sg.btensor3("y"))
    assert (x.ndim, x.dtype, y.dtype) == (3, "float32", "int8")


@pytest.mark.parametrize("power", [2, 2.0, 3, 3.0])
def test_the_dtype_of_a_power_does_not_depend_on_the_power(power):
    kind = "float32" if isinstance(power, float) else "{}"
    for dtype, whole in (("int8", "int8"), ("bool", "int64"), ("float32", "float32")):
        x = sg.tensor("x", dtype, (3,))
        y = x**power
        assert y.dtype == kind.format(whole)
        value = np.array([0, 1, 1], dtype)
        np.testing.assert_array_equal(y.eval({x: value}), [0, 1, 1])
