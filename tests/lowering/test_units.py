"""What becomes one kernel, and that the kernels compute what NumPy does."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import symgraph.ops
from codegen import ir
from symgraph.graph import Op, SharedVariable, TensorType
from symgraph.graph.config import config
from symgraph.lowering.readers import READERS
from symgraph.lowering.table import EPILOGUES, EXPANSIONS, LOWERINGS
from symgraph.ops import Relu, exp, reshape, tanh, tensor
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.average_pool import AveragePool2D, AveragePool2DGrad
from symgraph.ops.batch_norm import BatchNormTraining, BatchNormTrainingGrad
from symgraph.ops.conv import Conv2D, Conv2DBackwardWeights
from symgraph.ops.pool import MaxPool2D, MaxPool2DGrad
from symgraph.ops.pool_places import MaxPool2DScatter, MaxPool2DWithPlaces
from symgraph.ops.shape import dim

IMAGES = (0, 2, 3)
SHAPES = ((7, None), (None, 3), (7, 3), (7, 3))
rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def same_numbers_in_any_order(monkeypatch):
    """The numbers of a test do not depend on which tests ran before it."""
    monkeypatch.setattr(f"{__name__}.rng", np.random.default_rng(0))


def random(*shape: int, dtype: str = "float32"):
    return rng.normal(size=shape).astype(dtype)


def shared(*shape: int, dtype: str = "float32"):
    return SharedVariable(random(*shape, dtype=dtype), None, TensorType(dtype, shape))


def labels(program):
    return [kernel.label for kernel in program.kernels]


def convolved(x, outputs: int, dtype: str = "float32"):
    """relu(conv2d(x, filters) + bias)."""
    filters = shared(outputs, x.type.shape[1], 3, 3, dtype=dtype)
    y = Conv2D()(x, filters)
    return Relu()(AddBias(IMAGES)(y, shared(outputs, dtype=dtype)))


def all_ops():
    for module in pkgutil.iter_modules(symgraph.ops.__path__):
        importlib.import_module(f"symgraph.ops.{module.name}")
    waiting = [Op]
    while waiting:
        found = waiting.pop().__subclasses__()
        waiting += found
        yield from (op for op in found if not op.__subclasses__())


@pytest.mark.parametrize("op", sorted(set(all_ops()), key=lambda op: op.__name__))
def test_every_op_has_a_way_to_c(op):
    if not op.__module__.startswith("symgraph."):
        return
    pointwise = any(kind in READERS for kind in op.__mro__)
    expands = op in EXPANSIONS or op.expand is not Op.expand
    lowered = op in LOWERINGS or op in EPILOGUES or op.__name__ == "Dim"
    assert pointwise or expands or lowered


def test_elementwise_ops_are_one_kernel(check):
    x, y = tensor("x", shape=(None, 3)), tensor("y", shape=(None, 3))
    product = x * y
    outputs = [tanh(product + x) * exp(-x), product]
    lowered = check([x, y], outputs, [random(5, 3), random(5, 3)])
    assert len(lowered.program.kernels) == 1


def test_what_is_only_summed_is_never_stored(check):
    x = tensor("x", shape=(None, 7))
    lowered = check([x], [(x * x).sum(axis=1)], [random(5, 7)])
    assert all(label.startswith("Sum") for label in labels(lowered.program))


def test_a_convolution_takes_what_follows_as_epilogue(check):
    x = tensor("x", shape=(None, 3, 11, 9))
    lowered = check([x], [convolved(x, 5)], [random(2, 3, 11, 9)])
    (conv, _) = labels(lowered.program)
    assert conv == "Conv2D+AddBias(axes=(0, 2, 3))+Relu"
    assert "pack_filters" in labels(lowered.prologue)


@pytest.mark.parametrize("outputs", [16, 21])
def test_a_chain_of_images_never_leaves_its_layout(check, outputs):
    x = tensor("x", shape=(None, 3, 14, 13))
    first = MaxPool2D((2, 2), (2, 2))(convolved(x, outputs))
    activation = first.type.shape[1:]
    second = Affine((0,))(first, shared(*activation), shared(*activation))
    lowered = check([x], [convolved(second, 7)], [random(2, 3, 14, 13)])
    assert "copy" not in labels(lowered.program)


def test_a_product_makes_the_momentum_and_the_parameter(check):
    x, y, old, w = (tensor(n, shape=s) for n, s in zip("xyvw", SHAPES, strict=True))
    momentum = old * 0.5 - x @ y
    arrays = [random(*(dim or 5 for dim in shape)) for shape in SHAPES]
    lowered = check([x, y, old, w], [momentum, w + momentum], arrays)
    assert labels(lowered.program) == ["MatMul+Mul+Sub+Add"]
    other = check([x, y, old, w], [momentum, w + momentum, exp(momentum)], arrays)
    assert labels(other.program)[0] == "MatMul+Mul+Sub"  # the momentum is read by two


def test_a_result_used_twice_is_no_epilogue(check):
    x = tensor("x", shape=(None, 3, 8, 7))
    y = Conv2D()(x, shared(5, 3, 3, 3))
    lowered = check([x], [Relu()(y), y], [random(2, 3, 8, 7)])
    assert "Conv2D" in labels(lowered.program)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axes", [(0, 2, 3), (0,)])
def test_batch_norm_and_its_gradient(check, dtype, axes):
    x = tensor("x", dtype=dtype, shape=(None, 3, 8, 9))
    hidden = convolved(x, 18, dtype)
    kept = tuple(hidden.type.shape[a] for a in range(4) if a not in axes)
    gamma, beta = shared(*kept, dtype=dtype), shared(*kept, dtype=dtype)
    y, mean, variance = BatchNormTraining(axes)(hidden, gamma, beta)
    dy = tensor("dy", dtype=dtype, shape=hidden.type.shape)
    gradients = BatchNormTrainingGrad(axes)(hidden, gamma, mean, variance, dy)
    arrays = [random(5, 3, 8, 9, dtype=dtype), random(5, 18, 6, 7, dtype=dtype)]
    check([x, dy], [y, mean, variance, *gradients], arrays)


@pytest.mark.parametrize(
    "geometry",
    [((2, 2), (2, 2), ((0, 0), (0, 0))), ((3, 3), (2, 2), ((1, 1), (0, 1)))],
)
def test_max_pool_and_its_gradient(check, geometry):
    x = tensor("x", shape=(None, 3, 9, 8))
    hidden = convolved(x, 5)
    y = MaxPool2D(*geometry)(hidden)
    dy = tensor("dy", shape=y.type.shape)
    dx = MaxPool2DGrad(*geometry)(hidden, y, dy)
    arrays = [random(2, 3, 9, 8), random(2, *y.type.shape[1:])]
    check([x, dy], [y, dx], arrays)


def test_sizes_cost_no_kernel(check):
    x = tensor("x", shape=(None, 3))
    flat = reshape(x, (dim(x, 0) * 3,)) + 1.0
    lowered = check([x], [flat], [random(5, 3)])
    assert len(lowered.program.kernels) == 1


def test_sizes_that_must_agree_are_required(lowered):
    x, y = tensor("x", shape=(None,)), tensor("y", shape=(None,))
    requirements = lowered([x, y], [x + y]).program.requirements
    assert len(requirements) == 1


def test_what_depends_on_shared_variables_alone_is_the_prologue(check):
    x, w = tensor("x", shape=(None, 3)), shared(3)
    lowered = check([x], [x * exp(w * 2.0)], [random(5, 3)])
    assert labels(lowered.prologue)
    assert len(lowered.invariants) == 1


def test_an_empty_batch(check):
    x = tensor("x", shape=(None, 3, 8, 7))
    check([x], [convolved(x, 5), x.sum(axis=(0, 2, 3))], [random(0, 3, 8, 7)])


def test_winograd_can_be_forbidden(lowered):
    x = tensor("x", shape=(None, 32, 18, 17))
    y = convolved(x, 32)
    for allowed in (True, False):
        with config.context(winograd=allowed):
            kernels = lowered([x], [y]).program.kernels
        steps = [k.step for k in kernels if isinstance(k.step, ir.Convolution)]
        assert [step.points for step in steps] == [6 if allowed else 0]


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
        rng.integers(0, 4, (2, *pooled_shape[1:])).astype("uint8"),
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


@pytest.mark.parametrize("batch", [0, 1, 40])
def test_images_are_summed_as_they_are_made(batch, check):
    """Sums over the images and the images themselves, in one pass."""
    x = tensor("x", shape=(None, 3, 30, 29))
    y = convolved(x, 16)
    z = exp(y) * y  # read by the sum and by the convolution
    total = z.sum(axis=IMAGES)
    lowered = check([x], [total, y, convolved(z, 5)], [random(batch, 3, 30, 29)])
    assert any(label.startswith("Exp+Mul+Sum") for label in labels(lowered.program))


@pytest.mark.parametrize("change", ["ragged", "output", "other axes"])
def test_images_are_summed_by_themselves(change, check):
    x = tensor("x", shape=(None, 3, 8, 7))
    y = convolved(x, 17 if change == "ragged" else 16)
    z = exp(y) * y
    total = z.sum(axis=(2, 3) if change == "other axes" else IMAGES)
    outputs = [total, z if change == "output" else convolved(z, 5)]
    lowered = check([x], [y, *outputs], [random(2, 3, 8, 7)])
    assert any(label.startswith("Sum") for label in labels(lowered.program))
