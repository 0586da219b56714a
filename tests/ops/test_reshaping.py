"""Shapes: reshape, transpose and their kin, sizes known and not."""

from __future__ import annotations

import numpy as np
import pytest

import symgraph as sg
from symgraph.graph import GraphError, TypeMismatch, toposort
from symgraph.ops import Dim, Reshape, Transpose

A = np.arange(30, dtype="float32").reshape(2, 3, 5)
SHAPES = [(2, 3, 5), (None, None, None), (None, 3, 5), (2, None, 5)]


@pytest.fixture(params=SHAPES, ids=str)
def x(request):
    return sg.tensor("x", shape=request.param)


def check(y, x, expected):
    value = y.eval({x: A})
    np.testing.assert_array_equal(value, expected)
    known = zip(y.type.shape, expected.shape, strict=True)
    assert all(mine in (None, size) for mine, size in known)


BUILDERS = {
    "reshape": (lambda x: x.reshape((5, 6)), lambda a: a.reshape(5, 6)),
    "reshape -1": (lambda x: x.reshape(3, -1), lambda a: a.reshape(3, -1)),
    "reshape all": (lambda x: sg.reshape(x, -1), lambda a: a.reshape(-1)),
    "flatten": (lambda x: x.flatten(), np.ravel),
    "flatten 2": (lambda x: x.flatten(2), lambda a: a.reshape(2, 15)),
    "flatten start": (lambda x: sg.flatten(x, start=2), lambda a: a),
    "ravel": (sg.ravel, np.ravel),
    "T": (lambda x: x.T, lambda a: a.T),
    "transpose": (lambda x: x.transpose(1, -1, 0), lambda a: a.transpose(1, 2, 0)),
    "swapaxes": (lambda x: x.swapaxes(0, -1), lambda a: a.swapaxes(0, 2)),
    "moveaxis": (lambda x: sg.moveaxis(x, 0, -1), lambda a: np.moveaxis(a, 0, -1)),
    "moveaxis 2": (
        lambda x: sg.moveaxis(x, (0, 1), (-1, 0)),
        lambda a: np.moveaxis(a, (0, 1), (-1, 0)),
    ),
    "expand_dims": (
        lambda x: sg.expand_dims(x, (0, -1)),
        lambda a: np.expand_dims(a, (0, -1)),
    ),
    "squeeze": (lambda x: sg.squeeze(x[:1, None], (0, 1)), lambda a: a[0]),
    "dimshuffle": (
        lambda x: x.dimshuffle(2, "x", 0, 1),
        lambda a: a.transpose(2, 0, 1)[:, None],
    ),
    "dimshuffle drop": (lambda x: x[:, :1].dimshuffle((2, 0)), lambda a: a[:, 0].T),
    "tile": (lambda x: sg.tile(x, (2, 1, 3, 1)), lambda a: np.tile(a, (2, 1, 3, 1))),
    "tile short": (lambda x: sg.tile(x, 2), lambda a: np.tile(a, 2)),
    "repeat": (lambda x: x.repeat(2, 1), lambda a: a.repeat(2, 1)),
    "repeat flat": (lambda x: x.repeat(3), lambda a: a.repeat(3)),
    "flip": (sg.flip, np.flip),
    "flip axis": (lambda x: sg.flip(x, -1), lambda a: np.flip(a, -1)),
    "roll": (lambda x: sg.roll(x, 2, -1), lambda a: np.roll(a, 2, -1)),
    "roll back": (lambda x: sg.roll(x, -4, 1), lambda a: np.roll(a, -4, 1)),
    "roll flat": (lambda x: sg.roll(x, 7), lambda a: np.roll(a, 7)),
    "broadcast_to": (
        lambda x: sg.broadcast_to(x, (7, 2, 3, 5)),
        lambda a: np.broadcast_to(a, (7, 2, 3, 5)),
    ),
    "atleast_1d": (sg.atleast_1d, np.atleast_1d),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_values_and_static_shapes(name, x):
    builder, numpy_builder = BUILDERS[name]
    check(builder(x), x, numpy_builder(A))


@pytest.mark.parametrize("name", BUILDERS)
def test_gradients(name):
    sg.verify_grad(lambda x: BUILDERS[name][0](x) ** 2, [A / 30], directions=2)


def test_shape_is_a_tuple_of_ints_and_scalars():
    x = sg.tensor("x", shape=(None, 3))
    rows, columns = x.shape
    assert columns == 3
    assert isinstance(rows.owner.op, Dim)
    assert int(rows.eval({x: np.zeros((7, 3), "float32")})) == 7
    assert int(x.size.eval({x: np.zeros((7, 3), "float32")})) == 21
    assert sg.tensor("y", shape=(2, 3)).size == 6
    assert sg.shape(np.zeros((2, 5))) == (2, 5)


def test_what_changes_nothing_adds_nothing():
    for x in (sg.tensor("x", shape=(2, 3)), sg.matrix("x")):
        assert x.reshape(x.shape) is x
        assert x.transpose(0, 1) is x
        assert sg.squeeze(x) is x
        assert sg.expand_dims(x, ()) is x


def test_known_parts_of_sizes_cancel():
    x = sg.tensor("x", shape=(None, 3, 4))
    for y in (x.flatten(2), x.reshape(x.shape[0], -1), x.reshape(-1, 12)):
        assert y.type.shape == (None, 12)
    assert [type(node.op) for node in toposort([x.reshape(-1, 12)])] == [Dim, Reshape]
    assert x.reshape(-1, 3, 2, 2).type.shape == (None, 3, 2, 2)


def test_sizes_may_be_variables():
    x, n = sg.vector("x"), sg.lscalar("n")
    y = x.reshape(n, -1)
    value = y.eval({x: np.arange(6, dtype="float32"), n: 3})
    np.testing.assert_array_equal(value, np.arange(6).reshape(3, 2))
    zeros = sg.broadcast_to(0.0, (n, 2))
    assert zeros.eval({n: 5}).shape == (5, 2)


def test_a_transpose_is_one_node():
    assert isinstance(sg.matrix().T.owner.op, Transpose)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda x: x.reshape(4, -1), "30 elements|no multiple of 4"),
        (lambda x: x.reshape(4, 5), "30 elements, to 20 elements"),
        (lambda x: x.reshape(-1, -1), "more than one -1"),
        (lambda x: x.transpose(0, 1), "not a permutation of the 3 axes"),
        (lambda x: x.transpose(0, 1, 3), "axis 3 is out of range"),
        (lambda x: sg.squeeze(x, 1), "dimension 1 of .* is not 1"),
        (lambda x: x.dimshuffle(0, 0, 1, 2), "given twice"),
        (lambda x: x.dimshuffle(0, 1), "dimension 2 of .* is not 1"),
        (lambda x: x.dimshuffle(0, 1, 2, "y"), 'expected axes and "x"'),
        (lambda x: sg.moveaxis(x, (0, 1), 2), "as many destinations"),
        (lambda x: sg.expand_dims(x, 5), "axis 5 is out of range"),
        (lambda x: sg.broadcast_to(x, (3, 5)), "cannot drop dimensions"),
        (lambda x: sg.broadcast_to(x, (2, 4, 5)), "dimension 1 is 3, to 4"),
        (lambda x: x.flatten(5), "cannot keep 4 dimensions"),
    ],
)
def test_errors(build, message):
    with pytest.raises(GraphError, match=message):
        build(sg.tensor("x", shape=(2, 3, 5)))


def test_sizes_must_be_integers():
    x = sg.matrix("x")
    with pytest.raises(TypeMismatch, match=r"a size must be an integer, got 2.5"):
        x.reshape(2.5, 3)
    with pytest.raises(
        TypeMismatch, match=r"must be an integer scalar, got v: float32"
    ):
        x.reshape(sg.vector("v"), 3)


def test_a_wrong_size_at_the_call_is_an_error():
    x, n = sg.vector("x"), sg.lscalar("n")
    with pytest.raises(ValueError, match="reshape"):
        x.reshape(n, 2).eval({x: np.zeros(6, "float32"), n: 4})


@pytest.mark.parametrize("mode", ["c", "numpy"])
def test_nothing_rolled_is_nothing(mode):
    known, open_ = sg.tensor(shape=(0, 3)), sg.matrix()
    assert sg.roll(known, 1, 0) is known
    f = sg.function([open_], sg.roll(open_, 1, 0), mode=mode)
    assert f(np.zeros((0, 3), "float32")).shape == (0, 3)
    x = np.arange(6, dtype="float32").reshape(2, 3)
    np.testing.assert_array_equal(f(x), np.roll(x, 1, 0))
