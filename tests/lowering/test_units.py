"""What becomes one kernel, and that the kernels compute what NumPy does."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import symgraph.ops
from codegen import ir
from symgraph.graph import Op
from symgraph.graph.config import config
from symgraph.lowering.readers import READERS
from symgraph.lowering.table import EPILOGUES, EXPANSIONS, LOWERINGS
from symgraph.ops import Relu, exp, reshape, tanh, tensor
from symgraph.ops.affine import Affine
from symgraph.ops.batch_norm import BatchNormTraining, BatchNormTrainingGrad
from symgraph.ops.conv import Conv2D
from symgraph.ops.pool import MaxPool2D, MaxPool2DGrad
from symgraph.ops.shape import dim
from symgraph.ops.special import sigmoid
from tests.lowering.graphs import IMAGES, convolved, labels, random, shared

SHAPES = ((7, None), (None, 3), (7, 3), (7, 3))


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


def sigmoid_layer(outputs_too=()):
    """The gradient of a sigmoid between two products, by the first one's weights."""
    x, w, v = (tensor(n, shape=s) for n, s in zip("xwv", SHAPES[1:], strict=True))
    h = sigmoid(x @ w.T)
    slope = h * (1 - h)
    back = ((h @ v) @ v.T) * slope
    outputs = [back.T @ x, *({"slope": slope}[name] for name in outputs_too)]
    return [x, w, v], outputs, [random(5, 3), random(7, 3), random(7, 3)]


def test_a_slope_is_computed_where_it_is_used(check):
    found = labels(check(*sigmoid_layer()).program)
    assert "MatMul+Sigmoid" in found and "MatMul+Sub+Mul+Mul" in found


def test_a_slope_that_is_wanted_is_stored_with_its_sigmoid(check):
    found = labels(check(*sigmoid_layer(["slope"])).program)
    assert not any(label.startswith("MatMul+Sub") for label in found)


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
