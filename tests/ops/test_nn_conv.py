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


@pytest.mark.parametrize("size", [(5, 7), (6, 8), (9, 11)])
@pytest.mark.parametrize("kernel", [(1, 2), (3, 4)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding_gives_ceil_of_size_over_stride(size, kernel, stride):
    x = sg.tensor("x", shape=(2, 3, *size))
    filters = sg.tensor("filters", shape=(4, 3, *kernel))
    y = conv2d(x, filters, stride=stride, padding="same")
    assert y.type.shape[2:] == tuple(-(-n // stride) for n in size)
    assert all(0 <= hi - lo <= 1 for lo, hi in y.owner.op.padding)


def test_padding_may_be_written_in_five_ways():
    x = sg.tensor("x", shape=(2, 3, 5, 7))
    filters = sg.tensor("filters", shape=(4, 3, 2, 3))
    for written, meant in [
        ("valid", ((0, 0), (0, 0))),
        ("full", ((1, 1), (2, 2))),
        (1, ((1, 1), (1, 1))),
        ((1, 2), ((1, 1), (2, 2))),
        (((0, 1), (2, 3)), ((0, 1), (2, 3))),
    ]:
        assert conv2d(x, filters, padding=written).owner.op.padding == meant


def test_bias_is_added_to_each_channel():
    rng = np.random.default_rng(2)
    x, filters, bias = (
        rng.normal(size=shape) for shape in [(2, 3, 5, 7), (4, 3, 2, 3), (4,)]
    )
    arguments = [sg.constant(value) for value in (x, filters, bias)]
    (y,) = evaluate([conv2d(*arguments)])
    plain = Conv2D().reference(x, filters)
    np.testing.assert_allclose(y, plain + bias[:, None, None], rtol=1e-15)


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


def test_conv_transpose_of_unknown_size():
    x = sg.tensor("x", dtype="float64", shape=(None, 4, None, None))
    filters = sg.constant(np.ones((4, 3, 2, 3)))
    y = conv_transpose2d(x, filters, bias=np.arange(3.0), stride=2)
    (value,) = evaluate([y], {x: np.ones((2, 4, 5, 7))})
    assert value.shape == (2, 3, 10, 15)
    assert value[0, :, 0, 0].tolist() == [4, 5, 6]


@pytest.mark.parametrize(
    ("x", "filters", "arguments", "message"),
    [
        ((2, 4, 5, 7), (6, 3, 2, 2), {}, "filters expect 3 channels, input has 4"),
        (
            (2, 4, 5, 7),
            (6, 3, 2, 2),
            {"groups": 2},
            "filters expect 6 channels in 2 groups, input has 4",
        ),
        (
            (2, 3, 5, 7),
            (6, 3, 2, 2),
            {"groups": 2},
            "2 groups do not divide 3 channels",
        ),
        ((2, 4, 5, 7), (3, 2, 2, 2), {"groups": 2}, "do not divide 3 output channels"),
        ((2, 3, 5, 7), (6, 3, 6, 2), {}, "spans 6 in height, the padded input has 5"),
        (
            (2, 3, 5, 7),
            (6, 3, 2, 3),
            {"dilation": 4},
            "spans 9 in width, the padded input has 7",
        ),
        ((3, 5, 7), (6, 3, 2, 2), {}, "input must have 4 dimensions, got 3"),
        ((2, 3, 5, 7), (6, 3, 2), {}, "filters must have 4 dimensions, got 3"),
        ((2, 3, 5, 7), (6, 3, 0, 2), {}, "filters must be at least 1x1"),
        ((2, 3, 5, 7), (6, 3, 2, 2), {"stride": 0}, "stride must be one or two ints"),
        (
            (2, 3, 5, 7),
            (6, 3, 2, 2),
            {"stride": (1, 2, 3)},
            "stride must be one or two",
        ),
        ((2, 3, 5, 7), (6, 3, 2, 2), {"padding": -1}, "padding must be one or two"),
        ((2, 3, 5, 7), (6, 3, 2, 2), {"padding": "half"}, "got 'half'"),
        ((2, 3, 5, 7), (6, 3, 2, 2), {"groups": 0}, "groups must be at least 1"),
        (
            (2, 3, None, 7),
            (6, 3, 2, 2),
            {"padding": "same", "stride": 2},
            "needs an input of known size",
        ),
    ],
)
def test_what_does_not_fit_is_named(x, filters, arguments, message):
    images, weights = sg.tensor("x", shape=x), sg.tensor("filters", shape=filters)
    with pytest.raises(GraphError, match=message) as caught:
        conv2d(images, weights, **arguments)
    assert str(caught.value).startswith("conv2d: ")


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


def test_errors_show_the_lines_of_the_arguments():
    x, filters = sg.matrix("x"), sg.tensor4("filters")
    images = [
        lambda: sg.nn.conv2d(x, filters),
        lambda: sg.nn.max_pool2d(x, 2),
        lambda: sg.nn.global_average_pool2d(x),
    ]
    for build in images:
        with pytest.raises(GraphError, match="must have 4 dimensions") as caught:
            build()
        assert 'x, filters = sg.matrix("x")' in str(caught.value)
