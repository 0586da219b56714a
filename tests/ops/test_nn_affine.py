"""Bias, scale and shift, dense layers."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import ops as sg
from symgraph.graph import GraphError, TypeMismatch
from symgraph.graph.evaluate import evaluate
from symgraph.ops import nn
from symgraph.ops.affine import AddBias, Affine, default_axes


@pytest.mark.parametrize(
    ("axes", "shape"), [((0, 2, 3), (2, 3, 5, 7)), ((0,), (2, 3, 5)), ((1,), (2, 3))]
)
def test_parameters_are_shared_along_axes(axes, shape):
    rng = np.random.default_rng(16)
    x = rng.normal(size=shape)
    kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    scale, shift = rng.normal(size=(2, *kept))
    wide = [
        p.reshape([1 if a in axes else n for a, n in enumerate(shape)])
        for p in (scale, shift)
    ]
    biased = AddBias(axes).reference(x, shift)
    mapped = Affine(axes).reference(x, scale, shift)
    np.testing.assert_array_equal(biased, x + wide[1])
    np.testing.assert_array_equal(mapped, x * wide[0] + wide[1])
    symbols = [sg.constant(v) for v in (x, scale, shift)]
    expanded = evaluate(
        [AddBias(axes).expand(symbols[0], symbols[2]), Affine(axes).expand(*symbols)]
    )
    np.testing.assert_array_equal(expanded[0], biased)
    np.testing.assert_array_equal(expanded[1], mapped)


def test_the_default_is_one_parameter_a_channel():
    assert default_axes(1) == ()
    assert default_axes(3) == (0, 2)
    x = sg.tensor("x", shape=(2, 3, 5))
    assert nn.add_bias(x, sg.tensor("b", shape=(3,))).owner.op == AddBias((0, 2))
    scale = sg.tensor("s", shape=(2, 3))
    assert nn.affine(x, scale, scale, axes=-1).owner.op == Affine((2,))


@pytest.mark.parametrize("leading", [(2,), (2, 3), (), (0,), (2, 0, 3)])
def test_dense_maps_the_last_axis(leading):
    rng = np.random.default_rng(17)
    x, weights, bias = (rng.normal(size=s) for s in [(*leading, 5), (5, 7), (7,)])
    y = nn.dense(*map(sg.constant, (x, weights, bias)))
    (value,) = evaluate([y])
    expected = np.einsum("...i,io->...o", x, weights) + bias
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-14)


def test_dense_of_unknown_sizes():
    x = sg.tensor("x", dtype="float64", shape=(None, None, 5))
    y = nn.dense(x, sg.constant(np.ones((5, 7))))
    assert y.type.shape == (None, None, 7)
    (value,) = evaluate([y], {x: np.ones((2, 3, 5))})
    assert value.shape == (2, 3, 7)


def test_what_does_not_fit_is_named():
    x = sg.tensor("x", shape=(2, 4))
    weights, bias = sg.tensor("w", shape=(3, 5)), sg.tensor("b", shape=(3,))
    with pytest.raises(GraphError, match="dense: weights expect 3 inputs, input has 4"):
        nn.dense(x, weights)
    with pytest.raises(GraphError, match=r"weights of 2, got .* and float32\[3\]"):
        nn.dense(x, bias)
    with pytest.raises(GraphError, match=r"must be float32\[4\], as the input .*\[3\]"):
        nn.add_bias(x, bias)
    with pytest.raises(GraphError, match="axis 2 is out of range"):
        nn.add_bias(x, bias, axes=2)
    with pytest.raises(GraphError, match="given twice"):
        nn.add_bias(x, bias, axes=(0, -2))
    with pytest.raises(TypeMismatch, match="bias must be float32, got float64"):
        AddBias((0,))(x, sg.tensor("b", dtype="float64", shape=(4,)))
    flags = sg.tensor("flags", dtype="bool", shape=(2, 4))
    with pytest.raises(TypeMismatch, match="input must be numbers, got bool"):
        AddBias((0,))(flags, sg.tensor("b", dtype="bool", shape=(4,)))
