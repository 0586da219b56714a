"""What convolutions ask memory for ahead of time, seen in their C. That it changes no
result, every other test of convolutions shows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from codegen.convolution import (
    emit_convolution,
    emit_convolution_backward_weights,
    packed_shape,
    transformed_shape,
)
from codegen.ir import Buffer, Convolution, ConvolutionBackwardWeights, Window
from codegen.sizes import symbol
from codegen.target import TARGETS
from tests.codegen.convolution_cases import image

AVX512 = TARGETS["avx512"]
ASKED = re.compile(r"__builtin_prefetch\((\w+) .*, ([01]), [23]\);")
LOOKED_AHEAD = re.compile(r"sg_look_ahead\(&ahead, (\w+)")


def _asked(emission):
    """The buffers asked for, each with whether it is to be written."""
    return {(name, write == "1") for name, write in ASKED.findall(_text(emission))}


def _text(emission):
    return "\n".join(line for phase in emission.phases for line in phase.lines)


def _direct(inputs, size, kernel=3, outputs=16, batch=2):
    block = 16 if inputs >= 16 else 1
    out = size - kernel + 1
    window = Window((kernel, kernel))
    shape = packed_shape(window, inputs, outputs, 16)
    return Convolution(
        image("x", "float32", batch, inputs, (size, size), block),
        Buffer("w", "float32", shape),
        image("y", "float32", batch, outputs, (out, out), 16),
        window,
    )


@pytest.mark.parametrize(("inputs", "size"), [(3, 90), (32, 42)])
def test_direct_sums_ask_for_the_next_band(inputs, size):
    found = _asked(emit_convolution(_direct(inputs, size), AVX512))
    assert found == {("x", False), ("y", True)}


def test_sizes_that_are_not_known_are_not_asked_for():
    assert _asked(emit_convolution(_direct(16, symbol("h")), AVX512)) == set()


def test_an_unknown_batch_makes_no_difference():
    step = _direct(3, 90, batch=symbol("n"))
    assert _asked(emit_convolution(step, AVX512)) == {("x", False), ("y", True)}


def test_too_much_is_not_asked_for():
    """With one tap over many channels there are few multiply-adds for each line."""
    assert _asked(emit_convolution(_direct(512, 14, 1), AVX512)) == set()


@pytest.mark.parametrize("points", [6, 8])
def test_minimal_filtering_asks_for_results_and_the_next_tiles(points):
    direct = _direct(32, 42)
    shape = transformed_shape(direct.filters.shape, (3, 3), points)
    step = replace(direct, filters=Buffer("w", "float32", shape), points=points)
    text = _text(emit_convolution(step, AVX512))
    assert LOOKED_AHEAD.findall(text) == ["y", "x"]
    assert ".ahead = &ahead" in text


@pytest.mark.parametrize("winograd", [False, True])
def test_filter_gradients_ask_for_both_operands(winograd):
    x = image("x", "float32", 100, 32, (42, 42), 16)
    dy = image("dy", "float32", 100, 32, (40, 40), 16)
    dw = Buffer("dw", "float32", (32, 32, 3, 3))
    step = ConvolutionBackwardWeights(x, dy, dw, Window((3, 3)), winograd)
    emission = emit_convolution_backward_weights(step, AVX512)
    if winograd:
        assert LOOKED_AHEAD.findall(_text(emission)) == ["x", "dy"]
    else:
        assert {name for name, _ in _asked(emission)} == {"x", "from"}
