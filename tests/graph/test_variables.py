"""Variables, constants and shared variables."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph.graph import (
    Constant,
    GraphError,
    SharedVariable,
    TensorType,
    TypeMismatch,
    Variable,
    config,
    constant,
    is_weak,
)


def shared(value, dtype="float32", shape=None):
    array = np.array(value, dtype)
    type_ = TensorType(dtype, array.shape if shape is None else shape)
    return SharedVariable(array, "w", type_)


def test_equality_is_identity():
    x, y = (Variable(TensorType("float32", ()), name="x") for _ in "ab")
    assert x != y
    assert x in [y, x]
    assert len({x, y, x}) == 2


def test_a_variable_decides_no_if():
    x = Variable(TensorType("bool", ()), name="x")
    with pytest.raises(TypeMismatch, match=r"x: bool\[\] has no value yet"):
        bool(x)


def test_a_variable_has_no_value_for_numpy_or_python():
    x = Variable(TensorType("float32", (2, 2)), name="x")
    with pytest.raises(TypeMismatch, match="cannot become an array"):
        np.asarray([x, x])
    with pytest.raises(TypeMismatch, match="has no value yet"):
        float(x)
    with pytest.raises(TypeMismatch, match=r"cannot be written to; sg.set_subtensor"):
        x[0] = 1


def test_a_variable_remembers_the_line_that_made_it():
    x = Variable(TensorType("float32", ()))
    assert x.site.filename == __file__
    assert "x = Variable" in x.site.source


def test_constants_copy_and_cannot_be_written_to():
    array = np.arange(6.0).reshape(2, 3).T
    made = constant(array)
    array[0, 0] = 9
    assert made.data[0, 0] == 0
    assert made.data.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        made.data[0, 0] = 1


def test_python_floats_become_floatx():
    assert constant(1.5).dtype == "float32"
    assert constant([1.5, 2]).dtype == "float32"
    assert constant(np.float64(1.5)).dtype == "float64"
    assert constant(3).dtype == "int64"
    assert constant(True).dtype == "bool"
    with config.context(floatX="float64"):
        assert constant(1.5).dtype == "float64"


def test_constants_of_no_number_are_refused():
    for value in ("text", 1j, object(), [None]):
        with pytest.raises(TypeMismatch, match="constant: expected a number"):
            constant(value)


def test_a_constant_of_one_element_prints_its_value():
    assert repr(constant(2.5)) == "2.5"
    assert repr(constant(np.ones(3), name="c")) == "c: float64[3]"


def test_weak_is_python_scalars_and_lists_of_them():
    assert is_weak((1, [2.0, True]))
    assert not is_weak(np.float32(1))
    assert not is_weak([np.int8(1), 2])
    assert not is_weak("1")


def test_a_shared_variable_gives_copies():
    w = shared([1, 2])
    w.get_value()[0] = 9
    np.testing.assert_array_equal(w.get_value(), [1, 2])
    view = w.get_value(borrow=True)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 9


def test_setting_a_shared_variable_raises_its_version():
    w = shared([1, 2])
    w.set_value([3, 4])
    np.testing.assert_array_equal(w.get_value(), [3, 4])
    assert (w.version, w.get_value().dtype) == (1, "float32")


def test_a_shared_variable_keeps_its_type():
    w = shared([1, 2])
    with pytest.raises(GraphError, match=r"w: float32\[2\] expects float32\[2\]"):
        w.set_value(np.zeros(3, "float32"))
    with pytest.raises(TypeMismatch, match="expects int8, got int64"):
        shared([1, 2], "int8").set_value(np.array([300, 1]))
    with pytest.raises(TypeMismatch, match="expects int8, got int64"):
        shared([1, 2], "int8").set_value([300, 1])
    assert w.version == 0
    loose = shared([1, 2], shape=(None,))
    loose.set_value(np.zeros(5, "float32"))
    assert loose.get_value().shape == (5,)


def test_two_constants_are_two_variables():
    assert isinstance(constant(1), Constant)
    assert constant(1) is not constant(1)
