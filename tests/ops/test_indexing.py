"""Indexing, against NumPy: reading, writing, adding, by symbols and by arrays."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError, TypeMismatch
from symgraph.ops import Subtensor, Take

A = np.random.default_rng(0).normal(size=(4, 5, 7)).astype("float32")
I = np.array([[0, 2], [1, -1]])  # noqa: E741
J = np.array([1, 0])
MASK = A[:, 0, 0] > 0
BASIC = {
    "1:": np.s_[1:],
    ":-1": np.s_[:-1],
    "::2": np.s_[::2],
    "::-1": np.s_[::-1],
    "mixed": np.s_[2:-1, ::-2, 1],
    "last": np.s_[..., 0],
    "-1": np.s_[-1],
    "empty": np.s_[5:2],
    "beyond": np.s_[10:],
    "before": np.s_[-10:2],
    "down": np.s_[:, 5:1:-1],
    "down none": np.s_[:, -10::-1],
    "all": np.s_[1, 2, 3],
    "whole": np.s_[:],
}
ARRAYS = {
    "[i]": I,
    "[:, i]": np.s_[:, I],
    "[..., i]": np.s_[..., I],
    "[j, j]": np.s_[J, J],
    "[j, :, j]": np.s_[J, :, J],
    "[0, :, j]": np.s_[0, :, J],
    "[1:, j]": np.s_[1:, J],
    "[j, 1:]": np.s_[J, 1:],
    "[1:, j, ::2]": np.s_[1:, J, ::2],
    "[0, j, ::2]": np.s_[0, J, ::2],
    "[i, 0, j]": np.s_[I, 0, J],
    "[:, j, 1]": np.s_[:, J, 1],
    "list": [0, 2],
    "mask": MASK,
    "mask 1:": np.s_[MASK, 1:],
    "[:, j, ..., 1]": np.s_[:, J, ..., 1],
    "[:, j, ..., j]": np.s_[:, J, ..., J],
    "[0, ..., j, 1:]": np.s_[0, ..., J, 1:],
    "[j, 2, ..., 1:]": np.s_[J, 2, ..., 1:],
}
SHAPES = [(4, 5, 7), (None, None, None), (None, 5, None)]
whatever_is_known = pytest.mark.parametrize("shape", SHAPES, ids=str)


@whatever_is_known
@pytest.mark.parametrize("name", [*BASIC, *ARRAYS])
def test_reading_and_writing(name, shape):
    key = {**BASIC, **ARRAYS}[name]
    x = sg.tensor("x", shape=shape)
    part = x[key]
    value = part.eval({x: A})
    np.testing.assert_array_equal(value, A[key])
    assert part.type.accepts(sg.TensorType("float32", value.shape))
    expected = A.copy()
    expected[key] = 2
    np.testing.assert_array_equal(sg.set_subtensor(part, 2.0).eval({x: A}), expected)
    expected = A.copy()
    np.add.at(expected, key, A[key] + 1)
    increased = sg.inc_subtensor(part, part + 1).eval({x: A})
    np.testing.assert_allclose(increased, expected, rtol=1e-6)


@pytest.mark.parametrize("key", [np.s_[None], np.s_[None, 1, ..., None, 2:4]])
def test_new_axes(key):
    x = sg.tensor("x", shape=(4, None, 7))
    np.testing.assert_array_equal(x[key].eval({x: A}), A[key])
    with pytest.raises(GraphError, match="without None in the index"):
        sg.set_subtensor(x[key], 0.0)


@pytest.mark.parametrize("name", [*BASIC, *ARRAYS])
def test_gradients_of_reading_and_writing(name):
    key = {**BASIC, **ARRAYS}[name]
    sg.verify_grad(lambda x: x[key] ** 2, [A], directions=2)
    sg.verify_grad(
        lambda x, v: sg.inc_subtensor(x[key], v) ** 2, [A, A[key]], directions=2
    )
    sg.verify_grad(
        lambda x, v: sg.set_subtensor(x[key], v) ** 2, [A, A[key]], directions=2
    )


@pytest.mark.parametrize("step", [1, 2, -1, -3])
def test_every_slice_of_a_vector_by_symbols(step):
    x, low, high = sg.vector("x"), sg.lscalar("low"), sg.lscalar("high")
    values = np.arange(6, dtype="float32")
    part = x[low:high:step]
    for start, stop in product(range(-8, 9), range(-8, 9)):
        given = {x: values, low: start, high: stop}
        np.testing.assert_array_equal(part.eval(given), values[start:stop:step])


@pytest.mark.parametrize("bound", range(-8, 9))
def test_slices_by_numbers_of_vectors_of_every_size(bound):
    x = sg.vector("x")
    for size, step in product((0, 1, 6), (1, 2, -1, -3)):
        values = np.arange(size, dtype="float32")
        given = {x: values}
        np.testing.assert_array_equal(x[bound::step].eval(given), values[bound::step])
        np.testing.assert_array_equal(x[:bound:step].eval(given), values[:bound:step])


def test_symbolic_positions():
    x, n = sg.matrix("x"), sg.iscalar("n")
    values = np.arange(6, dtype="float32").reshape(2, 3)
    assert x[n, -1].eval({x: values, n: -2}) == 2
    written = sg.set_subtensor(x[:, n], 9).eval({x: values, n: 1})
    np.testing.assert_array_equal(written, [[0, 9, 2], [3, 9, 5]])
    with pytest.raises(IndexError, match="index 2 is out of range for dimension 0"):
        x[n].eval({x: values, n: 2})
    with pytest.raises(IndexError):
        x[[0, 3]].eval({x: values})


def test_plain_cases_are_one_node():
    x = sg.tensor("x", shape=(4, 5, 7))
    assert isinstance(x[1:, 2].owner.op, Subtensor)
    assert isinstance(x[:, I].owner.op, Take)
    assert str(x[1:, 2, ::-2].owner.op) == "Subtensor(index=(1+3, 2, 6+4 by -2))"


def test_writing_into_a_part_of_a_part_changes_that_part():
    x = sg.tensor("x", shape=(4, 5))
    y = x[1:]
    assert sg.set_subtensor(y[:, J], 0.0).type.shape == (3, 5)


@pytest.mark.parametrize("key", [np.s_[:], np.s_[...], np.s_[:, :], ()])
@pytest.mark.parametrize("mode", ["c", "numpy"])
def test_all_of_an_array_can_be_written(key, mode):
    x = sg.matrix("x")
    outputs = [sg.set_subtensor(x[key], 7.0), sg.inc_subtensor(x[key], 3.0), x[key]]
    values = np.arange(6, dtype="float32").reshape(2, 3)
    written, increased, same = sg.function([x], outputs, mode=mode)(values)
    np.testing.assert_array_equal(written, np.full((2, 3), 7))
    np.testing.assert_array_equal(increased, values + 3)
    np.testing.assert_array_equal(same, values)


def test_all_of_an_array_is_read_for_nothing():
    x = sg.matrix("x")
    rewritten = sg.rewrite(sg.exp(x[:])).graph
    assert [type(node.op).__name__ for node in rewritten] == ["Exp"]


@pytest.mark.parametrize("key", [np.s_[:], np.s_[...], np.s_[:, 0:5]])
def test_all_of_a_part_is_that_part(key):
    x, places = np.arange(20, dtype="float32").reshape(4, 5), np.array([2, 0, 2])
    part = sg.constant(x)[places]
    expected = x[places]
    np.testing.assert_array_equal(sg.inc_subtensor(part[key], 3).eval(), expected + 3)


def test_a_range_that_leaves_nothing_out_can_be_written():
    x, zeros = sg.matrix("x"), np.zeros((2, 5), "float32")
    for part in (x[0:], x[0 : x.shape[0]], sg.constant(zeros)[:, :5]):
        written = sg.set_subtensor(part, 7.0).eval({x: zeros})
        np.testing.assert_array_equal(written, zeros + 7)


def test_values_written_are_broadcast_and_cast():
    x = sg.tensor("x", shape=(4, 5))
    row = np.arange(5, dtype="float32")
    value = sg.set_subtensor(x[1:3], row).eval({x: np.zeros((4, 5), "float32")})
    np.testing.assert_array_equal(value[1:3], [row, row])
    assert sg.set_subtensor(x[0], sg.bvector()).dtype == "float32"
    with pytest.raises(TypeMismatch, match=r"float64.* does not fit in x: float32"):
        sg.set_subtensor(x[0], np.ones(5))
    with pytest.raises(GraphError, match="cannot broadcast"):
        sg.set_subtensor(x[0], np.ones(4, "float32"))
    with pytest.raises(GraphError, match="expected an indexed variable"):
        sg.set_subtensor(x, 1.0)


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (np.s_[4], IndexError, "4 is out of range for dimension 0 of size 4"),
        (np.s_[:, -6], IndexError, "-6 is out of range for dimension 1 of size 5"),
        (np.s_[0, 0, 0], GraphError, "3 entries for 2 dimensions"),
        (np.s_[..., ...], GraphError, "2 entries for 2 dimensions"),
        (np.s_[1.5], TypeMismatch, "expected integers, slices or None, got 1.5"),
        (np.s_["name"], TypeMismatch, "got 'name'"),
        (np.s_[True], TypeMismatch, "got True"),
        (np.s_[::0], GraphError, "step of a slice cannot be 0"),
        (np.s_[1.5:], TypeMismatch, "bounds of a slice must be integers, got 1.5"),
        (np.array([0.5]), TypeMismatch, "positions must be integers"),
        ((None, J), GraphError, "put the new axis in by sg.expand_dims"),
        ((None, 9), IndexError, "9 is out of range for dimension 0 of size 4"),
        ([True, False, True], IndexError, "mask has size 3 along dimension 0, .* 4"),
        ((..., [True]), IndexError, "mask has size 1 along dimension 1, expected 5"),
    ],
)
def test_errors(key, error, message):
    x = sg.tensor("x", shape=(4, 5))
    with pytest.raises(error, match=message) as caught:
        x[key]
    assert 'x = sg.tensor("x", shape=(4, 5))' in str(caught.value)


def test_a_symbolic_mask_and_step_are_refused():
    x = sg.vector("x")
    with pytest.raises(GraphError, match=r"use sg.where\(mask, x, other\)"):
        x[x > 0]
    with pytest.raises(TypeMismatch, match="step of a slice must be a Python integer"):
        x[:: sg.lscalar("n")]


def test_a_variable_of_known_length_is_a_sequence():
    x = sg.tensor("x", shape=(3, 2))
    assert len(x) == 3
    assert [row.type.shape for row in x] == [(2,)] * 3
    with pytest.raises(TypeMismatch, match=r"first dimension of .* is not known"):
        len(sg.vector())
