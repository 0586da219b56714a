"""Convolution and its adjoints against loops over every index."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from symgraph import ops as sg
from symgraph.graph import GraphError, TensorType, TypeMismatch
from symgraph.graph.evaluate import evaluate
from symgraph.ops.conv import Conv2D, Conv2DBackwardData, Conv2DBackwardWeights
from symgraph.ops.nn import conv2d, conv_transpose2d

# (stride, padding, dilation, groups, x shape, filter shape)
CASES = [
    ((1, 1), ((0, 0), (0, 0)), (1, 1), 1, (2, 3, 5, 7), (4, 3, 2, 3)),
    ((1, 1), ((1, 2), (0, 3)), (1, 1), 1, (2, 3, 5, 7), (4, 3, 3, 2)),
    ((2, 3), ((0, 0), (0, 0)), (1, 1), 1, (2, 3, 6, 11), (5, 3, 3, 2)),
    ((1, 1), ((0, 0), (1, 1)), (2, 3), 1, (2, 3, 7, 8), (5, 3, 3, 2)),
    ((2, 1), ((2, 1), (1, 0)), (1, 2), 2, (3, 4, 7, 5), (6, 2, 3, 2)),
    ((1, 2), ((1, 1), (1, 1)), (1, 1), 3, (2, 3, 5, 6), (3, 1, 3, 3)),
    ((1, 1), ((0, 0), (0, 0)), (1, 1), 1, (2, 5, 3, 4), (7, 5, 1, 1)),
    ((1, 1), ((0, 0), (0, 0)), (1, 1), 1, (0, 3, 5, 7), (4, 3, 2, 3)),
]


def terms(op, x_shape, filter_shape):
    """Every (y index, x index, filter index) of the definition's sum."""
    (top, _), (left, _) = op.padding
    height, width = x_shape[2:]
    outputs, per_group, rows, columns = filter_shape
    out_shape = op.infer_type(
        TensorType("float64", x_shape), TensorType("float64", filter_shape)
    ).shape
    for n, k, i, j in product(*map(range, out_shape)):
        group = k // (outputs // op.groups)
        for c, r, s in product(range(per_group), range(rows), range(columns)):
            h = i * op.stride[0] + r * op.dilation[0] - top
            w = j * op.stride[1] + s * op.dilation[1] - left
            if 0 <= h < height and 0 <= w < width:
                source = n, group * per_group + c, h, w
                yield (n, k, i, j), source, (k, c, r, s)


def arrays(op, x_shape, filter_shape, dtype="float64"):
    rng = np.random.default_rng(1)
    types = TensorType(dtype, x_shape), TensorType(dtype, filter_shape)
    y_shape = op.infer_type(*types).shape
    return [
        rng.normal(size=shape).astype(dtype)
        for shape in (x_shape, filter_shape, y_shape)
    ]


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-13)]
)
@pytest.mark.parametrize("case", CASES)
def test_the_three_convolutions_are_their_sums(case, dtype, tolerance):
    *fields, x_shape, filter_shape = case
    op = Conv2D(*fields)
    x, filters, dy = arrays(op, x_shape, filter_shape, dtype)
    y, dx, dw = (np.zeros(a.shape) for a in (dy, x, filters))
    for at, source, weight in terms(op, x_shape, filter_shape):
        y[at] += float(x[source]) * float(filters[weight])
        dx[source] += float(dy[at]) * float(filters[weight])
        dw[weight] += float(x[source]) * float(dy[at])
    data = Conv2DBackwardData(*fields, size=x_shape[2:])
    weights = Conv2DBackwardWeights(*fields, kernel=filter_shape[2:])
    for got, expected in [
        (op.reference(x, filters), y),
        (data.reference(dy, filters), dx),
        (weights.reference(x, dy), dw),
    ]:
        assert got.dtype == dtype
        assert got.flags.c_contiguous
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * 10)


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_every_order_stay_in_the_family(case):
    *fields, x_shape, filter_shape = case
    op = Conv2D(*fields)
    values = arrays(op, x_shape, filter_shape)
    x, filters, dy = (sg.constant(value) for value in values)
    data, weights = op.vjp((x, filters), (None,), (dy,))
    assert type(data.owner.op) is Conv2DBackwardData
    assert type(weights.owner.op) is Conv2DBackwardWeights
    d_dy, d_filters = data.owner.op.vjp(data.owner.inputs, (data,), (x,))
    assert type(d_dy.owner.op) is Conv2D
    assert type(d_filters.owner.op) is Conv2DBackwardWeights
    d_x, d_dy = weights.owner.op.vjp(weights.owner.inputs, (weights,), (filters,))
    assert type(d_x.owner.op) is Conv2DBackwardData
    assert type(d_dy.owner.op) is Conv2D


