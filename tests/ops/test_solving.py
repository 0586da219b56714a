"""Equations of matrices: values against NumPy, gradients, errors that say which."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import symgraph as sg
from symgraph.graph import GraphError, TypeMismatch
from symgraph.ops import Cholesky
from tests.ops.cases_linalg import normal, positive, regular, triangular

modes = pytest.mark.parametrize("mode", ["c", "numpy"])
SHAPES = [(5, 5), (2, 3, 3), (2, 1, 3, 3)]


def variables(*arrays, known=True):
    """An input for each array."""
    return [
        sg.tensor(f"x{i}", a.dtype.name, a.shape if known else [None] * a.ndim)
        for i, a in enumerate(arrays)
    ]


@modes
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values(shape, known, mode):
    a, p, t = regular(*shape), positive(*shape), triangular(*shape)
    b = normal(*shape[:-1], 2)
    x, q, y = variables(a, p, b, known=known)
    sign, log = sg.linalg.slogdet(x)
    outputs = [sg.linalg.inv(x), sg.linalg.solve(x, y), sg.linalg.det(x), sign, log]
    found = sg.function([x, q, y], [*outputs, sg.linalg.cholesky(q)], mode=mode)(
        a, p, b
    )
    expected = [np.linalg.inv(a), np.linalg.solve(a, b), np.linalg.det(a)]
    expected += [*np.linalg.slogdet(a), np.linalg.cholesky(p)]
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)
    for lower, triangle in ((True, np.tril), (False, np.triu)):
        z = sg.linalg.solve_triangular(x, y, lower=lower)
        value = sg.function([x, y], z, mode=mode)(t, b)
        np.testing.assert_allclose(value, np.linalg.solve(triangle(t), b), rtol=1e-9)


@pytest.mark.parametrize("n", [1, 7, 64, 129])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_larger_matrices(n, dtype):
    a, p, b = regular(n, n), positive(n, n), normal(n, 3)
    arrays = [x.astype(dtype) for x in (a, p, b)]
    x, q, y = variables(*arrays)
    outputs = [x @ sg.linalg.solve(x, y), sg.linalg.slogdet(x)[1]]
    factor = sg.linalg.cholesky(q)
    outputs.append(factor @ factor.T)
    found = sg.function([x, q, y], outputs)(*arrays)
    tolerance = 2e-3 if dtype == "float32" else 1e-9
    expected = [b, np.linalg.slogdet(a)[1], p]
    for mine, theirs in zip(found, expected, strict=True):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(mine, theirs, tolerance, tolerance * scale)


def test_vectors_batches_and_integers():
    a, b = regular(3, 3), normal(3)
    x, y = variables(a, b)
    np.testing.assert_allclose(
        sg.linalg.solve(x, y).eval({x: a, y: b}), np.linalg.solve(a, b)
    )
    many = normal(7, 3, 2)
    (z,) = variables(many)
    value = sg.linalg.solve(x, z).eval({x: a, z: many})
    np.testing.assert_allclose(value, np.linalg.solve(a, many))
    whole = sg.linalg.inv([[2, 0], [0, 4]])
    assert whole.dtype == "float32"
    np.testing.assert_array_equal(whole.eval(), [[0.5, 0], [0, 0.25]])


def test_the_determinant_of_a_singular_matrix_is_zero():
    x = sg.dmatrix("x")
    for n in (1, 2, 4):
        singular = np.ones((n, n)) - (n == 1)
        outputs = [sg.linalg.det(x), *sg.linalg.slogdet(x)]
        for mode in ("c", "numpy"):
            values = sg.function([x], outputs, mode=mode)(singular)
            assert list(map(float, values)) == [0, 0, -np.inf]


@modes
@pytest.mark.parametrize(
    ("build", "message"),
    [
        (sg.linalg.inv, "solve: matrix 1 of 2 is singular"),
        (lambda x: sg.linalg.solve(x, x), "solve: matrix 1 of 2 is singular"),
        (
            lambda x: sg.linalg.solve_triangular(x, x),
            "solve_triangular: matrix 1 of 2 is singular",
        ),
        (
            sg.linalg.cholesky,
            "cholesky: matrix 1 of 2 is not positive definite",
        ),
    ],
)
def test_what_cannot_be_solved(build, message, mode):
    x = sg.tensor3("x")
    fn = sg.function([x], build(x), mode=mode)
    good = np.array([[4.0, 0.0], [0.0, 2.0]], "float32")
    bad = np.zeros((2, 2), "float32")
    fn(np.stack([good, good]))
    with pytest.raises(LinAlgError, match=message) as caught:
        fn(np.stack([good, bad]))
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert "test_solving.py" in text


@modes
def test_what_is_not_a_number_is_not_positive(mode):
    x = sg.dmatrix("x")
    fn = sg.function([x], sg.linalg.cholesky(x), mode=mode)
    with pytest.raises(LinAlgError, match="matrix 0 of 1 is not positive"):
        fn(np.array([[np.nan, 0], [0, 1]]))
    upper = np.array([[4.0, np.nan], [2.0, 5.0]])  # which is not read
    np.testing.assert_allclose(fn(upper), [[2, 0], [1, 2]])


def test_a_function_read_from_disk_has_the_same_error():
    for _ in range(2):
        x = sg.dmatrix("x")
        fn = sg.function([x], sg.linalg.inv(x) + 0.125)
        with pytest.raises(LinAlgError, match="matrix 0 of 1 is singular"):
            fn(np.zeros((2, 2)))


@modes
def test_the_likelihood_of_a_gaussian(mode):
    """log det and a quadratic form, and their gradient by the known formulas."""
    x, y = sg.dmatrix("x"), sg.dvector("y")
    covariance = x @ x.T + sg.linalg.inv(sg.eye(4, dtype="float64") * 2)
    factor = sg.linalg.cholesky(covariance)
    white = sg.linalg.solve_triangular(factor, y, lower=True)
    cost = sg.log(sg.diagonal(factor)).sum() + 0.5 * (white * white).sum()
    other = 0.5 * sg.linalg.slogdet(covariance)[1]
    other += 0.5 * y @ sg.linalg.solve(covariance, y)
    a, b = normal(4, 2), normal(4)
    outputs = [cost, other, *sg.grad(cost, [x, y]), *sg.grad(other, [x, y])]
    value, same, dx, dy, dx2, dy2 = sg.function([x, y], outputs, mode=mode)(a, b)
    np.testing.assert_allclose(value, same)
    np.testing.assert_allclose(dx, dx2)
    np.testing.assert_allclose(dy, dy2)
    sg.verify_grad(other_cost, [a, b])


def other_cost(x, y):
    """The same by the determinant itself."""
    covariance = x @ x.T + 0.5 * sg.eye(4, dtype="float64")
    return sg.log(sg.linalg.det(covariance)) + y @ sg.linalg.inv(covariance) @ y


def test_a_branch_keeps_from_a_singular_matrix():
    x = sg.dmatrix("x")
    safe = sg.ifelse(sg.linalg.det(x).eq(0), sg.zeros_like(x), sg.linalg.inv(x))
    fn = sg.function([x], [safe, sg.grad(safe.sum(), x)])
    for value in fn(np.ones((2, 2))):
        np.testing.assert_array_equal(value, 0)
    np.testing.assert_allclose(fn(np.eye(2) * 2)[0], np.eye(2) / 2)


def test_what_is_refused():
    x, y = sg.tensor("x", shape=(2, 3)), sg.vector("y")
    with pytest.raises(GraphError, match=r"inv|solve: float32\[2, 3\]: rows and col"):
        sg.linalg.inv(x)
    with pytest.raises(GraphError, match="det: expected at least 2 dimensions, got fl"):
        sg.linalg.det(y)
    with pytest.raises(GraphError, match="right-hand side must be"):
        sg.linalg.solve(sg.tensor(shape=(3, 3)), x)
    with pytest.raises(
        TypeMismatch, match="cholesky: input must be float32 or float64"
    ):
        Cholesky()(sg.lmatrix("n"))
