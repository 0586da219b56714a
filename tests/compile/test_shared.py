"""``shared``: dtypes, copies, borrowed views, and values that do not fit."""

import numpy as np
import pytest

import symgraph as sg


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, "float32"),
        (2, "int64"),
        (True, "bool"),
        ([1.0, 2], "float32"),
        ([[1, 2], [3, 4]], "int64"),
        (np.float64(1.5), "float64"),
        (np.ones(3, "int8"), "int8"),
        (np.ones(3), "float64"),
    ],
)
def test_python_floats_become_floatx_and_arrays_keep_their_dtype(value, dtype):
    assert sg.shared(value).dtype == dtype


def test_floatx_decides_for_python_floats():
    with sg.config.context(floatX="float64"):
        assert sg.shared(1.5).dtype == "float64"


def test_dtype_and_name_can_be_given():
    w = sg.shared([1, 2, 3], name="w", dtype="float64")
    assert (w.name, w.dtype, w.get_value().dtype.name) == ("w", "float64", "float64")


def test_the_value_is_copied_in_and_out():
    array = np.arange(3.0)
    w = sg.shared(array)
    array[0] = 100
    w.get_value()[1] = 100
    assert w.get_value().tolist() == [0, 1, 2]


def test_borrow_keeps_the_array_and_views_cannot_be_written():
    array = np.arange(3.0)
    w = sg.shared(array, borrow=True)
    array[0] = 100
    view = w.get_value(borrow=True)
    assert view[0] == 100
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1


def test_a_fortran_array_is_stored_in_row_major_order():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    w = sg.shared(array, borrow=True)
    assert w.get_value(borrow=True).flags.c_contiguous
    assert np.array_equal(w.get_value(), array)


def test_shapes_are_fixed_unless_left_open():
    w = sg.shared(np.ones((2, 3)))
    with pytest.raises(sg.GraphError, match=r"expects float64\[2, 3\]"):
        w.set_value(np.ones((5, 3)))
    v = sg.shared(np.ones((2, 3)), shape=(None, 3))
    v.set_value(np.ones((5, 3)))
    assert v.get_value().shape == (5, 3)
    with pytest.raises(sg.GraphError, match="expected shape"):
        sg.shared(np.ones((2, 3)), shape=(None, 7))


@pytest.mark.parametrize("value", ["text", None, 1j, np.ones(2, "float16"), {}])
def test_what_is_not_a_number_is_refused(value):
    with pytest.raises(sg.TypeMismatch, match="shared: expected a number"):
        sg.shared(value)
