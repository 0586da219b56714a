"""Which convolutions had better pool their own results."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.convolution import packed_shape, pools_faster
from codegen.ir import Buffer, Convolution, Pooling, Window
from codegen.sizes import symbol
from codegen.target import TARGETS
from tests.codegen import test_pool
from tests.codegen.convolution_cases import Case, image

ONE = ((1, 1), (1, 1))
STEM = Pooling((3, 3), (2, 2), ONE)
LARGE = Window((7, 7), (2, 2), padding=((3, 3), (3, 3)))
SAME = Window((3, 3), padding=ONE)


def pays(channels, size, window, pooling, batch, target, quick=True):
    """Whether a convolution of images of ``size`` pools by itself."""
    lanes = target.lanes("float32")
    case = Case(channels, batch, size, window)
    block = 1 if channels[0] < lanes else lanes
    x, _ = case.images("float32", lanes, block, "")
    _, whole = case.images("float32", lanes, lanes, "")
    rows = test_pool.wanted(np.zeros((1, 1, *case.output)), pooling)[0].shape[2:]
    y = image("pooled", "float32", batch, channels[1], rows, lanes)
    packed = Buffer("w", "float32", packed_shape(window, *channels, lanes))
    step = Convolution(x, packed, y, window, pool=pooling)
    return pools_faster(step, whole, target, quick, True)


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
@pytest.mark.parametrize("batch", [1, 32])
def test_large_images_after_few_channels_pay(target, batch):
    assert pays((3, 64), (224, 224), LARGE, STEM, batch, target)


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
@pytest.mark.parametrize("batch", [1, 32])
def test_whole_images_pay(target, batch):
    whole = Pooling((7, 7), (7, 7), mean=True)
    assert pays((512, 96), (7, 7), Window((1, 1)), whole, batch, target)


def test_small_images_of_which_much_is_computed_twice_do_not():
    for target in TARGETS.values():
        assert not pays((64, 8), (40, 5), SAME, Pooling((5, 5), (1, 1)), 1, target)


def test_rows_computed_twice_pay_where_samples_are_not_near():
    """Bands of minimal filtering are whole tiles; many samples keep what is shared."""
    target, size, batch = TARGETS["avx512"], (56, 56), symbol("n")
    for number, answer in ((1, False), (32, True), (batch, False)):
        assert pays((64, 64), size, SAME, STEM, number, target) == answer
    assert pays((64, 192), size, SAME, STEM, batch, target)


def test_bands_that_fit_no_cache_do_not():
    whole = Pooling((400, 400), (400, 400), mean=True)
    for target in TARGETS.values():
        assert not pays((64, 64), (400, 400), SAME, whole, 1, target)
        assert not pays((64, 64), (400, 400), SAME, whole, 1, target, quick=False)


def test_windows_of_two_by_two_always_do():
    for target in TARGETS.values():
        assert pays((64, 8), (40, 6), SAME, Pooling((2, 2), (2, 2)), 1, target)
