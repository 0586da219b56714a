"""Activation functions against their formulas, and where they could overflow."""

from __future__ import annotations

from math import erf, exp, log1p, sqrt, tanh

import numpy as np
import pytest

from symgraph import ops as sg
from symgraph.autodiff import grad
from symgraph.graph.evaluate import evaluate
from symgraph.ops import nn

FORMULAS = {
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else exp(x) - 1,
    "selu": lambda x: (
        1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (exp(x) - 1))
    ),
    "gelu": lambda x: x * (1 + erf(x / sqrt(2))) / 2,
    "silu": lambda x: x / (1 + exp(-x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "softplus": lambda x: log1p(exp(x)),
    "mish": lambda x: x * tanh(log1p(exp(x))),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "hard_sigmoid": lambda x: min(max(x / 6 + 0.5, 0.0), 1.0),
    "sigmoid": lambda x: 1 / (1 + exp(-x)),
    "tanh": tanh,
}
POINTS = [-7.0, -3.3, -1.0, -0.01, 0.0, 0.01, 0.5, 3.3, 6.5]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FORMULAS)
def test_values(name, dtype):
    x = np.array(POINTS, dtype)
    (y,) = evaluate([getattr(nn, name)(sg.constant(x))])
    assert y.dtype == dtype
    expected = [FORMULAS[name](float(v)) for v in x]
    tolerance = 1e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(y, expected, rtol=tolerance * 10, atol=tolerance)


@pytest.mark.parametrize("name", FORMULAS)
def test_slopes(name):
    x = np.array([v for v in POINTS if v != 0.0])
    symbol = sg.constant(x)
    (slope,) = evaluate(grad(getattr(nn, name)(symbol).sum(), [symbol]))
    step = 1e-6
    central = [
        (FORMULAS[name](v + step) - FORMULAS[name](v - step)) / (2 * step) for v in x
    ]
    np.testing.assert_allclose(slope, central, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["elu", "selu", "silu", "softplus", "gelu", "sigmoid"])
def test_large_arguments_have_finite_slopes(name):
    symbol = sg.constant(np.array([-1e3, 1e3], "float32"))
    y = getattr(nn, name)(symbol)
    values, slope = evaluate([y, *grad(y.sum(), [symbol])])
    assert np.isfinite(values).all()
    assert np.isfinite(slope).all()


def test_gelu_by_tanh_is_near_gelu():
    x = sg.constant(np.linspace(-4, 4, 101))
    exact, near = evaluate([nn.gelu(x), nn.gelu(x, approximate=True)])
    assert np.abs(exact - near).max() < 5e-4


@pytest.mark.parametrize("name", FORMULAS)
def test_nan_stays_nan(name):
    (y,) = evaluate([getattr(nn, name)(sg.constant(np.array([np.nan])))])
    assert np.isnan(y).all()
