"""The gradient of max-pooling from places, on images in blocks, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from codegen import sizes
from codegen.build import build
from codegen.convolution import emit_pool_backward, unpools
from codegen.errors import CodegenError
from codegen.ir import Buffer, Kernel, PoolBackward, Pooling, Program, Role
from codegen.target import SSE2
from codegen.toolchain import FLAGS_VARIABLE
from tests.benchmarks.kernels.jobs import aligned
from tests.codegen.convolution_cases import (
    DTYPES,
    TARGETS,
    blocked,
    image,
    in_dtypes,
)
from tests.codegen.test_pool import GEOMETRIES as POOLED
from tests.codegen.test_pool import numbers, wanted
from tests.effort import effort_in

NAMES = ("n0", "h0", "w0", "h1", "w1")
GEOMETRIES = {
    **POOLED,
    "all neighbours": (Pooling((3, 3), (1, 1), ((1, 1), (1, 1))), (5, 7)),
    "two of three rows": (Pooling((5, 4), (3, 1), ((2, 2), (0, 3))), (11, 9)),
    "rest": (Pooling((2, 2), (2, 2)), (7, 5)),
}


def scattered(pooling, places, dy, size):
    """dx, what windows give to an element added up in their row-major order."""
    (top, bottom), (left, right) = pooling.padding
    shape = (*dy.shape[:2], size[0] + top + bottom, size[1] + left + right)
    dx = np.zeros(shape, dy.dtype)
    n, c = np.indices(dy.shape[:2])
    for i, j in np.ndindex(*dy.shape[2:]):
        row, column = np.divmod(places[:, :, i, j].astype(int), pooling.window[1])
        row, column = row + i * pooling.stride[0], column + j * pooling.stride[1]
        dx[n, c, row, column] += dy[:, :, i, j]
    return dx[:, :, top : shape[2] - bottom, left : shape[3] - right]


def program(name, pooling, x, dy, target, is_open):
    """The C of one gradient for images like ``x``."""
    dtype, lanes = x.dtype.name, target.lanes(x.dtype.name)
    batch, channels, *size = x.shape
    counts = dy.shape[2:]
    if is_open:
        batch, *size = (sizes.symbol(name) for name in NAMES[:3])
        counts = [sizes.symbol(name) for name in NAMES[3:]]
    dx_image = image("dx", dtype, batch, channels, size, lanes)
    dy_image = image("dy", dtype, batch, channels, counts, lanes)
    places = Buffer("places", "uint8", dy_image.buffer.shape, Role.ARGUMENT)
    kernel = Kernel(PoolBackward(dy_image, places, dx_image, pooling), "unpool")
    arguments = (dy_image.buffer, places, dx_image.buffer)
    return Program(name, NAMES if is_open else (), arguments, (kernel,))


def check(pooling, x, target, dy=None, is_open=False, threads=(2,)):
    """The same to the bit as NumPy's sums in the same order; of any dy, or this."""
    lanes = target.lanes(x.dtype.name)
    _, places = wanted(x, pooling)
    if dy is None:
        dy = np.random.default_rng(3).normal(size=places.shape).astype(x.dtype)
    made = program("unpool", pooling, x, dy, target, is_open)
    native = build([made], target, flags=effort_in(x.dtype.name))
    values = (x.shape[0], *x.shape[2:], *dy.shape[2:]) if is_open else ()
    expected = blocked(scattered(pooling, places, dy, x.shape[2:]), lanes)
    for count in threads:
        dx = aligned(np.full_like(expected, 7))
        arrays = [blocked(dy, lanes), blocked(places, lanes), dx]
        assert native["unpool"].run(arrays, values, count) == 0
        np.testing.assert_array_equal(dx, expected)


@pytest.mark.parametrize(
    ("name", "dtype"), in_dtypes(GEOMETRIES, ["padded", "rest", "two of three rows"])
)
def test_gradients_of_maxima(name, dtype):
    pooling, size = GEOMETRIES[name]
    x = numbers(2, 11, *size, dtype=dtype)
    for target in TARGETS:
        check(pooling, x, target, threads=(1, 2, 4))


@pytest.mark.parametrize("name", ["padded", "all neighbours", "rest", "apart"])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_sizes_of_the_call(name, batch):
    pooling, size = GEOMETRIES[name]
    for target in TARGETS:
        check(pooling, numbers(batch, 5, *size, dtype="float32"), target, is_open=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_caches_do_not_hold_goes_around_them(dtype, monkeypatch):
    """From the first byte on, to see that it goes where it should."""
    monkeypatch.setenv(FLAGS_VARIABLE, "-DSG_FAR_BYTES=0")
    pooling, size = GEOMETRIES["wide"]
    for target in TARGETS:
        check(pooling, numbers(2, 35, *size, dtype=dtype), target, threads=(1, 2))


def test_nan_and_infinity_stay_at_their_places():
    pooling, size = GEOMETRIES["padded"]
    x = numbers(1, 8, *size, dtype="float32")
    _, places = wanted(x, pooling)
    dy = np.ones(places.shape, "float32")
    dy[:, :, 1::2] = np.nan
    dy[:, ::2, ::2] = np.inf
    for target in TARGETS:
        check(pooling, x, target, dy, threads=(1,))


def test_large_windows_are_left_to_loops():
    assert unpools(Pooling((8, 8), (8, 8)))
    assert not unpools(Pooling((9, 8), (1, 1)))
    assert not unpools(Pooling((1, 1), (9, 8)))


def test_channels_must_agree():
    dy, dx = (
        image(name, "float32", 1, n, (4, 4), 4) for name, n in (("y", 8), ("x", 4))
    )
    places = Buffer("p", "uint8", dy.buffer.shape)
    with pytest.raises(CodegenError, match="input has 4 channels, output 8"):
        emit_pool_backward(PoolBackward(dy, places, dx, Pooling((1, 1), (1, 1))), SSE2)
