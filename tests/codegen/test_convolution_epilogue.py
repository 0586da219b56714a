"""Epilogues: in vectors, in lanes, and the zeros after the last channel."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.build import build
from codegen.convolution import pack_filters, packed_shape
from codegen.convolution.vector_text import vector_text
from codegen.ir import (
    Buffer,
    Call,
    Convolution,
    Epilogue,
    Kernel,
    Literal,
    Load,
    Program,
    Result,
    Role,
    Window,
)
from codegen.sizes import symbol
from tests.codegen.convolution_cases import TARGETS, Case, blocked, close, reference
from tests.effort import effort

CASE = Case((3, 21), 2, (7, 9), Window((3, 2), padding=((1, 1), (0, 0))))
SINGLE = Case((21, 21), 2, (5, 14), Window((3, 2), padding=((1, 1), (0, 0)), groups=21))


def call(function, *arguments, dtype="float32"):
    return Call(function, arguments, dtype)


def operands(lanes, shape):
    """A number for each channel, one for the whole, one for each output."""
    bias = Buffer("bias", "float32", (shape[1] * lanes,), Role.ARGUMENT)
    scale = Buffer("scale", "float32", (1,), Role.ARGUMENT)
    other = Buffer("other", "float32", shape, Role.ARGUMENT)
    n, block, y, x, lane = map(symbol, ("n", "block", "y", "x", "lane"))
    pixel = ((n * shape[1] + block) * shape[2] + y) * shape[3] + x
    return (
        Load(bias, block * lanes + lane),
        Load(scale, 0),
        Load(other, pixel * lanes + lane),
    )


def zero():
    return Literal(0.0, "float32")


EPILOGUES = {
    "bias, relu": (
        lambda r, b, s, o: call("maximum", call("add", r, b), zero()),
        lambda r, b, s, o: np.maximum(r + b, 0),
    ),
    "affine": (
        lambda r, b, s, o: call("add", call("mul", r, s), b),
        lambda r, b, s, o: r * s + b,
    ),
    "residual": (
        lambda r, b, s, o: call("add", r, o),
        lambda r, b, s, o: r + o,
    ),
    "mask of relu": (
        lambda r, b, s, o: call(
            "where", call("gt", o, zero(), dtype="bool"), r, zero()
        ),
        lambda r, b, s, o: np.where(o > 0, r, 0),
    ),
    "chain": (
        lambda r, b, s, o: call(
            "minimum", call("square", call("sub", r, b)), call("neg", call("div", o, s))
        ),
        lambda r, b, s, o: np.minimum((r - b) ** 2, -(o / s)),
    ),
    "mask as a number": (
        lambda r, b, s, o: call("mul", r, call("cast", call("le", o, b, dtype="bool"))),
        lambda r, b, s, o: r * (o <= b),
    ),
    "lane by lane": (
        lambda r, b, s, o: call("sqrt", call("abs", call("add", r, b))),
        lambda r, b, s, o: np.sqrt(np.abs(r + b)),
    ),
    "not zero at zero": (
        lambda r, b, s, o: call("add", r, Literal(1.0, "float32")),
        lambda r, b, s, o: r + 1,
    ),
    "not zero at zero, lane by lane": (
        lambda r, b, s, o: call("floor", call("add", r, Literal(9.0, "float32"))),
        None,
    ),
}


def run(epilogue, target, x, filters, extra, case=CASE):
    """The blocked output of a case with an epilogue."""
    lanes = target.lanes("float32")
    image, out = (
        case.images("float32", lanes, 1, "")[0],
        case.images("float32", lanes, lanes, "out")[1],
    )
    shape = packed_shape(case.window, *case.channels, lanes)
    packed = Buffer("packed", "float32", shape, Role.ARGUMENT)
    step = Convolution(image, packed, out, case.window, epilogue)
    given = [load.buffer for load in operands(lanes, out.buffer.shape)]
    arguments = (image.buffer, packed, *given, out.buffer)
    program = Program("p", (), arguments, (Kernel(step, "c"),))
    module = build([program], target, flags=effort(target, "float32"))
    y = np.full(out.buffer.shape, np.nan, np.float32)
    turned = pack_filters(filters, case.window, lanes)
    assert module["p"].run([x, turned, *extra, y]) == 0
    return y


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", EPILOGUES)
@pytest.mark.parametrize("case", [CASE, SINGLE], ids=["tiles", "single channels"])
def test_epilogue(name, target, case):
    symbolic, numeric = EPILOGUES[name]
    lanes = target.lanes("float32")
    x, filters, other = (a.astype(np.float32) for a in case.arguments)
    rng = np.random.default_rng(3)
    bias = rng.standard_normal(21).astype(np.float32)
    padded = np.zeros(-(-21 // lanes) * lanes, np.float32)
    padded[:21] = bias
    scale = np.array([0.7], np.float32)
    shape = blocked(other, lanes).shape
    value = symbolic(Result("float32"), *operands(lanes, shape))
    extra = [padded, scale, blocked(other, lanes)]
    y = run(Epilogue(value), target, x, filters, extra, case)
    channels = y.transpose(0, 1, 4, 2, 3).reshape(2, -1, *y.shape[2:4])
    assert np.all(channels[:, 21:] == 0)
    if numeric is None:
        return
    expected = numeric(reference(case)[0], bias.reshape(1, -1, 1, 1), scale[0], other)
    if name == "lane by lane":  # the root spreads rounding near zero
        channels, expected = channels**2, expected**2
    assert close(channels[:, :21], expected, "float32")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nan_stays_in_its_lane(target):
    """A nan reaches every output it is summed in, relu or not, and no padding."""
    lanes = target.lanes("float32")
    x, filters, _ = (a.astype(np.float32) for a in CASE.arguments)
    x[1, 2, 3, 4] = np.nan
    value = call("maximum", Result("float32"), zero())
    shape = CASE.images("float32", lanes, lanes, "")[1].buffer.shape
    extra = [np.zeros(shape[1] * lanes, np.float32), np.ones(1, np.float32)]
    extra.append(np.zeros(shape, np.float32))
    y = run(Epilogue(value), target, x, filters, extra)
    channels = y.transpose(0, 1, 4, 2, 3).reshape(2, -1, *y.shape[2:4])
    assert np.all(channels[:, 21:] == 0)
    assert not np.isnan(channels[0]).any()
    assert np.isnan(channels[1, :21, 2:5, 3:5]).all()
    assert np.isnan(channels[1, :21]).sum() == 21 * 3 * 2


def test_vector_form_where_there_is_one():
    result = Result("float32")
    relu = call("maximum", result, zero())
    assert vector_text(relu, "float32") == "sg_larger_f32v(sg_splat_f32(0.0f), value)"
    assert vector_text(call("exp", result), "float32") is None
    strided = Load(Buffer("b", "float32", (64,)), symbol("lane") * 2)
    assert vector_text(strided, "float32") is None
