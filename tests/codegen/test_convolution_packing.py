"""Packing filters and reordering images: C and NumPy give the same bits."""

from __future__ import annotations

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


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("groups", [1, 2, 7])
@pytest.mark.parametrize("name", WINDOWS)
def test_c_packs_as_numpy(name, groups, transposed):
    window = WINDOWS[name]
    window = Window(window.kernel, window.stride, window.dilation, groups=groups)
    inputs, outputs = 5, 9
    plain = np.arange(outputs * groups * inputs * 15.0, dtype=np.float32)[
        : outputs * groups * inputs * window.kernel[0] * window.kernel[1]
    ]
    plain = np.resize(plain, (outputs * groups, inputs, *window.kernel)) + 1
    for target in TARGETS:
        lanes = target.lanes("float32")
        shape = packed_shape(
            window, inputs * groups, outputs * groups, lanes, transposed
        )
        source = Buffer("source", "float32", plain.shape, Role.ARGUMENT)
        packed = Buffer("packed", "float32", shape, Role.ARGUMENT)
        step = PackFilters(source, packed, window, lanes, transposed)
        program = Program("p", (), (source, packed), (Kernel(step, "pack"),))
        out = np.full(shape, np.nan, np.float32)
        assert build([program], target)["p"].run([plain, out]) == 0
        np.testing.assert_array_equal(
            out, pack_filters(plain, window, lanes, transposed)
        )
        assert np.count_nonzero(out) == plain.size


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
@pytest.mark.parametrize("channels", [1, 3, 16, 35])
def test_reorder_there_and_back(channels, dtype):
    lanes = 8
    rng = np.random.default_rng(0)
    plain = (rng.random((2, channels, 5, 7)) * 9).astype(dtype)
    shapes = [2, channels, (5, 7)]
    first, second = image("a", dtype, *shapes, 1), image("b", dtype, *shapes, lanes)
    third, fourth = image("c", dtype, *shapes, lanes), image("d", dtype, *shapes, 1)
    steps = (Reorder(first, second), Reorder(second, third), Reorder(third, fourth))
    buffers = tuple(i.buffer for i in (first, second, third, fourth))
    program = Program("p", (), buffers, tuple(Kernel(s, "r") for s in steps))
    arrays = [np.ones(buffer.shape, dtype) for buffer in buffers]
    arrays[0] = plain
    assert build([program])["p"].run(arrays) == 0
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
