"""Expressions written with care for rounding and overflow."""

from __future__ import annotations

import numpy as np

import symgraph as sg

INF = np.inf


def test_logaddexp():
    x, y = sg.dvector("x"), sg.dvector("y")
    a = np.array([1.0, 1000.0, -INF, INF, INF, -2.0])
    b = np.array([2.0, 1000.0, -INF, INF, 0.0, -INF])
    value = sg.logaddexp(x, y).eval({x: a, y: b})
    np.testing.assert_allclose(value, np.logaddexp(a, b), rtol=1e-14)
    points = [np.array([1.0, -2.0, 0.5]), np.array([0.0, 3.0, 0.5])]
    sg.verify_grad(sg.logaddexp, points)


def test_isclose_and_allclose():
    x, y = sg.dvector("x"), sg.dvector("y")
    a = np.array([1.0, 1.0, INF, INF, np.nan, 0.0])
    b = np.array([1.0 + 1e-6, 1.1, INF, -INF, np.nan, 1e-9])
    given = {x: a, y: b}
    np.testing.assert_array_equal(sg.isclose(x, y).eval(given), np.isclose(a, b))
    assert not sg.allclose(x, y).eval(given)
    assert sg.allclose(x, y, rtol=0.2).eval({x: a[:2], y: b[:2]})
