"""The decisions about a kernel: tiles, spans, axes, and what is refused."""

from __future__ import annotations

import pytest

from codegen.convolution import (
    emit_convolution,
    emit_convolution_backward_data,
    flops,
    forward,
    strips,
    tiles,
)
from codegen.convolution.geometry import Axis, forward_axis
from codegen.convolution.plan import plan
from codegen.convolution.residues import backward_axes
from codegen.errors import CodegenError
from codegen.ir import Buffer, Convolution, ConvolutionBackwardData, Window
from codegen.sizes import symbol
from codegen.target import AVX2, AVX512, NEON, SSE2
from tests.codegen.convolution_cases import image


def axis(count, taps=3, padding=0):
    window = Window((taps, 1), padding=((padding, padding), (0, 0)))
    return forward_axis(window, 0, count + taps - 1 - 2 * padding, count)


@pytest.mark.parametrize("length", range(1, 40))
def test_even_pieces(length):
    sizes = tiles.even_pieces(length, 14)
    assert sum(sizes) == length
    assert max(sizes) <= 14
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("columns", [40, 42, 16, 88, 7])
def test_a_tiling_covers_all_columns_and_fits_in_registers(columns):
    for target in (AVX512, AVX2):
        _, tiling = tiles.choose(axis(columns), axis(columns), 2, 32, target, True)
        assert tiling.strips[-1].stop == columns
        widest = max(strip.width for strip in tiling.strips) * max(tiling.heights)
        assert tiling.vectors * (widest + 1) < target.registers


def test_small_images_fill_the_registers_with_rows():
    _, tiling = tiles.choose(axis(4, 5), axis(4, 5), 4, 64, AVX512, True)
    assert tiling.heights[0] > 1


@pytest.mark.parametrize("target", [AVX2, SSE2], ids=["avx2", "sse2"])
@pytest.mark.parametrize("one", [(56, 3, 1), (28, 3, 1), (4, 5, 0), (14, 1, 0)])
def test_narrow_vectors_do_not_load_a_number_for_each_product(target, one):
    """One vector by many numbers loads more often than it multiplies and adds."""
    _, tiling = tiles.choose(axis(*one), axis(*one), 8, 64, target, True)
    assert tiling.vectors == 2


