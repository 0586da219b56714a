"""Pooling of images in blocks: maxima, their places, and means, against NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.convolution import emit_pool
from codegen.errors import CodegenError
from codegen.ir import (
    Buffer,
    Call,
    Epilogue,
    Kernel,
    Literal,
    Pool,
    Pooling,
    Program,
    Result,
    Role,
)
from codegen.target import SSE2
from tests.codegen.convolution_cases import (
    DTYPES,
    TARGETS,
    blocked,
    image,
    in_dtypes,
)
from tests.effort import effort_in

NAMES = ("n0", "h0", "w0")
GEOMETRIES = {
    "three by three": (Pooling((3, 3), (2, 2)), (9, 11)),
    "padded": (Pooling((3, 3), (2, 2), ((1, 1), (1, 1))), (8, 9)),
    "one side": (Pooling((2, 3), (1, 2), ((1, 0), (0, 2))), (5, 4)),
    "one row": (Pooling((1, 4), (1, 1), ((0, 0), (3, 3))), (3, 2)),
    "apart": (Pooling((2, 1), (3, 2)), (8, 7)),
    "wide": (Pooling((3, 3), (2, 2), ((1, 1), (1, 1))), (20, 37)),
    "many elements": (Pooling((9, 8), (1, 2)), (10, 11)),
    "as wide as the image": (Pooling((5, 5), (5, 5), ((4, 4), (2, 2))), (3, 4)),
}


def windows(x, pooling, outside):
    """Every window as the last axis: [N, C, H', W', elements]."""
    padded = np.pad(x, ((0, 0), (0, 0), *pooling.padding), constant_values=outside)
    view = np.lib.stride_tricks.sliding_window_view(padded, pooling.window, (2, 3))
    strided = view[:, :, :: pooling.stride[0], :: pooling.stride[1]]
    elements = pooling.window[0] * pooling.window[1]
    return strided.reshape(*strided.shape[:4], elements)


def wanted(x, pooling):
    """What is pooled, and the places of the maxima."""
    if not pooling.mean:
        found = windows(x, pooling, -np.inf)
        inside = windows(np.ones_like(x), pooling, 0) > 0
        best = np.where(inside, found, -np.inf).max(axis=-1, keepdims=True)
        same = inside & ((found == best) | (np.isnan(found) & np.isnan(best)))
        return best[..., 0], same.argmax(axis=-1).astype("uint8")
    total = windows(x, pooling, 0).sum(axis=-1)
    count = windows(np.ones_like(x), pooling, pooling.counted).sum(axis=-1)
    return total / count, None


def program(name, pooling, x, target, epilogue, is_open):
    """The C of one pooling of arrays like ``x``."""
    dtype, lanes = x.dtype.name, target.lanes(x.dtype.name)
    results, marks = wanted(x, pooling)
    batch, channels, *size = x.shape
    counts = list(results.shape[2:])
    if is_open:
        batch, *size = (sizes.symbol(name) for name in NAMES)
        counts = [
            sizes.floordiv(n + (sum(pad) - span), stride) + 1
            for n, pad, span, stride in zip(
                size, pooling.padding, pooling.window, pooling.stride, strict=True
            )
        ]
    x_image = image("x", dtype, batch, channels, size, lanes)
    y_image = image("y", dtype, batch, channels, counts, lanes)
    places = Buffer("places", "uint8", y_image.buffer.shape, Role.ARGUMENT)
    step = Pool(x_image, y_image, pooling, epilogue, None if marks is None else places)
    arguments = (x_image.buffer, y_image.buffer, places)
    return Program(name, NAMES if is_open else (), arguments, (Kernel(step, "pool"),))


def run(poolings, x, target, epilogue=None, is_open=False, threads=2):
    """For each, the pooled images and the places, in blocks, as the C gives them."""
    lanes = target.lanes(x.dtype.name)
    names = [f"p{number}" for number in range(len(poolings))]
    programs = [
        program(name, pooling, x, target, epilogue, is_open)
        for name, pooling in zip(names, poolings, strict=True)
    ]
    module = build(programs, target, flags=effort_in(x.dtype.name))
    values = (x.shape[0], *x.shape[2:]) if is_open else ()
    for name, pooling in zip(names, poolings, strict=True):
        results, _ = wanted(x, pooling)
        y = blocked(np.full_like(results, 7), lanes).astype(x.dtype)
        places = np.full(y.shape, 77, "uint8")
        assert module[name].run([blocked(x, lanes), y, places], values, threads) == 0
        yield y, places


def check(poolings, x, target, **options):
    lanes = target.lanes(x.dtype.name)
    found = run(poolings, x, target, **options)
    for pooling, (y, places) in zip(poolings, found, strict=True):
        results, marks = wanted(x, pooling)
        np.testing.assert_allclose(y, blocked(results, lanes), rtol=1e-6)
        if marks is not None:
            real = blocked(np.ones_like(marks), lanes) > 0
            np.testing.assert_array_equal(places[real], blocked(marks, lanes)[real])


def numbers(*shape, dtype):
    """Numbers of which many are equal."""
    return np.random.default_rng(0).integers(-3, 4, shape).astype(dtype)


@pytest.mark.parametrize(
    ("name", "dtype"), in_dtypes(GEOMETRIES, ["padded", "one side", "many elements"])
)
def test_maxima_and_means(name, dtype):
    pooling, size = GEOMETRIES[name]
    x = numbers(2, 11, *size, dtype=dtype)
    mean = replace(pooling, mean=True)
    for target in TARGETS:
        check([pooling, mean, replace(mean, counted=False)], x, target)


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_sizes_of_the_call(batch):
    pooling, size = GEOMETRIES["padded"]
    x = numbers(batch, 5, *size, dtype="float32")
    check([pooling], x, TARGETS[0], is_open=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["padded", "wide"])
def test_nan_wins_and_nothing_is_below_minus_infinity(name, dtype):
    """Windows without padding are written out; their sums may be nan without one."""
    pooling, size = GEOMETRIES[name]
    x = numbers(1, 40, *size, dtype=dtype)
    x[:, :4] = -np.inf
    x[:, 2::5, 2::3] = np.inf
    x[:, ::3, 1::2, ::3] = np.nan
    with np.errstate(invalid="ignore"):  # of means, which are not looked at
        for target in TARGETS:
            check([pooling], x, target)


@pytest.mark.parametrize("function", ["mul", "exp"])
def test_an_epilogue(function):
    """In vectors, and lane by lane; lanes after the last channel stay zero."""
    pooling, size = GEOMETRIES["three by three"]
    x = numbers(2, 11, *size, dtype="float32")
    result = Result("float32")
    arguments = (result, Literal(2, "float32")) if function == "mul" else (result,)
    epilogue = Epilogue(Call(function, arguments, "float32"))
    results, _ = wanted(x, pooling)
    results = results * 2 if function == "mul" else np.exp(results)
    for target in TARGETS:
        ((y, _),) = run([pooling], x, target, epilogue)
        expected = blocked(results, target.lanes("float32"))
        np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_threads_do_not_change_a_bit():
    pooling, size = GEOMETRIES["padded"]
    x = np.random.default_rng(1).normal(size=(3, 20, *size)).astype("float32")
    mean = replace(pooling, mean=True)
    found = [next(run([mean], x, TARGETS[0], threads=n))[0] for n in (1, 2, 4)]
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_images_must_be_in_blocks_of_the_target():
    x, y = (image(name, "float32", 1, 8, (4, 4), 8) for name in "xy")
    with pytest.raises(CodegenError, match="input block is 8, expected 4"):
        emit_pool(Pool(x, y, Pooling((1, 1), (1, 1))), SSE2)


def test_channels_must_agree():
    x, y = (image("x", "float32", 1, n, (4, 4), 4) for n in (4, 8))
    with pytest.raises(CodegenError, match="input has 4 channels, output 8"):
        emit_pool(Pool(x, y, Pooling((1, 1), (1, 1))), SSE2)


def test_places_are_bytes():
    x, y = (image(name, "float32", 1, 4, (4, 4), 4) for name in "xy")
    step = Pool(x, y, Pooling((1, 1), (1, 1)), places=Buffer("p", "int32", ()))
    with pytest.raises(CodegenError, match="places are uint8, got int32"):
        emit_pool(step, SSE2)
