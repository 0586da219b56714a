"""Equations of matrices: factors and solutions, and which matrix it is that fails."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import build, sizes
from codegen.ir import Buffer, Cholesky, Determinant, Kernel, Program, Role, Solve

N, M, COUNT = map(sizes.symbol, ("n", "m", "count"))
SQUARES, COLUMNS = (COUNT, N, N), (COUNT, N, M)
NOT_POSITIVE, SINGULAR, FLAT = 3, 5, 7


def program(dtype, *steps):
    """A program of the given steps, by name, on arrays of run-time sizes."""

    def argument(name, *shape):
        return Buffer(name, dtype, shape, Role.ARGUMENT)

    p, a, b = argument("p", *SQUARES), argument("a0", *SQUARES), argument("b", *COLUMNS)
    factor, x, y = (
        argument("f", *SQUARES),
        argument("x", *COLUMNS),
        argument("y", *COLUMNS),
    )
    det, sign, log = (argument(name, COUNT) for name in ("det", "sign", "log"))
    known = {
        "cholesky": Cholesky(p, factor, N, COUNT, NOT_POSITIVE),
        "solve": Solve(a, b, x, N, M, COUNT, SINGULAR),
        "substitute": Solve(factor, b, y, N, M, COUNT, FLAT, lower=True),
        "det": Determinant(a, det, None, N, COUNT),
        "slogdet": Determinant(a, log, sign, N, COUNT),
    }
    kernels = tuple(Kernel(known[step], step) for step in steps or known)
    arguments = (p, a, b, factor, x, y, det, sign, log)
    return Program("equations", ("n", "m", "count"), arguments, kernels)


def arrays(dtype, n, m, count):
    """What a program is given: p is positive, a is not; then room for the results."""
    random = np.random.default_rng(n)
    a = random.normal(size=(count, n, n)) + np.flip(np.eye(n), 0) * 3
    p = a @ np.swapaxes(a, 1, 2) + np.eye(n)
    given = [p, a, random.normal(size=(count, n, m))]
    room = [np.zeros_like(x) for x in (p, given[2], given[2])]
    return [x.astype(dtype) for x in (*given, *room, *np.zeros((3, count)))]


def check(native, dtype, n, m, count):
    """All steps against NumPy."""
    given = arrays(dtype, n, m, count)
    assert native.run(given, (n, m, count), 2) == 0
    p, a, b, *found = given
    factor = np.linalg.cholesky(p)
    expected = [factor, np.linalg.solve(a, b), np.linalg.solve(factor, b)]
    expected += [np.linalg.det(a), *np.linalg.slogdet(a)]
    tolerance = 1e-3 if dtype == "float32" else 1e-10
    for mine, theirs in zip(found, expected, strict=True):
        scale = np.abs(theirs).max(initial=1)
        np.testing.assert_allclose(mine, theirs, tolerance, tolerance * scale)


def check_all():
    """Both dtypes, matrices of several sizes."""
    for dtype in ("float32", "float64"):
        native = build.build([program(dtype)])["equations"]
        for n, m, count in ((1, 1, 1), (5, 3, 7), (18, 1, 3), (33, 9, 1), (3, 2, 0)):
            check(native, dtype, n, m, count)


def test_values():
    check_all()


@pytest.mark.parametrize(
    ("step", "code"),
    [("cholesky", NOT_POSITIVE), ("solve", SINGULAR), ("substitute", FLAT)],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_that_fails_is_named(step, code, threads):
    native = build.build([program("float64", step)])["equations"]
    given = arrays("float64", 4, 2, 600)
    given[3][:] = np.eye(4)
    for square in (given[0], given[1], given[3]):
        square[[35, 300, 599]] = 0
    failed = native.run(given, (4, 2, 600), threads)
    assert failed == code
    assert failed.found[:2] == (35, 600)
