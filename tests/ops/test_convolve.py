"""``conv2d`` and ``conv_transpose2d``: what may be written, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from symgraph import ops as sg
from symgraph.graph import GraphError
from symgraph.graph.evaluate import evaluate
from symgraph.ops.conv import Conv2D
from symgraph.ops.nn import conv2d, conv_transpose2d


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
