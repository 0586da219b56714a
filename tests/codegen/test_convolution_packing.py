"""Packing filters and reordering images: C and NumPy give the same bits."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from codegen.build import build
from codegen.convolution import pack_filters, packed_shape
from codegen.errors import CodegenError
from codegen.ir import Buffer, Kernel, PackFilters, Program, Reorder, Role, Window
from codegen.target import SSE2
from tests.codegen.convolution_cases import TARGETS, blocked, image

WINDOWS = {
    "plain": Window((3, 5)),
    "stride": Window((3, 5), (2, 3)),
    "stride and dilation": Window((4, 3), (2, 3), (3, 2)),
    "stride divides dilation": Window((3, 3), (2, 2), (2, 4)),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_c_packs_as_numpy(name):
    """For several groups and vector widths, forward and transposed, in one program."""
    steps, arrays, expected = [], {}, []
    choices = itertools.product((1, 2, 7), (4, 8, 16), (False, True))
    for number, (groups, lanes, transposed) in enumerate(choices):
        window = replace(WINDOWS[name], groups=groups)
        inputs, outputs = 5 * groups, 9 * groups
        plain = np.ones((outputs, 5, *window.kernel), np.float32)
        plain += np.arange(plain.size).reshape(plain.shape)
        shape = packed_shape(window, inputs, outputs, lanes, transposed)
        source = Buffer(f"a{number}", "float32", plain.shape, Role.ARGUMENT)
        packed = Buffer(f"b{number}", "float32", shape, Role.ARGUMENT)
        steps.append(PackFilters(source, packed, window, lanes, transposed))
        arrays[source], arrays[packed] = plain, np.full(shape, np.nan, np.float32)
        expected.append((packed, pack_filters(plain, window, lanes, transposed)))
        assert np.count_nonzero(expected[-1][1]) == plain.size
    kernels = tuple(Kernel(step, "pack") for step in steps)
    program = Program("p", (), tuple(arrays), kernels)
    assert build([program])["p"].run(list(arrays.values())) == 0
    for packed, values in expected:
        np.testing.assert_array_equal(arrays[packed], values)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
@pytest.mark.parametrize("channels", [1, 3, 16, 35])
def test_reorder_there_and_back(channels, dtype):
    """In blocks of a width that is a vector's on some machines only."""
    there_and_back(channels, dtype, 8, None)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_squares_are_turned(target, dtype):
    """Blocks are vectors, the last one not full; 35 pixels are no whole squares."""
    lanes = target.lanes(dtype)
    for channels in (1, lanes, 2 * lanes + 3):
        there_and_back(channels, dtype, lanes, target)


def test_nothing_is_reordered_of_no_samples():
    there_and_back(3, "float32", 4, SSE2, batch=0)


def there_and_back(channels, dtype, lanes, target, batch=2):
    rng = np.random.default_rng(0)
    plain = (rng.random((batch, channels, 5, 7)) * 9).astype(dtype)
    shapes = [batch, channels, (5, 7)]
    first, second = image("a", dtype, *shapes, 1), image("b", dtype, *shapes, lanes)
    third, fourth = image("c", dtype, *shapes, lanes), image("d", dtype, *shapes, 1)
    steps = (Reorder(first, second), Reorder(second, third), Reorder(third, fourth))
    buffers = tuple(i.buffer for i in (first, second, third, fourth))
    program = Program("p", (), buffers, tuple(Kernel(s, "r") for s in steps))
    arrays = [np.ones(buffer.shape, dtype) for buffer in buffers]
    arrays[0] = plain
    assert build([program], target)["p"].run(arrays) == 0
    np.testing.assert_array_equal(arrays[1], blocked(plain, lanes))
    np.testing.assert_array_equal(arrays[2], arrays[1])
    np.testing.assert_array_equal(arrays[3], plain)


def test_wrong_packed_shape_is_refused():
    window = Window((3, 3))
    plain, packed = Buffer("a", "float32", (5, 3, 3, 3)), Buffer("b", "float32", (1, 2))
    step = PackFilters(plain, packed, window, 4)
    program = Program("p", (), (plain, packed), (Kernel(step, "pack"),))
    with pytest.raises(CodegenError, match=r"packed shape is \(1, 2\), expected"):
        build([program], SSE2)


def test_reorder_of_different_images_is_refused():
    step = Reorder(
        image("a", "float32", 2, 3, (5, 7), 1), image("b", "float32", 2, 3, (7, 5), 4)
    )
    program = Program("p", (), (), (Kernel(step, "reorder"),))
    with pytest.raises(CodegenError, match="reorder: source is"):
        build([program], SSE2)
