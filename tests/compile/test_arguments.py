"""What a call accepts, what it converts, and what each refusal says."""

import numpy as np
import pytest

import symgraph as sg
from symgraph.compile import ArgumentError, ArgumentTypeError


@pytest.fixture
def double(mode):
    x = sg.tensor("x", dtype="float32", shape=(None, 3))
    return sg.function([x], x + x, mode=mode, name="double")


def identity(dtype, shape, mode="numpy", **options):
    x = sg.tensor("x", dtype=dtype, shape=shape)
    return sg.function([x], x, mode=mode, **options)


def test_an_exact_argument(double):
    x = np.arange(6, dtype="float32").reshape(2, 3)
    result = double(x)
    assert result.dtype == "float32"
    assert np.array_equal(result, 2 * x)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_one_function_serves_every_size(double, rows):
    x = np.ones((rows, 3), "float32")
    assert np.array_equal(double(x), 2 * x)


def test_layouts_other_than_row_major_are_copied(double):
    x = np.arange(60, dtype="float32").reshape(10, 6)
    for view in (x[::2, ::2], x[::-1, :3], np.asfortranarray(x[:, :3]), x[:3, :5].T):
        if view.shape[1] == 3:
            assert np.array_equal(double(view), 2 * view)


def test_read_only_and_unaligned_arrays(double):
    x = np.ones((2, 3), "float32")
    x.flags.writeable = False
    assert np.array_equal(double(x), 2 * x)
    memory = np.zeros(25, "uint8")
    unaligned = memory[1:].view("float32").reshape(2, 3)
    unaligned[:] = 3
    assert np.array_equal(double(unaligned), np.full((2, 3), 6, "float32"))


def test_lists_ints_and_foreign_byte_order_are_converted(double):
    expected = [[2, 4, 6]]
    for value in (
        [[1, 2, 3]],
        [[1.0, 2.0, 3.0]],
        np.array([[1, 2, 3]]),
        np.array([[1, 2, 3]], "int8"),
        np.array([[1, 2, 3]], ">f4"),
    ):
        result = double(value)
        assert result.dtype == "float32"
        assert result.tolist() == expected


def test_python_scalars_are_weak(mode):
    lr = sg.scalar("lr")
    fn = sg.function([lr], lr * 2, mode=mode)
    assert fn(0.1) == np.float32(0.1) * np.float32(2)
    assert fn(3).dtype == "float32"
    assert fn(np.float64(0.5)) == 1


def test_a_subclass_of_array_is_read_as_an_array():
    fn = identity("float32", (2, 2))
    record = np.ones((2, 2), "float32").view(np.recarray)
    assert type(fn(record)) is np.ndarray


def refusal(error, fn, *args, **kwargs):
    with pytest.raises(error) as caught:
        fn(*args, **kwargs)
    return str(caught.value)


def test_a_wrong_shape_names_function_input_dimension_and_line(double):
    text = refusal(ArgumentError, double, np.ones((2, 4), "float32"))
    assert "double: argument 0 'x' expects float32[?, 3], got float32[2, 4]" in text
    assert "dimension 1 must be 3, is 4" in text
    assert "test_arguments.py" in text
    assert 'x = sg.tensor("x"' in text


def test_a_wrong_rank(double):
    text = refusal(ValueError, double, np.ones(3, "float32"))
    assert "expected 2 dimensions, got 1" in text


def test_a_wider_dtype_is_refused_unless_downcast_is_allowed(double):
    text = refusal(TypeError, double, np.ones((2, 3)))
    assert "float64 does not fit in float32" in text
    assert ".astype('float32')" in text
    fn = identity("float32", (2,), allow_input_downcast=True)
    assert fn(np.ones(2)).dtype == "float32"


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("int32", [1.5, 2.0]),
        ("int32", np.ones(2, "float32")),
        ("int8", [1, 300]),
        ("uint8", [-1, 2]),
        ("int32", np.ones(2, "int64")),
        ("bool", [0, 1]),
        ("float32", ["a", "b"]),
        ("float32", [1j, 2]),
        ("float32", None),
        ("float32", object()),
        ("float32", [[1, 2], [3]]),
        ("float32", np.ones(2, "float16")),
        ("float32", np.ma.masked_array([1, 2], [True, False], "float32")),
    ],
)
def test_values_that_do_not_fit_their_dtype(dtype, value):
    text = refusal(ArgumentTypeError, identity(dtype, (2,)), value)
    assert f"function: argument 0 'x' expects {dtype}[2]" in text


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("int8", [1, 127]),
        ("int64", np.ones(2, "int32")),
        ("int32", np.ones(2, "uint8")),
        ("float64", np.ones(2, "float32")),
        ("float64", [True, False]),
        ("bool", [True, False]),
        ("uint8", []),
    ],
)
def test_values_that_fit(dtype, value, mode):
    result = identity(dtype, (None,), mode)(value)
    assert result.dtype == dtype
    assert result.tolist() == np.asarray(value).astype(dtype).tolist()


def test_a_symbolic_argument_is_refused(double):
    text = refusal(TypeError, double, sg.matrix("y"))
    assert "a symbolic variable has no value" in text


def test_arguments_by_name_and_defaults(mode):
    x, y = sg.vector("x"), sg.scalar("y")
    fn = sg.function([x, sg.In(y, value=10)], x * y, mode=mode, name="scale")
    assert fn([1, 2]).tolist() == [10, 20]
    assert fn([1, 2], 3).tolist() == [3, 6]
    assert fn([1, 2], y=3).tolist() == [3, 6]
    assert fn(y=3, x=[1, 2]).tolist() == [3, 6]
    assert "expected 1 to 2 arguments, got 3" in refusal(ArgumentError, fn, 1, 2, 3)
    assert "missing: 0 (x: float32[?])" in refusal(ArgumentError, fn, y=3)
    assert "no input is named 'z'" in refusal(TypeError, fn, [1], z=3)
    assert "argument 0 'x' was given twice" in refusal(TypeError, fn, [1], x=[1])


def test_a_default_is_checked_when_the_function_is_made():
    x = sg.vector("x")
    with pytest.raises(ArgumentError, match="argument 0 'x'"):
        sg.function([sg.In(x, value=1.0)], x, mode="numpy")


def test_inputs_that_share_a_name_are_given_by_position():
    x, y = sg.scalar("v"), sg.scalar("v")
    fn = sg.function([x, y], x - y, mode="numpy")
    assert fn(3, 1) == 2
    assert "inputs [0, 1] are all named 'v'" in refusal(TypeError, fn, v=3)


HOSTILE = 'x; system("touch /tmp/symgraph-was-here"); //*/ \n#include "y" %s {0}'


def test_a_hostile_name_never_reaches_c():
    x = sg.tensor(HOSTILE, shape=(None,))
    w = sg.shared(np.ones(2, "float32"), name=HOSTILE)
    y = sg.exp(x * w)
    y.name = HOSTILE
    fn = sg.function([x], y, updates={w: w + y}, mode="c", name=HOSTILE)
    assert np.allclose(fn([0, 1]), np.exp([0, 1]))
    assert np.allclose(fn(**{HOSTILE: [0, 0]}), 1)
    assert "system" not in fn.c_source
    assert HOSTILE in refusal(ValueError, fn, 1.0)
