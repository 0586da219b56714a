"""The filters' gradient, from that of pooled results and the places of the maxima."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.convolution import (
    emit_convolution_backward_weights,
    flops,
    takes_places,
)
from codegen.errors import CodegenError
from codegen.ir import (
    Buffer,
    ConvolutionBackwardWeights,
    Kernel,
    Program,
    Reorder,
    Role,
    Window,
)
from codegen.target import AVX2
from tests.codegen.convolution_cases import (
    TARGETS,
    Case,
    blocked,
    close,
    image,
    in_dtypes,
    reference,
)
from tests.effort import effort

CASES = {
    "few channels": Case((3, 16), 2, (12, 22), plain_input=True),
    "many rows": Case((3, 8), 1, (90, 42), plain_input=True),
    "ragged": Case((17, 9), 3, (8, 12), open_batch=True),
    "strides": Case(
        (5, 18), 1, (13, 16), Window((3, 2), (2, 1), padding=((1, 0),) * 2)
    ),
    "padding": Case((6, 7), 2, (7, 9), Window((3, 3), padding=((1, 2), (0, 1)))),
    "groups": Case((32, 64), 1, (8, 6), Window((3, 3), groups=2)),
    "depthwise": Case((20, 20), 1, (8, 10), Window((3, 3), groups=20)),
    "no images": Case((3, 5), 0, (8, 10), open_batch=True),
}


def pooled(case):
    """The gradient of pooled results, the places, and what both say of all results."""
    rng = np.random.default_rng(1)
    batch, channels, height, width = case.arguments[2].shape
    shape = batch, channels, height // 2, width // 2
    dy, places = rng.standard_normal(shape), rng.integers(0, 4, shape)
    whole = np.zeros((batch, channels, height, width))
    for place in range(4):
        part = np.where(places == place, dy, 0)
        whole[:, :, place // 2 : 2 * shape[2] : 2, place % 2 : 2 * shape[3] : 2] = part
    return dy, places.astype("uint8"), whole


def step_of(case, target, dtype):
    """The step, the images before it, and the buffers that the caller gives."""
    lanes, window = target.lanes(dtype), case.window
    plain, _ = case.images(dtype, lanes, 1, "")
    block, _ = case.images(dtype, lanes, lanes, "b")
    inputs, outputs = case.channels
    half = tuple(length // 2 for length in case.output)
    dy = image("dy", dtype, plain.batch, outputs, half, lanes)
    shape = (outputs, inputs // window.groups, *window.kernel)
    dw = Buffer("dw", dtype, shape, Role.ARGUMENT)
    places = Buffer("places", "uint8", dy.buffer.shape, Role.ARGUMENT)
    x = plain if case.plain_input else block
    step = ConvolutionBackwardWeights(x, dy, dw, window, places=places)
    return step, Reorder(plain, block)


def run(case, target, dtype, threads=2, optimized=False):
    """dw as the C gives it."""
    lanes = target.lanes(dtype)
    step, reorder = step_of(case, target, dtype)
    images = reorder.source.buffer, reorder.target.buffer
    arguments = (*images, step.dy.buffer, step.places, step.dw)
    kernels = (Kernel(reorder, "reorder"), Kernel(step, "dw"))
    program = Program("p", case.names, arguments, kernels)
    module = build([program], target, flags=effort(target, dtype, optimized))
    x, (dy, places, _) = case.arguments[0].astype(dtype), pooled(case)
    dw = np.full(case.arguments[1].shape, np.nan, dtype)
    given = [x, blocked(np.zeros_like(x), lanes), blocked(dy.astype(dtype), lanes)]
    given += [blocked(places, lanes), dw]
    assert module["p"].run(given, case.values, threads) == 0
    return dw


@pytest.mark.parametrize(
    ("name", "dtype"), in_dtypes(CASES, ["ragged", "strides", "depthwise"])
)
def test_the_gradient_of_the_filters(name, dtype):
    case = replace(CASES[name])
    x, filters, _ = case.arguments
    case.__dict__["arguments"] = x, filters, pooled(case)[2]
    for target in TARGETS:
        found = run(case, target, dtype, optimized=name == "ragged")
        assert close(found, reference(case)[2], dtype)


def test_threads_do_not_change_a_bit():
    found = [run(CASES["ragged"], TARGETS[0], "float32", n) for n in (1, 2, 4)]
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_work_is_that_of_all_results():
    case = CASES["few channels"]
    step, _ = step_of(case, AVX2, "float32")
    plain = replace(step, dy=case.images("float32", 8, 8, "")[1], places=None)
    assert flops(step) == flops(plain)


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        (CASES["few channels"], True),
        (Case((3, 16), 2, (13, 22)), False),  # an odd row
        (Case((17, 16), 2, (12, 22)), False),  # several passes over dy
        (Case((3, 16), 2, (12, 22), open_size=True), False),
    ],
)
def test_when_it_pays(case, wanted):
    lanes = AVX2.lanes("float32")
    x, dy = case.images("float32", lanes, lanes, "")
    dw = Buffer("dw", "float32", (case.channels[1], case.channels[0], 3, 3))
    step = ConvolutionBackwardWeights(x, dy, dw, case.window)
    assert takes_places(step, AVX2) is wanted


def test_rows_must_be_known():
    step, _ = step_of(CASES["few channels"], AVX2, "float32")
    open_ = replace(step, dy=replace(step.dy, height=sizes.symbol("h")))
    with pytest.raises(CodegenError, match="known"):
        emit_convolution_backward_weights(open_, AVX2)
