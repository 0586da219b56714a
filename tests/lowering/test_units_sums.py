"""Which convolutions take the statistics of their results on the way."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import ir
from symgraph.ops import Relu, exp, tensor
from symgraph.ops.affine import AddBias
from symgraph.ops.batch_norm import BatchNormTraining, BatchNormTrainingGrad
from symgraph.ops.conv import Conv2D, Conv2DBackwardData
from symgraph.ops.moments import Moments, PairedSums
from symgraph.ops.pool import MaxPool2D
from tests.lowering.graphs import convolved, labels, random, shared

AXES = (0, 2, 3)
WIDE = (3, 50, 71)


def images():
    return tensor("x", shape=(None, *WIDE))


def sums_of(lowered):
    """Whether each convolution forward or to the data takes sums."""
    kinds = ir.Convolution | ir.ConvolutionBackwardData
    steps = [k.step for k in lowered.program.kernels if isinstance(k.step, kinds)]
    return [bool(step.epilogue and step.epilogue.sums) for step in steps]


@pytest.mark.parametrize("batch", [2, 0])
@pytest.mark.parametrize("outputs", [5, 16])
def test_moments_of_results(outputs, batch, check):
    x = images()
    y = convolved(x, outputs)
    if not batch:
        y = MaxPool2D((2, 2), (2, 2))(y) * 2.0
    mean, variance = Moments(AXES)(y)
    wanted = [y, mean * 2.0, variance]
    with np.errstate(invalid="ignore"):
        lowered = check([x], wanted, [random(batch, *WIDE)])
    assert sums_of(lowered) == [True]
    assert not any(label.startswith("Moments") for label in labels(lowered.program))


def test_moments_of_pooled_results_that_nobody_else_reads(check):
    x = images()
    y = MaxPool2D((2, 2), (2, 2))(Relu()(Conv2D()(x, shared(16, 3, 3, 3))))
    lowered = check([x], list(Moments(AXES)(y)), [random(2, *WIDE)])
    assert sums_of(lowered) == [True]
    (step,) = (k.step for k in lowered.program.kernels if hasattr(k.step, "pool"))
    assert step.pool is not None


@pytest.mark.parametrize("outputs", [5, 16])
@pytest.mark.parametrize("stride", [1, 2])
def test_paired_sums_of_a_gradient(stride, outputs, check):
    """The gradient of BN between two convolutions: centred images are not stored."""
    x = images()
    y = convolved(x, outputs)
    size = tuple(y.type.shape[2:])
    filters = shared(7, outputs, 3, 3)
    dy = Conv2D(stride=(stride, stride))(y, filters)
    d = Conv2DBackwardData(size=size, stride=(stride, stride))(dy, filters)
    gamma, (mean, variance) = shared(outputs), Moments(AXES)(y)
    dx, *more = BatchNormTrainingGrad(AXES)(y, gamma, mean, variance, d)
    lowered = check([x], [dx, *more], [random(2, *WIDE)])
    assert sums_of(lowered) == [True, False, True]
    assert not any(label.startswith("PairedSums") for label in labels(lowered.program))


def test_training_normalization_is_fused(check):
    x, beta = images(), shared(16)
    y, mean, variance = BatchNormTraining(AXES)(convolved(x, 16), shared(16), beta)
    z = Conv2D()(y, shared(8, 16, 3, 3))
    lowered = check([x], [z, mean, variance], [random(3, *WIDE)])
    assert sums_of(lowered) == [True, False]


def test_sums_with_what_comes_of_the_results_stand_alone(check):
    """Their other operand needs the image that the convolution makes."""
    x = images()
    y = convolved(x, 16)
    z = Conv2D(padding=((1, 1), (1, 1)))(y, shared(16, 16, 3, 3))
    lowered = check([x], [y, *PairedSums(AXES)(y, z)], [random(2, *WIDE)])
    assert sums_of(lowered) == [False, False]
    assert "PairedSums(axes=(0, 2, 3))" in labels(lowered.program)


def test_sums_over_other_axes_stand_alone(check):
    x = images()
    y = convolved(x, 16)
    lowered = check([x], [y, *Moments((0,))(y)], [random(2, *WIDE)])
    assert sums_of(lowered) == [False]


def test_small_images_are_read_again(check):
    x = tensor("x", shape=(None, 3, 6, 7))
    y = convolved(x, 16)
    lowered = check([x], [y, *Moments(AXES)(y)], [random(2, 3, 6, 7)])
    assert sums_of(lowered) == [False]


def test_images_of_any_size_are_read_again(check):
    x = tensor("x", shape=(None, 3, None, 71))
    y = Conv2D()(x, shared(16, 3, 3, 3))
    lowered = check([x], [y, *Moments(AXES)(y)], [random(2, *WIDE)])
    assert sums_of(lowered) == [False]


def test_what_vectors_cannot_do_is_read_again(check):
    """exp goes lane by lane, in the epilogue or in what is summed with it."""
    x = images()
    y = exp(Conv2D()(x, shared(16, 3, 3, 3)) * 0.1)
    z = Conv2D(padding=((1, 1), (1, 1)))(x, shared(16, 3, 5, 5))
    other = tensor("other", shape=(None, 16, 48, 69))
    lowered = check(
        [x, other],
        [y, *Moments(AXES)(y), *PairedSums(AXES)(z, exp(other))],
        [random(2, *WIDE), random(2, 16, 48, 69)],
    )
    assert sums_of(lowered) == [False, False]


def test_one_statistic_is_enough_for_a_kernel(check):
    x, other = images(), tensor("other", shape=(None, 16, 48, 69))
    y = AddBias(AXES)(Conv2D()(x, shared(16, 3, 3, 3)), shared(16))
    both = [*Moments(AXES)(y), *PairedSums(AXES)(y, other)]
    arrays = [random(2, *WIDE), random(2, 16, 48, 69)]
    assert sums_of(check([x, other], [y, *both], arrays)) == [True]
