"""BN at inference is one affine op, its scale and shift known before the call."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgraph.graph import Constant, constant
from symgraph.ops.affine import Affine
from symgraph.ops.batch_norm import BatchNormInference, BatchNormTraining
from symgraph.rules import BATCH_NORMALIZATION
from symgraph.rules.batch_norm import fold_batch_norm
from tests.rules.checking import ops_of, rewritten, shared, tensor, why_not

STAGES = (BATCH_NORMALIZATION,)


def parameters(shape, make, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    return [make(rng.uniform(0.5, 2, shape).astype(dtype)) for _ in range(4)]


@pytest.mark.parametrize("axes", [(0, 2, 3), (0,), (0, 1, 2), (0, 1, 2, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mean_only", [False, True])
def test_one_affine_with_constant_scale_and_shift(axes, dtype, mean_only):
    sizes = (2, 3, 5, 7)
    x = tensor("x", None, *sizes[1:], dtype=dtype)
    shape = tuple(size for axis, size in enumerate(sizes) if axis not in axes)
    gamma, beta, mean, variance = p = parameters(shape, constant, dtype)
    y = BatchNormInference(axes, 1e-3, mean_only)(x, *p)
    value = np.random.default_rng(1).normal(size=sizes).astype(dtype)
    result, history = rewritten(y, STAGES, {x: value})
    (affine,) = result.nodes
    assert affine.op == Affine(axes)
    scale, shift = affine.inputs[1:]
    assert isinstance(scale, Constant)
    assert isinstance(shift, Constant)
    expected = gamma.data
    if not mean_only:
        expected = gamma.data / np.sqrt(variance.data + 1e-3)
    np.testing.assert_allclose(scale.data, expected, 1e-6)
    np.testing.assert_allclose(shift.data, beta.data - mean.data * expected, 1e-5)
    assert history.of("fold_batch_norm")[0].label == "reassociating"


def test_shared_parameters_stay_out_of_the_call():
    x = tensor("x", None, 3)
    y = BatchNormInference((0,))(x, *parameters((3,), shared))
    result, _ = rewritten(y, STAGES, {x: np.ones((2, 3), "float32")})
    (affine,) = result.find(Affine)
    per_call = [n for n in result if x in n.inputs]
    assert per_call == [affine]
    assert ops_of(result)[-1] == "Affine"


def test_training_is_left_alone():
    x = tensor("x", None, 3)
    gamma, beta, *_ = parameters((3,), shared)
    y = BatchNormTraining((0,))(x, gamma, beta)[0]
    assert "looks for BatchNormInference" in why_not(fold_batch_norm, y)


def test_an_empty_batch():
    x = tensor("x", None, 3)
    y = BatchNormInference((0,))(x, *parameters((3,), constant))
    rewritten(y, STAGES, {x: np.zeros((0, 3), "float32")})


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.data(),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
    st.integers(0, 1000),
)
def test_any_axes_shape_and_value(sizes, data, dtype, mean_only, seed):
    everywhere = range(len(sizes))
    axes = tuple(sorted(data.draw(st.sets(st.sampled_from(everywhere)))))
    shape = tuple(size for axis, size in enumerate(sizes) if axis not in axes)
    x = tensor("x", *sizes, dtype=dtype)
    make = data.draw(st.sampled_from([constant, lambda a: shared(a, dtype=dtype)]))
    p = parameters(shape, make, dtype, seed)
    y = BatchNormInference(axes, 1e-3, mean_only)(x, *p)
    value = np.random.default_rng(seed).normal(size=sizes).astype(dtype)
    result, _ = rewritten(y, STAGES, {x: value})
    assert len(result.find(Affine)) == 1
