"""How the gradient of the filters is cut up, seen in its C. Its values: see
test_convolution.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codegen.convolution import emit_convolution_backward_weights
from codegen.convolution.weight_plan import plan
from codegen.convolution.winograd_weights import cut
from codegen.ir import Buffer, ConvolutionBackwardWeights, Window
from codegen.sizes import evaluate, symbol
from codegen.target import TARGETS
from tests.codegen.convolution_cases import image

AVX512, AVX2, SSE2 = (TARGETS[name] for name in ("avx512", "avx2", "sse2"))


def _step(batch, inputs, outputs, size, kernel, stride=1):
    out = (size - kernel) // stride + 1
    block = 16 if inputs >= 16 else 1
    return ConvolutionBackwardWeights(
        image("x", "float32", batch, inputs, (size, size), block),
        image("dy", "float32", batch, outputs, (out, out), 16),
        Buffer("dw", "float32", (outputs, inputs, kernel, kernel)),
        Window((kernel, kernel), (stride, stride)),
        winograd=False,
    )


def _lines(step):
    phases = emit_convolution_backward_weights(step, AVX512).phases
    return ["\n".join(phase.lines) for phase in phases]


@pytest.mark.parametrize(("batch", "shares"), [(0, 1), (1, 1), (3, 3), (100, 16)])
def test_no_more_shares_than_samples(batch, shares):
    assert plan(_step(batch, 3, 16, 20, 3), AVX512).shares == shares


def test_an_unknown_batch_is_cut_when_it_is_known():
    shares = plan(_step(symbol("n"), 3, 16, 20, 3), AVX512).shares
    assert [evaluate(shares, {"n": n}) for n in (0, 1, 5, 100)] == [1, 1, 5, 16]


def test_one_share_needs_no_second_phase():
    (phase,) = _lines(_step(1, 64, 64, 20, 3))
    assert "sg_sum_shares_f32(dw" in phase


def test_shares_are_added_in_a_phase_of_their_own():
    sums, total = _lines(_step(100, 16, 16, 20, 3))
    assert "sg_sum_shares_f32" not in sums
    assert "sg_sum_shares_f32(dw" in total


def test_the_next_pass_is_asked_for_where_tiles_are_many():
    assert "__builtin_prefetch" in _lines(_step(100, 32, 32, 42, 3, stride=2))[0]


@pytest.mark.parametrize(
    ("target", "batch", "asks"),
    [(AVX2, 100, True), (AVX2, 1, False), (SSE2, 100, False)],
)
def test_three_tiles_ask_where_they_do_little_with_a_line(target, batch, asks):
    """On AVX2 a line is two pixels, on SSE2 four; one image stays in a cache."""
    dy = image("dy", "float32", batch, 16, (88, 88), target.lanes("float32"))
    step = replace(_step(batch, 3, 16, 90, 3), dy=dy)
    assert plan(step, target).tiles_of(3) == 3
    lines = emit_convolution_backward_weights(step, target).phases[0].lines
    assert ("dy_ahead" in "\n".join(lines)) == asks


def test_a_single_tile_asks_for_later_pixels():
    sums = _lines(_step(100, 3, 16, 90, 3))[0]
    assert "__builtin_prefetch(from + " in sums
    assert "_ahead" not in sums


def test_few_tiles_of_one_vector_ask_for_later_pixels():
    step = replace(
        _step(1, 3, 16, 90, 3), dy=image("dy", "float32", 1, 16, (88, 88), 8)
    )
    tile = plan(step, AVX2).tile
    assert (tile.vectors, tile.channels, tile.rows, tile.columns) == (1, 3, 1, 3)
    emission = emit_convolution_backward_weights(step, AVX2)
    assert "__builtin_prefetch(from + 512 + " in "\n".join(emission.phases[0].lines)


@pytest.mark.parametrize(
    ("target", "sizes", "pixels"),
    [
        (AVX2, (1, 64, 128, 57, 3, 2), 4),
        (AVX2, (1, 64, 128, 7, 3, 2), 1),  # three pixels a row
        (AVX2, (1, 3, 64, 229, 7, 2), 1),  # three vectors want one register more
        (AVX512, (1, 64, 128, 57, 3, 2), 1),
        (SSE2, (1, 64, 128, 57, 3, 2), 1),
    ],
)
def test_avx2_writes_out_four_pixels_of_a_row(target, sizes, pixels):
    step = _step(*sizes)
    block = target.lanes("float32")
    x = step.x if step.x.block == 1 else replace(step.x, block=block)
    dy = replace(step.dy, block=block)
    assert plan(replace(step, x=x, dy=dy), target).in_a_row == pixels


def test_neighbours_are_done_at_once_where_registers_are_left():
    def pixels(target, *sizes):
        step = _step(*sizes)
        block = target.lanes("float32")
        x = step.x if step.x.block == 1 else replace(step.x, block=block)
        return plan(replace(step, x=x), target).tile.pixels

    assert pixels(AVX2, 100, 64, 64, 8, 5) == 4
    assert pixels(AVX512, 100, 64, 64, 8, 5) == 1  # numbers cost nothing to load
    assert pixels(AVX2, 100, 32, 32, 42, 3) == 1  # 12 of 16 registers have sums
    assert pixels(AVX2, 100, 64, 64, 8, 5, 2) == 1  # neighbours share few numbers
    assert pixels(AVX2, 100, 64, 64, 8, 1) == 1


def test_a_pass_serves_all_chunks_where_taps_are_few_and_outputs_many():
    (sums,) = _lines(_step(32, 256, 1024, 14, 1))
    assert sums.index("base = start") < sums.index("for (int64_t chunk")
    assert not plan(_step(32, 256, 512, 14, 1), AVX512).through  # too few units
    assert not plan(_step(32, 256, 1024, 14, 3), AVX512).through  # a chunk is enough


def test_numbers_are_spread_for_more_than_one_vector():
    assert plan(_step(100, 32, 32, 42, 3), AVX512).tile.vectors == 2


def test_rows_of_a_large_gradient_are_asked_for_before_they_are_written():
    asked = "__builtin_prefetch(dw + "
    assert asked in _lines(_step(1, 512, 512, 9, 3))[0]
    assert asked not in _lines(_step(100, 16, 16, 20, 3))[0]  # a phase of its own
    assert asked not in _lines(_step(1, 3, 256, 20, 3))[0]  # few tiles to ask


def _is_product(step):
    (phase, *others) = _lines(step)
    return not others and "sg_lay_patch_f32" in phase


def test_few_pixels_are_a_product_of_patches():
    few = _step(1, 64, 64, 8, 5)
    assert _is_product(few)
    assert _is_product(_step(2, 64, 64, 8, 5))
    assert not _is_product(_step(3, 64, 64, 8, 5))  # 48 pixels for 64 channels
    assert not _is_product(_step(0, 64, 64, 8, 5))  # nothing would clear dw
    assert not _is_product(_step(symbol("n"), 64, 64, 8, 5))
    assert not _is_product(_step(1, 72, 64, 8, 5))  # channels in parts of a vector
    assert not _is_product(_step(1, 64, 72, 8, 5))
    assert not _is_product(replace(few, window=replace(few.window, groups=2)))


def _is_quick(*sizes):
    """Whether minimal filtering is chosen, where it may be."""
    step = replace(_step(*sizes), winograd=True)
    phases = emit_convolution_backward_weights(step, AVX512).phases
    return any("winograd" in helper.name for helper in phases[0].helpers)


@pytest.mark.parametrize(
    ("sizes", "quick"),
    [
        ((32, 512, 512, 9, 3), True),
        ((1, 512, 512, 9, 3), False),  # sums at 36 points: 38 MB for one image
        ((1, 256, 256, 16, 3), False),
        ((1, 64, 64, 58, 3), True),
        ((1, 32, 64, 20, 5), True),  # in two shares, of few tiles each
        ((1, 64, 64, 8, 5), False),
    ],
)
def test_minimal_filtering_pays_for_its_sums(sizes, quick):
    assert _is_quick(*sizes) == quick


@pytest.mark.parametrize(
    ("batch", "shares"), [(1, 2), (2, 4), (100, 8), (symbol("n"), 8)]
)
def test_shares_of_minimal_filtering_have_tiles_enough(batch, shares):
    """One image of 16 by 16 outputs has 16 tiles, of which 10 go at once."""
    step = replace(_step(batch, 32, 64, 20, 5), winograd=True)
    kernel = plan(step, AVX512)
    found = cut(step, kernel.rows, kernel.columns, float("inf"), AVX512)
    assert found.shares == shares
