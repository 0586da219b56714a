"""Single channels: sums that move along a row, and the gradient of their filters."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.convolution import (
    emit_convolution,
    emit_convolution_backward_data,
    emit_convolution_backward_weights,
)
from codegen.convolution.geometry import forward_axis
from codegen.convolution.residues import backward_axes
from codegen.convolution.slides import steps_of
from codegen.ir import (
    Buffer,
    Convolution,
    ConvolutionBackwardData,
    ConvolutionBackwardWeights,
    Window,
)
from codegen.sizes import symbol
from codegen.target import AVX2, AVX512
from tests.codegen.convolution_cases import (
    TARGETS,
    Case,
    check,
    image,
    run,
)

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
    "a multiplier": Case((9, 18), 2, (7, 9), Window((3, 3), (1, 2), (1, 1), SAME, 9)),
    "plain": Case(
        (18, 18), 2, (5, 13), Window((3, 3), padding=SAME, groups=18), plain_input=True
    ),
}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", CASES)
def test_case(name, target):
    check(CASES[name], target, "float32")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", ["stride, odd", "five by five", "a multiplier"])
def test_doubles(name, target):
    check(CASES[name], target, "float64")


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


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_every_tap_is_read_when_its_output_waits(stride, dilation):
    window = Window((1, 3), (1, stride), (1, dilation), ((0, 0), (2, 1)))
    count = (20 + 3 - 2 * dilation - 1) // stride + 1
    columns = forward_axis(window, 1, 20, count)
    steps = steps_of(forward_axis(window, 0, 1, 1), columns)
    for tap in steps.taps:
        for output in range(count):
            seen = steps.column(tap.ahead, output + tap.delay)
            assert seen == output * stride + tap.number * dilation - 2
            assert 0 <= tap.ahead < stride
    low, high = steps.whole
    for step in range(count + steps.delay):
        inside = all(0 <= steps.column(a, step) < 20 for a in steps.columns)
        assert inside == (low <= step < high)


def test_parts_of_a_gradient_read_the_same_columns():
    window = Window((3, 3), (2, 2), padding=SAME)
    first = [axis.first for axis in backward_axes(window, 1, 4, 8)]
    rows = backward_axes(window, 0, 4, 8)[0]
    for columns in backward_axes(window, 1, 4, 8):
        steps = steps_of(rows, columns, min(first))
        assert all(tap.ahead == 0 for tap in steps.taps)


# --- when -----------------------------------------------------------------------------


def _images(channels, filters=None, stride=1):
    x = image("x", "float32", 2, channels, (8, 14), 16)
    size = (8 - 1) // stride + 1, (14 - 1) // stride + 1
    return x, image("y", "float32", 2, filters or channels, size, 16)


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


def test_short_rows_go_to_tiles():
    window = Window((3, 3), padding=SAME, groups=32)
    packed = Buffer("packed", "float32", (2, 9, 16))
    for width, slides in ((11, False), (12, True), (symbol("w"), True)):
        x, y = (image(n, "float32", 2, 32, (7, width), 16) for n in "xy")
        step = Convolution(x, packed, y, window)
        assert _slides(emit_convolution(step, AVX512)) == slides


def test_rows_of_the_next_sample_are_asked_for_where_planes_are_short():
    dw = Buffer("dw", "float32", (32, 1, 3, 3))
    window = Window((3, 3), padding=SAME, groups=32)
    for size, short in ((14, True), (56, False), (symbol("n"), False)):
        x, y = (image(n, "float32", 2, 32, (size, size), 16) for n in "xy")
        step = ConvolutionBackwardWeights(x, y, dw, window)
        emission = emit_convolution_backward_weights(step, AVX512)
        text = "\n".join(line for p in emission.phases for line in p.lines)
        assert ("__builtin_prefetch(x + " in text) == short


def test_parts_of_a_strided_gradient_slide_as_one():
    dx, dy = _images(32, stride=2)
    packed = Buffer("packed", "float32", (2, 9, 16))
    window = Window((3, 3), (2, 2), padding=SAME, groups=32)
    step = ConvolutionBackwardData(dy, packed, dx, window)
    (phase,) = emit_convolution_backward_data(step, AVX512).phases
    text = "\n".join(phase.lines)
    assert text.count("while (step") == 1
    assert text.count("sg_store_f32") == 8  # four parts: in whole steps and in others


def test_a_plane_is_read_from_one_end_to_the_other():
    x, y = _images(64)
    packed = Buffer("packed", "float32", (4, 9, 16))
    window = Window((3, 3), padding=SAME, groups=64)
    (phase,) = emit_convolution(Convolution(x, packed, y, window), AVX512).phases
    text = "\n".join(phase.lines)
    assert text.index("int64_t band") < text.index("int64_t bundle")
    assert "const int64_t sample = rest;" in text
