"""Single channels: sums that move along a row, and the gradient of their filters."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.convolution import (
    emit_convolution,
    emit_convolution_backward_data,
    emit_convolution_backward_weights,
)
from codegen.ir import (
    Buffer,
    Convolution,
    ConvolutionBackwardData,
    ConvolutionBackwardWeights,
    Window,
)
from codegen.sizes import symbol
from codegen.target import AVX2, AVX512, SSE2
from tests.codegen.convolution_cases import TARGETS, Case, image
from tests.codegen.convolution_runs import check, run

SAME = ((1, 1), (1, 1))
CASES = {
    "five by five": Case(
        (18, 18), 2, (6, 14), Window((5, 5), padding=((2, 2), (2, 2)), groups=18)
    ),
    "one tap": Case((18, 18), 2, (3, 13), Window((1, 1), groups=18)),
    "dilation": Case(
        (18, 18), 1, (7, 15), Window((3, 3), (1, 1), (2, 3), ((2, 1), (4, 2)), 18)
    ),
    "stride and dilation": Case(
        (18, 18), 1, (11, 13), Window((3, 2), (2, 3), (3, 2), SAME, 18)
    ),
    "stride, odd": Case((18, 18), 2, (7, 9), Window((3, 3), (2, 2), (1, 1), SAME, 18)),
    "stride, lopsided": Case(
        (18, 18), 2, (8, 10), Window((3, 3), (2, 2), (1, 1), ((0, 1), (0, 1)), 18)
    ),
    "stride beyond the window": Case(
        (18, 18), 1, (9, 13), Window((2, 2), (3, 4), groups=18)
    ),
    "fewer columns than wait": Case(
        (18, 18), 2, (2, 3), Window((3, 3), (2, 2), padding=SAME, groups=18)
    ),
    "short rows": Case((18, 18), 9, (2, 1), Window((3, 3), padding=SAME, groups=18)),
    "all of a row is ends": Case(
        (18, 18), 2, (5, 4), Window((3, 3), padding=SAME, groups=18)
    ),
    "stride of three": Case(
        (18, 18), 2, (10, 20), Window((3, 3), (3, 3), padding=SAME, groups=18)
    ),
    "five by five, stride": Case(
        (18, 18),
        2,
        (9, 17),
        Window((5, 5), (2, 2), padding=((2, 2), (2, 2)), groups=18),
    ),
    "shares of a batch": Case(
        (18, 18), 19, (4, 7), Window((3, 3), padding=SAME, groups=18)
    ),
    "nothing but padding": Case(
        (18, 18), 1, (2, 5), Window((3, 3), padding=((5, 4), (3, 6)), groups=18)
    ),
    "no batch": Case(
        (18, 18), 0, (5, 13), Window((3, 3), padding=SAME, groups=18), open_batch=True
    ),
    "sizes known at the call": Case(
        (18, 18),
        2,
        (7, 9),
        Window((3, 3), (2, 1), (1, 1), SAME, 18),
        open_batch=True,
        open_size=True,
    ),
    "all taps in the padding": Case(
        (17, 17), 3, (20, 1), Window((2, 3), (2, 2), (1, 2), ((0, 0), (5, 5)), 17)
    ),
    "a multiplier": Case((9, 18), 2, (7, 9), Window((3, 3), (1, 2), (1, 1), SAME, 9)),
    "plain": Case(
        (18, 18), 2, (5, 13), Window((3, 3), padding=SAME, groups=18), plain_input=True
    ),
}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", CASES)
def test_case(name, target):
    check(CASES[name], target, "float32", optimized=True, among=CASES.values())


DOUBLES = "stride, odd", "five by five", "a multiplier", "shares of a batch"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", DOUBLES)
def test_doubles(name, target):
    check(CASES[name], target, "float64", among=[CASES[each] for each in DOUBLES])


@pytest.mark.parametrize("name", ["shares of a batch", "five by five, stride"])
def test_threads_do_not_change_a_bit(name):
    one, *others = (
        run(CASES[name], TARGETS[0], "float32", threads, among=CASES.values())
        for threads in (1, 2, 3)
    )
    for other in others:
        assert all(map(np.array_equal, one, other))


def test_what_lies_beyond_the_edges_makes_no_products():
    """An infinity at the edge of x meets no zero: only windows that see it feel it."""
    case = Case((18, 18), 1, (5, 15), Window((3, 3), groups=18))
    x, _, dy = case.arguments
    x[:, :, 0, 0] = np.inf
    dy[...] = abs(dy)
    y, _, dw = run(case, TARGETS[0], "float32")
    assert not np.isnan(dw).any()
    assert np.isinf(dw[:, 0, 0, 0]).all()
    assert np.isfinite(dw[:, 0].reshape(18, 9)[:, 1:]).all()
    assert np.isfinite(y[..., 1:, :, :]).all()


# --- when -----------------------------------------------------------------------------


def _slides(emission):
    return "step++" in "\n".join(line for p in emission.phases for line in p.lines)


@pytest.mark.parametrize(
    ("kernel", "groups", "target", "slides"),
    [
        (3, 32, AVX512, True),
        (3, 32, AVX2, True),
        (5, 32, AVX512, True),
        (5, 32, AVX2, False),  # filters do not fit in registers
        (7, 32, AVX512, False),
        (3, 16, AVX512, False),  # two channels for each lane
        (3, 1, AVX512, False),
    ],
)
def test_single_channels_slide_where_registers_hold_the_filters(
    kernel, groups, target, slides
):
    pad = (kernel // 2, kernel // 2)
    window = Window((kernel, kernel), padding=(pad, pad), groups=groups)
    lanes = target.lanes("float32")
    x, y = (image(n, "float32", 2, 32, (8, 14), lanes) for n in "xy")
    packed = Buffer("packed", "float32", (32 // lanes, 49 * 32, lanes))
    step = Convolution(x, packed, y, window)
    assert _slides(emit_convolution(step, target)) == slides
    dw = Buffer("dw", "float32", (32, 32 // groups, kernel, kernel))
    step = ConvolutionBackwardWeights(x, y, dw, window)
    assert _slides(emit_convolution_backward_weights(step, target)) == slides


@pytest.mark.parametrize("kernel", [3, 5])
def test_short_rows_of_many_taps_go_to_tiles(kernel):
    pad = (kernel // 2, kernel // 2)
    window = Window((kernel, kernel), padding=(pad, pad), groups=32)
    packed = Buffer("packed", "float32", (2, kernel**2, 16))
    for width, slides in ((11, kernel == 3), (12, True), (symbol("w"), True)):
        x, y = (image(n, "float32", 2, 32, (7, width), 16) for n in "xy")
        step = Convolution(x, packed, y, window)
        assert _slides(emit_convolution(step, AVX512)) == slides


@pytest.mark.parametrize("target", [AVX512, AVX2, SSE2], ids=lambda t: t.name)
def test_parts_of_a_strided_gradient_slide_as_one(target):
    lanes = target.lanes("float32")
    dx = image("x", "float32", 2, 32, (8, 14), lanes)
    dy = image("y", "float32", 2, 32, (4, 7), lanes)
    packed = Buffer("packed", "float32", (32 // lanes, 9, lanes))
    window = Window((3, 3), (2, 2), padding=SAME, groups=32)
    step = ConvolutionBackwardData(dy, packed, dx, window)
    (phase,) = emit_convolution_backward_data(step, target).phases
    text = "\n".join(phase.lines)
    assert text.count("for (int64_t step = 1; step < 7; step++)") == 2  # one row less
    assert text.count("sg_store_f32") == 2 * 4 * 2  # in the middle, at both ends
    assert "while (step" not in text