def test_unknown_sizes_become_inputs_of_the_gradient():
    x = sg.tensor("x", dtype="float64", shape=(None, 3, None, 7))
    filters = sg.tensor("filters", dtype="float64", shape=(4, 3, None, 2))
    op = Conv2D()
    y = op(x, filters)
    assert y.type.shape == (None, 4, None, 6)
    dy = sg.tensor("dy", dtype="float64", shape=(None, 4, None, 6))
    data, weights = op.vjp((x, filters), (y,), (dy,))
    assert data.owner.op.size == (None, 7)
    assert weights.owner.op.kernel == (None, 2)
    values = arrays(op, (2, 3, 5, 7), (4, 3, 3, 2))
    got = evaluate([y, data, weights], dict(zip((x, filters, dy), values, strict=True)))
    fixed = [
        op.reference(*values[:2]),
        Conv2DBackwardData(size=(5, 7)).reference(values[2], values[1]),
        Conv2DBackwardWeights(kernel=(3, 2)).reference(values[0], values[2]),
    ]
    for mine, theirs in zip(got, fixed, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("case", CASES)
def test_infer_shape_agrees_with_infer_type(case):
    *fields, x_shape, filter_shape = case
    op = Conv2D(*fields)
    x, filters, y = arrays(op, x_shape, filter_shape)
    assert op.infer_shape([x.shape, filters.shape], [None, None]) == y.shape
    data = Conv2DBackwardData(*fields, size=(None, x_shape[3]))
    found = data.infer_shape([y.shape, filters.shape, ()], [None, None, x_shape[2]])
    assert found == x.shape
    weights = Conv2DBackwardWeights(*fields, kernel=(filter_shape[2], None))
    found = weights.infer_shape([x.shape, y.shape, ()], [None, None, filter_shape[3]])
    assert found == filters.shape


@pytest.mark.parametrize("case", [CASES[index] for index in (0, 1, 4, 5)])
def test_conv_transpose_is_the_adjoint(case):
    stride, padding, dilation, groups, x_shape, filter_shape = case
    op = Conv2D(stride, padding, dilation, groups)
    x, filters, dy = arrays(op, x_shape, filter_shape)
    extra = [
        (size + sum(pads) - gap * (span - 1) - 1) % step
        for size, pads, gap, span, step in zip(
            x_shape[2:], padding, dilation, filter_shape[2:], stride, strict=True
        )
    ]
    transposed = conv_transpose2d(
        sg.constant(dy), sg.constant(filters), None, stride, padding, dilation, groups,
        output_padding=extra,
    )  # fmt: skip
    (back,) = evaluate([transposed])
    assert back.shape == x.shape
    inner = (op.reference(x, filters) * dy).sum()
    np.testing.assert_allclose(inner, (x * back).sum(), rtol=1e-12)


def test_dtypes_are_floats_of_one_width():
    x = sg.tensor("x", dtype="float64", shape=(2, 3, 5, 7))
    filters = sg.tensor("filters", dtype="float32", shape=(4, 3, 2, 3))
    assert conv2d(x, filters).dtype == "float64"
    with pytest.raises(TypeMismatch, match="filters must be float64, got float32"):
        Conv2D()(x, filters)
    counts = sg.tensor("counts", dtype="int32", shape=(2, 3, 5, 7))
    with pytest.raises(TypeMismatch, match="input must be float32 or float64"):
        Conv2D()(counts, filters)


def test_a_mismatch_found_only_at_the_call_is_named():
    x = sg.tensor("x", shape=(None, None, None, None))
    y = conv2d(x, sg.constant(np.ones((4, 3, 2, 2), "float32")))
    with pytest.raises(GraphError, match="filters expect 3 channels, input has 5"):
        evaluate([y], {x: np.ones((2, 5, 4, 4), "float32")})


def test_flops_count_products_and_sums():
    assert Conv2D().flops((2, 3, 5, 7), (4, 3, 2, 3)) == 2 * 2 * 4 * 4 * 5 * 18
