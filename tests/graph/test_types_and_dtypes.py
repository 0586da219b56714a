"""Tensor types, and the table of promotion."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from symgraph.graph import (
    DTYPES,
    GraphError,
    TensorType,
    TypeMismatch,
    dtype_name,
    is_bool,
    is_float,
    is_integer,
    promote,
    result_dtype,
)


def test_a_type_prints_unknown_dimensions_as_question_marks():
    assert str(TensorType("float32", (None, 3))) == "float32[?, 3]"
    assert str(TensorType("bool", ())) == "bool[]"


def test_a_type_normalizes_its_shape():
    type_ = TensorType("int8", [np.int64(2), None])
    assert type_.shape == (2, None)
    assert type_ == TensorType("int8", (2, None))
    assert (type_.ndim, type_.is_static) == (2, False)
    assert type_.with_dtype("bool") == TensorType("bool", (2, None))
    assert type_.with_shape((5,)) == TensorType("int8", (5,))


def test_a_type_accepts_what_is_known_better():
    loose, strict = TensorType("float32", (None, 3)), TensorType("float32", (2, 3))
    assert loose.accepts(strict)
    assert not strict.accepts(loose)
    assert not strict.accepts(strict.with_dtype("float64"))
    assert not loose.accepts(TensorType("float32", (2, 3, 1)))


def test_bad_types_are_refused():
    with pytest.raises(TypeMismatch, match="dtype 'complex64' is not one of"):
        TensorType("complex64", ())
    with pytest.raises(GraphError, match="expected dimensions >= 0"):
        TensorType("float32", (2, -1))


@pytest.mark.parametrize("pair", [*product(DTYPES, DTYPES)], ids=" ".join)
def test_promotion_is_symmetric_and_loses_no_kind(pair):
    left, right = pair
    wide = promote(left, right)
    assert wide == promote(right, left)
    assert promote(wide, left) == wide
    assert promote(left, left) == left
    for of_kind in (is_bool, is_integer, is_float):
        if of_kind(left) and of_kind(right):
            assert of_kind(wide)
    if "uint64" not in pair and is_float(left) == is_float(right):
        assert wide == np.promote_types(left, right).name


def test_floats_keep_their_width_beside_integers():
    assert promote("int64", "float32") == "float32"
    assert promote("uint64", "int8") == "int64"


def test_python_scalars_are_weak():
    assert result_dtype(["float32"], [float, int], "float64") == "float32"
    assert result_dtype(["uint8"], [int], "float32") == "uint8"
    assert result_dtype(["uint8"], [float], "float64") == "float64"
    assert result_dtype(["bool"], [int], "float32") == "int64"
    assert result_dtype([], [bool], "float32") == "bool"
    assert result_dtype([], [int, float], "float64") == "float64"


def test_dtypes_as_numpy_takes_them():
    assert TensorType(np.float64, (2,)) == TensorType("float64", (2,))
    assert TensorType("f4", ()).dtype == "float32"
    assert dtype_name("cast", np.dtype("uint8")) == "uint8"
    for wrong in (None, "float16", np.complex64, 3):
        with pytest.raises(TypeMismatch, match=r"cast: dtype .* is not one of bool"):
            dtype_name("cast", wrong)


@pytest.mark.parametrize("shape", [3, (2.5,), ("a",)])
def test_a_shape_has_integers(shape):
    with pytest.raises(TypeMismatch, match="a shape has integers and None, got"):
        TensorType("float32", shape)
