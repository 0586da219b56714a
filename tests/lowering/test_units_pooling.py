"""Which kernels pool, and which compute the gradient of pooling on the way."""

from __future__ import annotations

import pytest

from codegen import ir
from symgraph.ops import Relu, exp, tensor
from symgraph.ops.affine import AddBias
from symgraph.ops.average_pool import AveragePool2D, AveragePool2DGrad
from symgraph.ops.conv import Conv2D, Conv2DBackwardWeights
from symgraph.ops.pool import MaxPool2D
from symgraph.ops.pool_places import MaxPool2DScatter, MaxPool2DWithPlaces
from tests.lowering.graphs import convolved, labels, random, random_places, shared


def pooled(x, columns: int):
    return MaxPool2D((2, columns), (2, columns), ((0, 0), (0, 0)))(x)


def test_pooling_is_done_by_the_convolution_before_it(check):
    x = tensor("x", shape=(None, 3, 13, 10))
    y = Relu()(pooled(Conv2D()(x, shared(5, 3, 3, 3)), 2) * 2.0)
    kernels = check([x], [y], [random(2, 3, 13, 10)]).program.kernels
    steps = [k.step for k in kernels if isinstance(k.step, ir.Convolution)]
    assert [step.pool is not None for step in steps] == [True]


@pytest.mark.parametrize("also", [None, "result"])
def test_pooling_of_a_result_that_others_read_is_a_kernel(also, check):
    x = tensor("x", shape=(None, 3, 13, 10))
    result = Conv2D()(x, shared(5, 3, 3, 3))
    pool = pooled(result, 2 if also else 3)
    outputs = [pool, result] if also else [pool]
    kernels = check([x], outputs, [random(2, 3, 13, 10)]).program.kernels
    steps = [k.step for k in kernels if isinstance(k.step, ir.Convolution)]
    assert [step.pool for step in steps] == [None]


@pytest.mark.parametrize("outputs", [5, 16])
def test_the_gradient_of_pooling_needs_no_image(outputs, check):
    """Bias, relu, pooling and places on the registers; only places are kept."""
    x = tensor("x", shape=(None, 3, 12, 10))
    y, places = MaxPool2DWithPlaces((2, 2), (2, 2))(convolved(x, outputs))
    dx = MaxPool2DScatter((2, 2), (2, 2), size=(10, 8))(places, y * 2.0)
    kernels = check([x], [y, dx], [random(2, 3, 12, 10)]).program.kernels
    (step,) = (k.step for k in kernels if isinstance(k.step, ir.Convolution))
    assert step.places is not None
    assert step.before is not None
    assert len([k for k in kernels if k.label != "output"]) == 2


def test_a_bias_that_differs_inside_windows_is_added_before_pooling(check):
    x = tensor("x", shape=(None, 3, 13, 10))
    y = AddBias((0,))(Conv2D()(x, shared(5, 3, 3, 3)), shared(5, 11, 8))
    kernels = check([x], [pooled(y, 2)], [random(2, 3, 13, 10)]).program.kernels
    steps = [k.step for k in kernels if isinstance(k.step, ir.Convolution | ir.Pool)]
    assert [type(step) for step in steps] == [ir.Convolution, ir.Pool]


SAME = (3, 3), (1, 1), ((1, 1), (1, 1))  # windows that keep the size of an image


@pytest.mark.parametrize(
    "op",
    [MaxPool2D(*SAME), AveragePool2D(*SAME), AveragePool2DGrad(*SAME, True, (7, 8))],
)
def test_what_reads_neighbours_is_no_epilogue(op, check):
    x = tensor("x", shape=(None, 3, 9, 10))
    lowered = check([x], [op(Conv2D()(x, shared(5, 3, 3, 3)))], [random(2, 3, 9, 10)])
    assert "Conv2D" in labels(lowered.program)


def test_what_reads_neighbours_computes_none_of_them(check):
    x = tensor("x", shape=(None, 3, 9, 10))
    lowered = check([x], [AveragePool2D(*SAME)(exp(x)) + x], [random(2, 3, 9, 10)])
    assert "Exp" in labels(lowered.program)


def gradients(height: int, outputs: int = 5, also: bool = False):
    """x, dy, the places, the gradient of filters of pooled results, and that of x."""
    x = tensor("x", shape=(None, 3, height + 2, 10))
    pooled_shape = (None, outputs, height // 2, 4)
    places = tensor("places", dtype="uint8", shape=pooled_shape)
    dy = tensor("dy", shape=pooled_shape)
    spread = MaxPool2DScatter((2, 2), (2, 2), size=(height, 8))(places, dy * 2.0)
    dw = Conv2DBackwardWeights(kernel=(3, 3))(x, spread)
    arrays = [
        random(2, 3, height + 2, 10),
        random_places(2, *pooled_shape[1:]),
        random(2, *pooled_shape[1:]),
    ]
    return [x, places, dy], [dw, spread] if also else [dw], arrays


def test_the_gradient_of_filters_unpools_by_itself(check):
    program = check(*gradients(6)).program
    steps = [kernel.step for kernel in program.kernels]
    (step,) = (s for s in steps if isinstance(s, ir.ConvolutionBackwardWeights))
    assert step.places is not None
    assert not any("Scatter" in label for label in labels(program))


@pytest.mark.parametrize("change", ["odd", "several passes", "read by others"])
def test_where_it_does_not_the_image_is_stored(change, check):
    if change == "several passes":
        inputs, (dw,), arrays = gradients(6)
        x, arrays[0] = tensor("x", shape=(None, 70, 8, 10)), random(2, 70, 8, 10)
        inputs[0], spread = x, dw.owner.inputs[1]
        case = inputs, [Conv2DBackwardWeights(kernel=(3, 3))(x, spread)], arrays
    else:
        case = gradients(7 if change == "odd" else 6, also=change != "odd")
    program = check(*case).program
    steps = [kernel.step for kernel in program.kernels]
    (step,) = (s for s in steps if isinstance(s, ir.ConvolutionBackwardWeights))
    assert step.places is None
