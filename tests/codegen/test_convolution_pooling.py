"""Convolutions whose results are pooled 2 by 2 before they leave the registers."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.build import build
from codegen.convolution import emit_convolution, flops, packed_shape, winograd
from codegen.errors import CodegenError
from codegen.ir import (
    Buffer,
    Call,
    Convolution,
    Epilogue,
    Kernel,
    Literal,
    PackFilters,
    Program,
    Reorder,
    Result,
    Role,
    Window,
)
from codegen.sizes import symbol
from codegen.target import SSE2
from tests.codegen.convolution_cases import (
    DTYPES,
    TARGETS,
    Case,
    blocked,
    close,
    image,
    quickest,
    reference,
)

CASES = {
    "few channels": Case((3, 16), 2, (12, 22), plain_input=True),
    "ragged": Case((17, 9), 2, (9, 13), open_batch=True),
    "strides": Case((5, 18), 1, (13, 15), Window((3, 2), (2, 1))),
    "padding": Case((6, 7), 2, (7, 9), Window((3, 3), padding=((1, 2), (0, 1)))),
    "groups": Case((32, 64), 1, (7, 9), Window((3, 3), groups=2)),
    "depthwise": Case((20, 20), 1, (7, 9), Window((3, 3), groups=20)),
    "five by five": Case((16, 16), 2, (12, 15), Window((5, 5))),
    "no images": Case((3, 5), 0, (7, 9), open_batch=True),
}


def pooled(y):
    batch, channels, height, width = y.shape
    whole = y[:, :, : height // 2 * 2, : width // 2 * 2]
    pairs = whole.reshape(batch, channels, height // 2, 2, width // 2, 2)
    return pairs.max(axis=(3, 5))


def run(case, target, dtype):
    lanes, window = target.lanes(dtype), case.window
    plain, _ = case.images(dtype, lanes, 1, "")
    block, _ = case.images(dtype, lanes, lanes, "b")
    inputs, outputs = case.channels
    size = tuple(length // 2 for length in case.output)
    y = image("y", dtype, plain.batch, outputs, size, lanes)
    shape = (outputs, inputs // window.groups, *window.kernel)
    filters = Buffer("w", dtype, shape, Role.ARGUMENT)
    packed = Buffer("packed", dtype, packed_shape(window, inputs, outputs, lanes))
    doubled = Epilogue(Call("mul", (Result(dtype), Literal(2, dtype)), dtype))
    x = plain if case.plain_input else block
    step = Convolution(x, packed, y, window, doubled, pool=True)
    steps = [
        Reorder(plain, block),
        PackFilters(filters, packed, window, lanes),
        *quickest(step, target),
    ]
    arguments = (plain.buffer, block.buffer, filters, y.buffer)
    kernels = tuple(Kernel(step, type(step).__name__) for step in steps)
    module = build([Program("p", case.names, arguments, kernels)], target)
    values = [array.astype(dtype) for array in case.arguments[:2]]
    between = blocked(np.zeros_like(values[0]), lanes)
    wanted = 2 * pooled(reference(case)[0])
    out = blocked(np.full_like(wanted, np.nan, dtype), lanes)
    arrays = [values[0], between, values[1], out]
    assert module["p"].run(arrays, case.values, threads=2) == 0
    return out, blocked(wanted, lanes)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_direct_sums(name, dtype, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: np.inf)
    for target in TARGETS:
        assert close(*run(CASES[name], target, dtype), dtype)


@pytest.mark.parametrize("name", ["ragged", "padding", "five by five"])
def test_minimal_filtering(name, monkeypatch):
    monkeypatch.setattr(winograd, "_cost", lambda *_: -1)
    for target in TARGETS:
        found, wanted = run(CASES[name], target, "float32")
        assert np.abs(found - wanted).max() <= 2e-5 * np.abs(wanted).max()


def test_nan_wins():
    case = Case((1, 2), 1, (4, 4), Window((1, 1)))
    case.arguments[0][0, 0, 1, 2] = np.nan
    found, wanted = run(case, TARGETS[0], "float32")
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))


def step_of(height):
    packed = Buffer("w", "float32", packed_shape(Window((3, 3)), 4, 4, 4))
    x = image("x", "float32", 1, 4, (height, 8), 4)
    y = image("y", "float32", 1, 4, ((height - 2) // 2, 3), 4)
    return Convolution(x, packed, y, Window((3, 3)), pool=True)


def test_work_is_that_before_pooling():
    assert flops(step_of(8)) == 2 * 4 * 4 * 9 * 36


def test_sizes_must_be_known():
    with pytest.raises(CodegenError, match="known sizes"):
        emit_convolution(step_of(symbol("h") * 2), SSE2)