def _step(channels, size, target):
    lanes = target.lanes("float32")
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    x = image("x", "float32", 1, channels, (size, size), lanes)
    y = image("y", "float32", 1, 64, (size, size), lanes)
    packed = Buffer("w", "float32", (64 // lanes, 9 * channels, lanes))
    return Convolution(x, packed, y, window)


def _plan(channels, size, target):
    return plan(forward.correlation_of(_step(channels, size, target), target), target)


@pytest.mark.parametrize("target", [AVX2, AVX512, SSE2, NEON], ids=lambda t: t.name)
def test_avx2_has_no_loop_over_the_channels_of_a_chunk(target):
    (phase,) = emit_convolution(_step(32, 14, target), target).phases
    looped = any("channel < " in line for line in phase.lines)
    assert looped == (target is not AVX2)


@pytest.mark.parametrize(
    ("channels", "size", "target", "slices"),
    [(256, 14, AVX2, 11), (64, 14, AVX2, 1), (256, 14, AVX512, 1), (256, 1, AVX2, 1)],
)
def test_many_filters_of_narrow_vectors_are_taken_in_slices(
    channels, size, target, slices
):
    assert _plan(channels, size, target).slices == slices


def test_a_row_of_seven_has_no_register_for_the_last_filters():
    tiling = _plan(64, 7, AVX2).tiling
    assert (tiling.vectors, tiling.strips[0].width, tiling.full) == (2, 7, 6)
    assert _plan(64, 14, AVX2).tiling.strips[0].width < 7
    assert tiles.widest(2, SSE2) == tiles.most_pixels(2, SSE2)


def test_tiles_at_ends_that_see_few_taps_are_the_wide_ones():
    full = axis(20, taps=5, padding=4)
    _, tiling = tiles.choose(full, full, 4, 64, AVX2, True)
    assert [strip.width for strip in tiling.strips] == [6, 4, 6]


def _gradient(size, padding, target):
    """The correlation of the gradient of a 5 by 5 layer's images of ``size``."""
    lanes = target.lanes("float32")
    window = Window((5, 5), padding=((padding, padding),) * 2)
    out = size + 2 * padding - 4
    x = image("x", "float32", 2, 32, (out, out), lanes)
    y = image("y", "float32", 2, 32, (size, size), lanes)
    vectors = 32 // lanes
    packed = Buffer("w", "float32", (vectors, 25 * 32, lanes))
    step = ConvolutionBackwardData(x, packed, y, window)
    (part,) = forward._backward_parts(step, target)
    return part


def test_few_pixels_that_all_taps_see_are_one_tile():
    """At a tap a row of four has but four sums, which would wait for each other."""
    for target, pieces in ((AVX2, (6, 5, 5)), (SSE2, (6, 5, 5)), (AVX512, ())):
        assert plan(_gradient(8, 0, target), target).pieces == pieces


@pytest.mark.parametrize(("size", "padding"), [(12, 0), (8, 1), (4, 2)])
def test_more_pixels_and_other_padding_are_tiles_of_results(size, padding):
    assert plan(_gradient(size, padding, AVX2), AVX2).pieces == ()


def test_spans_are_the_outputs_whose_input_exists():
    padded = axis(9, taps=3, padding=1)
    assert strips.spans(padded, 0, 4) == ((1, 4), (0, 4), (0, 4))
    assert strips.spans(padded, 5, 4) == ((0, 4), (0, 4), (0, 3))
    strided = Axis(5, 9, range(3), first=-2, stride=2, dilation=3)
    for tap, (low, high) in enumerate(strips.spans(strided, 0, 5)):
        inside = [0 <= -2 + 2 * i + 3 * tap < 9 for i in range(5)]
        assert inside == [low <= i < high for i in range(5)]


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_backward_axes_visit_every_pair_once(stride, dilation):
    """Each (position of dx, tap) with its dy, exactly as in the forward pass."""
    window = Window((4, 1), (stride, 1), (dilation, 1), ((2, 1), (0, 0)))
    length = 17
    count = (length + 3 - 3 * dilation - 1) // stride + 1
    expected = {
        (i * stride + t * dilation - 2, t, i)
        for i in range(count)
        for t in range(4)
        if 0 <= i * stride + t * dilation - 2 < length
    }
    found = [
        (one.start + one.step * i, tap, one.first + i + one.dilation * t)
        for one in backward_axes(window, 0, count, length)
        for i in range(one.lengths[0])
        for t, tap in enumerate(one.taps)
    ]
    inside = [triple for triple in found if 0 <= triple[2] < count]
    assert len(inside) == len(set(inside))
    assert set(inside) == expected


def test_flops_of_a_symbolic_batch():
    n = symbol("n0")
    x, y = (
        image("x", "float32", n, 3, (9, 9), 1),
        image("y", "float32", n, 5, (7, 7), 16),
    )
    step = Convolution(x, Buffer("w", "float32", (1, 27, 16)), y, Window((3, 3)))
    assert flops(step) == n * (2 * 49 * 5 * 27)


def _emitted(channels, filters, size, kernel):
    x = image("x", "float32", 2, channels, (size, size), 16)
    out = size - kernel + 1
    y = image("y", "float32", 2, filters, (out, out), 16)
    packed = Buffer("w", "float32", (filters // 16, kernel**2 * channels, 16))
    step = Convolution(x, packed, y, Window((kernel, kernel)))
    (phase,) = emit_convolution(step, AVX512).phases
    return "\n".join(phase.lines)


@pytest.mark.parametrize(
    ("shape", "outermost"),
    [
        ((32, 32, 42, 3), "sample"),  # filters that stay in a cache
        ((1024, 256, 14, 1), "sample"),  # a large image: its bands stay
        ((512, 512, 9, 3), "bundle"),  # a small one, and very large filters: these stay
    ],
)
def test_what_stays_near_is_what_saves_most_memory_traffic(shape, outermost):
    assert f"const int64_t {outermost} = rest;" in _emitted(*shape)


def test_parts_of_a_strided_gradient_are_made_together():
    dy = image("dy", "float32", 2, 32, (8, 8), 16)
    dx = image("dx", "float32", 2, 32, (17, 17), 16)
    packed = Buffer("w", "float32", (2, 9 * 32, 16))
    step = ConvolutionBackwardData(dy, packed, dx, Window((3, 3), (2, 2)))
    (phase,) = emit_convolution_backward_data(step, AVX512).phases
    assert phase.buffers.count(dx.buffer) == 1


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (8, "output block is 1, expected 16"),
        (1, "output block is 1"),
        (4, "block is 4"),
    ],
)
def test_foreign_blocks_are_refused(block, message):
    x = image("x", "float32", 2, 16, (9, 9), 16 if block == 8 else block)
    y = image("y", "float32", 2, 16, (7, 7), 1)
    step = Convolution(x, Buffer("w", "float32", (1, 144, 16)), y, Window((3, 3)))
    with pytest.raises(CodegenError, match=message):
        emit_convolution(step, AVX512)


def test_an_output_beyond_the_input_is_refused():
    x = image("x", "float32", 2, 16, (9, 9), 16)
    y = image("y", "float32", 2, 16, (8, 7), 16)
    step = Convolution(x, Buffer("w", "float32", (1, 144, 16)), y, Window((3, 3)))
    with pytest.raises(CodegenError, match="output 8 reads 1 past input 9"):
        emit_convolution(step, AVX512)
