"""Which kernels pool, and which compute the gradient of pooling on the way."""

from __future__ import annotations

import pytest

from codegen import ir
from symgraph.lowering import conv
from symgraph.ops import MatMul, Max, Relu, Sum, exp, tanh, tensor
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


@pytest.mark.parametrize("columns", [2, 3])
def test_pooling_of_a_result_that_others_read_is_a_kernel(columns, check):
    x = tensor("x", shape=(None, 3, 13, 10))
    result = Conv2D()(x, shared(5, 3, 3, 3))
    outputs = [pooled(result, columns), result]
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


def steps_of(lowered):
    """The convolutions and poolings of a program."""
    steps = (kernel.step for kernel in lowered.program.kernels)
    return [step for step in steps if isinstance(step, ir.Convolution | ir.Pool)]


def test_a_bias_that_differs_inside_windows_is_added_before_pooling(check):
    x = tensor("x", shape=(None, 3, 13, 10))
    y = AddBias((0,))(Conv2D()(x, shared(5, 3, 3, 3)), shared(5, 11, 8))
    (step,) = steps_of(check([x], [pooled(y, 2)], [random(2, 3, 13, 10)]))
    assert step.before is not None


OVERLAPPING = (3, 3), (2, 2), ((1, 1), (1, 1))


@pytest.mark.parametrize("pool", [MaxPool2D, AveragePool2D])
@pytest.mark.parametrize("outputs", [5, 16])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_windows_that_overlap_are_pooled_by_the_convolution(
    pool, outputs, batch, check, monkeypatch
):
    """With all that comes before them, another image and exp among it, and after."""
    monkeypatch.setattr(conv, "pools_faster", lambda *_: True)
    x = tensor("x", shape=(None, 3, 15, 11))
    z = tensor("z", shape=(None, outputs, 13, 9))
    y = exp(Relu()(convolved(x, outputs)) * 0.1) + z
    arrays = [random(batch, 3, 15, 11), random(batch, outputs, 13, 9)]
    lowered = check([x, z], [tanh(pool(*OVERLAPPING)(y))], arrays)
    (step,) = steps_of(lowered)
    assert step.pool == ir.Pooling(*OVERLAPPING, mean=pool is AveragePool2D)
    assert step.before is not None


def test_places_of_windows_that_overlap_are_kept(check, monkeypatch):
    monkeypatch.setattr(conv, "pools_faster", lambda *_: True)
    x = tensor("x", shape=(None, 3, 12, 10))
    y, places = MaxPool2DWithPlaces(*OVERLAPPING)(convolved(x, 5))
    dx = MaxPool2DScatter(*OVERLAPPING, size=(10, 8))(places, y * 2.0)
    (step,) = steps_of(check([x], [y, dx], [random(2, 3, 12, 10)]))
    assert step.places is not None


UNLIKE = (3, 4), (2, 1), ((0, 2), (3, 1))


@pytest.mark.parametrize("windows", [OVERLAPPING, UNLIKE])
@pytest.mark.parametrize("outputs", [5, 32])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_gradients_of_pooling_in_blocks_are_a_kernel(windows, outputs, batch, check):
    """Where windows overlap; others are gathered by whatever reads dx."""
    x = tensor("x", shape=(None, 3, 11, 10))
    image = convolved(x, outputs)
    y, places = MaxPool2DWithPlaces(*windows)(image)
    dx = MaxPool2DScatter(*windows, size=(9, 8))(places, tanh(y))
    kernels = check([x], [image, dx], [random(batch, 3, 11, 10)]).program.kernels
    assert any(isinstance(kernel.step, ir.PoolBackward) for kernel in kernels)


def test_gradients_of_windows_side_by_side_are_a_kernel_of_what_is_stored(check):
    """What is not is computed for each window where it is scattered."""
    x = tensor("x", shape=(None, 3, 12, 11))
    image = convolved(x, 5)
    windows = (2, 3), (2, 3)
    y, places = MaxPool2DWithPlaces(*windows)(image)
    for dy, stored in ((y, True), (tanh(y), False)):
        dx = MaxPool2DScatter(*windows, size=(10, 9))(places, dy)
        lowered = check([x], [image, y, dx], [random(2, 3, 12, 11)])
        steps = [kernel.step for kernel in lowered.program.kernels]
        assert any(isinstance(step, ir.PoolBackward) for step in steps) == stored


def test_gradients_of_pooling_with_large_windows_are_loops(check):
    x = tensor("x", shape=(None, 3, 14, 13))
    image = convolved(x, 16)
    windows = (9, 8), (1, 1)
    y, places = MaxPool2DWithPlaces(*windows)(image)
    dx = MaxPool2DScatter(*windows, size=(12, 11))(places, tanh(y))
    kernels = check([x], [image, dx], [random(2, 3, 14, 13)]).program.kernels
    assert not any(isinstance(kernel.step, ir.PoolBackward) for kernel in kernels)


@pytest.mark.parametrize("reduce", [Sum, Max])
@pytest.mark.parametrize("outputs", [5, 32])
@pytest.mark.parametrize("then", ["nothing", "a product"])
def test_whole_images_are_pooled_by_the_convolution(reduce, outputs, then, check):
    x = tensor("x", shape=(None, 3, 9, 8))
    y = reduce((2, 3))(Relu()(convolved(x, outputs))) / 42.0
    y = y if then == "nothing" else MatMul()(y, shared(outputs, 7))
    (step,) = steps_of(check([x], [y], [random(3, 3, 9, 8)]))
    assert step.pool == ir.Pooling((7, 6), (7, 6), summed=reduce is Sum)


@pytest.mark.parametrize("axes", [(1, 2, 3), (2,), (0, 2, 3)])
def test_sums_over_other_axes_are_kernels(axes, check):
    x = tensor("x", shape=(None, 3, 9, 8))
    y = Sum(axes)(Relu()(convolved(x, 16)))
    (step,) = steps_of(check([x], [y], [random(3, 3, 9, 8)]))
    assert step.pool is None


def test_sums_of_images_of_unknown_size_are_kernels(check):
    x = tensor("x", shape=(None, 3, None, 8))
    y = Sum((2, 3))(Relu()(convolved(x, 16)))
    (step,) = steps_of(check([x], [y], [random(3, 3, 9, 8)]))
    assert step.pool is None


@pytest.mark.parametrize("result", ["pays", "does not"])
def test_where_it_does_not_pay_the_image_is_stored(result, check, monkeypatch):
    monkeypatch.setattr(conv, "pools_faster", lambda *_: result == "pays")
    x = tensor("x", shape=(None, 3, 15, 11))
    y = MaxPool2D(*OVERLAPPING)(convolved(x, 5))
    steps = steps_of(check([x], [y], [random(2, 3, 15, 11)]))
    assert len(steps) == (1 if result == "pays" else 2)


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
