"""``verify_grad`` finds wrong gradients, and says where they are wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import symgraph as sg
from symgraph.autodiff import GradientError
from symgraph.graph import GraphError, Op


@dataclass(frozen=True)
class Wrong(Op):
    """The square of x, with a gradient that is wrong where x > ``limit``."""

    limit: float

    def infer_type(self, x):
        return x

    def reference(self, x):
        return x * x

    def vjp(self, inputs, outputs, cotangents):
        slope = 2.0 * sg.minimum(inputs[0], self.limit)
        return (cotangents[0] * slope,)


def test_a_right_gradient_gives_its_largest_error():
    error = sg.verify_grad(lambda x, y: sg.tanh(x @ y), [np.ones((2, 3)), np.eye(3)])
    assert error < 1e-9


def test_a_wrong_gradient_is_located():
    point = np.array([[0.5, 1.0], [1.5, 4.0]])
    with pytest.raises(GradientError) as caught:
        sg.verify_grad(lambda y, x: Wrong(2.0)(x) + y, [point, point])
    text = str(caught.value)
    assert "gradient by input 1 is wrong in 1 of 4 derivatives" in text
    assert "worst at [1, 1]" in text
    assert "allowed 1e-06" in text


def test_directions_find_it_too():
    point = np.array([0.5, 1.0, 4.0])
    assert sg.verify_grad(sg.sin, [point], directions=3) < 1e-9
    with pytest.raises(GradientError, match="along random direction"):
        sg.verify_grad(Wrong(2.0), [point], directions=3)


def test_a_nan_is_wrong():
    with pytest.raises(GradientError, match="gradient nan"):
        sg.verify_grad(lambda x: x * sg.constant(np.nan) * 0, [np.ones(2)])


def test_integers_are_kept_and_floats_become_float64():
    rows = np.array([2, 0, 2])
    seen = []

    def function(x, i):
        seen.extend([x.dtype, i.dtype])
        return x[i] ** 2

    sg.verify_grad(function, [np.float32([1, 2, 3]), rows])
    assert seen == ["float64", "int64"]


def test_several_outputs_and_outputs_that_are_not_floats():
    sg.verify_grad(lambda x: [sg.exp(x), sg.argmax(x), x.sum()], [np.ones(3)])
    sg.verify_grad(sg.exp, [np.ones((0, 3))])
    with pytest.raises(GraphError, match="expected an output of floats"):
        sg.verify_grad(sg.argmax, [np.ones(3)])
    with pytest.raises(GraphError, match="expected at least one point of floats"):
        sg.verify_grad(lambda x: x, [np.ones(3, "int64")])
