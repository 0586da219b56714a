"""Steps along a row: which products they make, and what they ask for ahead."""

from __future__ import annotations

import pytest

from codegen.convolution import (
    emit_convolution,
    emit_convolution_backward_data,
    emit_convolution_backward_weights,
)
from codegen.convolution.geometry import forward_axis
from codegen.convolution.residues import backward_axes
from codegen.convolution.slides import Steps, steps_of
from codegen.convolution.sweeps import Moment, swept
from codegen.convolution.weight_plan import plan
from codegen.ir import (
    Buffer,
    Convolution,
    ConvolutionBackwardData,
    ConvolutionBackwardWeights,
    Window,
)
from codegen.sizes import symbol
from codegen.target import AVX2, AVX512, SSE2
from tests.codegen.convolution_cases import image

SAME = ((1, 1), (1, 1))
WHERE_X = "__builtin_prefetch(x + "


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


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (0, 1), (2, 3), (5, 4)])
def test_ends_and_middle_make_every_product_once(stride, dilation, padding):
    window = Window((1, 3), (1, stride), (1, dilation), ((0, 0), padding))
    for width in range(1, 21):
        count = (width + sum(padding) - 2 * dilation - 1) // stride + 1
        if count <= 0:
            continue
        columns = forward_axis(window, 1, width, count)
        steps = steps_of(forward_axis(window, 0, 1, 1), columns)
        products = [
            (tap, output)
            for tap in range(3)
            for output in range(count)
            if 0 <= output * stride + tap * dilation - padding[0] < width
        ]
        assert sorted(_products_of(steps)) == products


def _products_of(steps: Steps) -> list[tuple[int, int]]:
    """The taps and outputs of the products that are made along a row."""
    low, high = steps.whole
    span = max(low, steps.delay), min(high, steps.count)
    moments: list[Moment] = []

    def note(moment: Moment) -> list[str]:
        moments.append(moment)
        return []

    swept(span, steps.end, [], note)
    inner = [Moment(at, True, True) for at in range(*span)]
    return [
        (tap.number, moment.step - tap.delay)
        for moment in [*inner, *(one for one in moments if isinstance(one.step, int))]
        for tap in steps.taps
        if moment.asked(steps.column(tap.ahead, moment.step), steps.extent) == []
        and moment.asked(moment.step - tap.delay, steps.count) == []
    ]


def test_what_is_not_known_is_asked():
    width = symbol("w")
    assert Moment(3, False, True).asked(3 - 4, width) is None
    assert Moment(3, False, True).asked(3, width) == ["3 < w"]
    assert Moment(3, True, True).asked(3, width) == []
    assert Moment(symbol("step"), False, True).asked(symbol("step"), 7) == [
        "step >= 0",
        "step < 7",
    ]


def test_parts_of_a_gradient_read_the_same_columns():
    window = Window((3, 3), (2, 2), padding=SAME)
    first = [axis.first for axis in backward_axes(window, 1, 4, 8)]
    rows = backward_axes(window, 0, 4, 8)[0]
    for columns in backward_axes(window, 1, 4, 8):
        steps = steps_of(rows, columns, min(first))
        assert all(tap.ahead == 0 for tap in steps.taps)


# --- as C -----------------------------------------------------------------------------


def _images(channels, stride=1):
    x = image("x", "float32", 2, channels, (8, 14), 16)
    size = (8 - 1) // stride + 1, (14 - 1) // stride + 1
    return x, image("y", "float32", 2, channels, size, 16)


def _text(emission):
    return "\n".join(line for phase in emission.phases for line in phase.lines)


def test_rows_that_pass_by_twos_are_asked_for():
    packed = Buffer("packed", "float32", (2, 9, 16))
    dw = Buffer("dw", "float32", (32, 1, 3, 3))
    for stride in (1, 2):
        x, y = _images(32, stride=stride)
        window = Window((3, 3), (stride, stride), padding=SAME, groups=32)
        forward = emit_convolution(Convolution(x, packed, y, window), AVX512)
        step = ConvolutionBackwardData(y, packed, x, window)
        data = emit_convolution_backward_data(step, AVX512)
        step = ConvolutionBackwardWeights(x, y, dw, window)
        weights = emit_convolution_backward_weights(step, AVX512)
        for emission, written in ((forward, 0), (data, 1), (weights, 0)):
            text = _text(emission)
            assert (WHERE_X in text) == (stride == 2)
            assert (f", {written}, 3);" in text) == (stride == 2)


def test_a_step_asks_for_whole_lines():
    dw = Buffer("dw", "float32", (32, 1, 3, 3))
    window = Window((3, 3), (2, 2), padding=SAME, groups=32)
    for target in (AVX512, AVX2, SSE2):
        lanes = target.lanes("float32")
        x = image("x", "float32", 2, 32, (8, 14), lanes)
        y = image("y", "float32", 2, 32, (4, 7), lanes)
        step = ConvolutionBackwardWeights(x, y, dw, window)
        text = _text(emit_convolution_backward_weights(step, target))
        steps = text.count("gradient[0] = sg_load")
        assert text.count(WHERE_X) == steps * lanes // 4


@pytest.mark.parametrize("batch", [1, 2, 16, symbol("n")])
def test_gradients_of_a_batch_are_summed_plane_by_plane(batch):
    dw = Buffer("dw", "float32", (32, 1, 3, 3))
    window = Window((3, 3), padding=SAME, groups=32)
    x, y = (image(n, "float32", batch, 32, (8, 14), 16) for n in "xy")
    step = ConvolutionBackwardWeights(x, y, dw, window)
    kernel = plan(step, AVX512)
    assert kernel.across == (batch not in (1, 2))
    text = _text(emit_convolution_backward_weights(step, AVX512))
    inside = text.index("int64_t bundle") > text.index("int64_t base")
    assert inside == kernel.across


def test_a_plane_is_read_from_one_end_to_the_other():
    x, y = _images(64)
    packed = Buffer("packed", "float32", (4, 9, 16))
    window = Window((3, 3), padding=SAME, groups=64)
    (phase,) = emit_convolution(Convolution(x, packed, y, window), AVX512).phases
    text = "\n".join(phase.lines)
    assert text.index("int64_t band") < text.index("int64_t bundle")
    assert "const int64_t sample = rest;" in text
