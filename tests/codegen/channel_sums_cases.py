"""Convolutions that make sums of each channel on the way, held against NumPy.

A program has a convolution and a gradient, each once with moments and once with sums
of products with another image: the *marks* "y0", "x0", "y1" and "x1".
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codegen.build import build
from codegen.convolution import packed_shape
from codegen.ir import (
    Buffer,
    Call,
    Convolution,
    ConvolutionBackwardData,
    Epilogue,
    Kernel,
    Literal,
    Load,
    PackFilters,
    Pooling,
    Program,
    Reorder,
    Result,
    Role,
    Sums,
    Window,
)
from codegen.sizes import evaluate, symbol
from tests.codegen.convolution_cases import (
    Case,
    close,
    image,
    quickest,
    reference,
    windows_by_two,
)
from tests.effort import effort

ARGUMENT = Role.ARGUMENT
BY_TWO = Pooling((2, 2), (2, 2))
MARKS = "y0", "x0", "y1", "x1"
CASES = {
    "few channels": Case((3, 16), 2, (12, 22), plain_input=True),
    "ragged": Case((17, 9), 3, (9, 13), open_batch=True),
    "strides": Case((5, 18), 2, (13, 15), Window((3, 2), (2, 3))),
    "padding": Case((6, 37), 2, (7, 9), Window((3, 3), padding=((1, 2), (0, 1)))),
    "groups": Case((32, 64), 1, (7, 9), Window((3, 3), groups=2)),
    "depthwise": Case((20, 20), 2, (7, 9), Window((3, 3), groups=20)),
    "single channels": Case((20, 20), 2, (7, 14), Window((3, 3), groups=20)),
    "single channels with strides": Case(
        (20, 20),
        2,
        (8, 13),
        Window((3, 3), (2, 2), padding=((1, 1), (1, 1)), groups=20),
    ),
    "holes": Case((5, 7), 2, (9, 8), Window((1, 1), (2, 2))),
    "five by five": Case((16, 48), 2, (12, 15), Window((5, 5))),
    "few pixels": Case((32, 48), 2, (7, 6), Window((5, 5))),
    "gradients that overlap": Case((16, 17), 16, (9, 10), Window((5, 5))),
    "no images": Case((3, 5), 0, (7, 9), open_batch=True),
}


def _added(name, dtype, image_, by):
    """An epilogue that adds a number, rectifies and takes sums, and its totals."""
    channels, block, shape = image_.channels, image_.block, image_.buffer.shape
    names = (f"{name}first", f"{name}second")
    totals = tuple(Buffer(n, dtype, (channels,), ARGUMENT) for n in names)
    offset = Buffer("offset", dtype, (1,), ARGUMENT)
    n, vector, y, x, lane = map(symbol, ("n", "block", "y", "x", "lane"))
    pixel = ((n * shape[1] + vector) * shape[2] + y) * shape[3] + x
    moved = Call("add", (Result(dtype), Load(offset, 0)), dtype)
    value = Call("maximum", (moved, Literal(-2.0, dtype)), dtype)
    other = Buffer(f"{name}other", dtype, shape, ARGUMENT)
    centred = Call("sub", (Load(other, pixel * block + lane), Load(offset, 0)), dtype)
    sums = Sums(totals, centred if by else None)
    return Epilogue(value, (), sums), (*totals, *((other,) if by else ()))


def _packed(filters, case, lanes):
    """The filters as the convolution and as its gradient read them, and the steps."""
    for turned in (False, True):
        shape = packed_shape(case.window, *case.channels, lanes, turned)
        buffer = Buffer(f"packed{turned:d}", filters.dtype, shape)
        yield buffer, PackFilters(filters, buffer, case.window, lanes, turned)


def _result(mark, like, lanes, pool):
    """The image that a mark names; what is pooled two by two has half the size."""
    size = (like.height, like.width)
    if mark[0] == "y" and pool:
        size = tuple(length // 2 for length in size)
    return image(mark, like.buffer.dtype, like.batch, like.channels, size, lanes)


def program_of(name, case, dtype, target, pool=None, marks=MARKS):
    """A convolution and a gradient, each with moments and with paired sums.

    ``marks`` names those that are wanted: the image, and whether sums are paired.
    """
    window, lanes = case.window, target.lanes(dtype)
    plain = case.images(dtype, lanes, 1, "")
    inside = case.images(dtype, lanes, lanes, "b")
    inputs, outputs = case.channels
    shape = (outputs, inputs // window.groups, *window.kernel)
    filters = Buffer("w", dtype, shape, ARGUMENT)
    packed, packing = zip(*_packed(filters, case, lanes), strict=True)
    steps = [*(Reorder(p, b) for p, b in zip(plain, inside, strict=True)), *packing]
    x, more = plain[0] if case.plain_input else inside[0], []
    for mark in marks:
        forward = mark[0] == "y"
        to = _result(mark, plain[forward], lanes, pool)
        epilogue, used = _added(mark, dtype, to, mark[1] == "1")
        step = (
            Convolution(x, packed[0], to, window, epilogue, 0, pool)
            if forward
            else ConvolutionBackwardData(inside[1], packed[1], to, window, epilogue)
        )
        steps += [_renamed(one, mark) for one in quickest(step, target)]
        more += [to.buffer, *used]
    offset = Buffer("offset", dtype, (1,), ARGUMENT)
    given_ = [*(i.buffer for i in (*plain, *inside)), filters, offset, *more]
    kernels = tuple(Kernel(step, type(step).__name__) for step in steps)
    return Program(name, case.names, tuple(given_), kernels)


def _renamed(step, mark):
    """The transformed filters of each step are a buffer of its own."""
    field = "transformed" if hasattr(step, "transformed") else "filters"
    buffer = getattr(step, field)
    if not buffer.name.endswith("at_points"):
        return step
    return replace(step, **{field: replace(buffer, name=f"{buffer.name}{mark}")})


def arrays_of(program, case, dtype, offset):
    """Arrays for the arguments, by their names."""
    values = dict(zip(case.names, case.values, strict=True))
    rng = np.random.default_rng(1)
    x, filters, dy = (array.astype(dtype) for array in case.arguments)
    known = {"x": x, "w": filters, "y": dy, "offset": np.array([offset], dtype)}
    arrays = {}
    for buffer in program.arguments:
        shape = [evaluate(size, values) for size in buffer.shape]
        made = np.full(shape, np.nan, dtype)
        if buffer.name.endswith("other"):
            made = rng.standard_normal(shape).astype(dtype)
        arrays[buffer.name] = known.get(buffer.name, made)
    return arrays


def check(program, module, case, dtype, pool=None, marks=MARKS, offset=0.5):
    """Results are right, and their sums; all the same on any number of threads."""
    found = []
    for threads in (1, 2, 4):
        arrays = arrays_of(program, case, dtype, offset)
        given_ = [arrays[buffer.name] for buffer in program.arguments]
        native = module[program.name]
        assert native.run(given_, case.values, threads=threads) == 0
        found.append(arrays)
    for other in found[1:]:
        for name, array in found[0].items():
            np.testing.assert_array_equal(array, other[name], name)
    arrays = found[0]
    y, x, _ = reference(case)
    y = windows_by_two(y).max(axis=-1) if pool else y
    for mark in marks:
        expected = np.maximum((y if mark[0] == "y" else x) + offset, -2)
        channels = expected.shape[1]
        got = unblocked(arrays[mark], channels)
        assert close(got, expected, dtype), mark
        totals = [arrays[f"{mark}{name}"] for name in ("first", "second")]
        other = arrays.get(f"{mark}other")
        if other is not None:
            other = unblocked(other, channels).astype("float64") - offset
        _check_totals(got.astype("float64"), totals, other, dtype)


def unblocked(array, channels):
    """A blocked image as it is without blocks."""
    batch, blocks, height, width, lanes = array.shape
    turned = array.transpose(0, 1, 4, 2, 3)
    return turned.reshape(batch, blocks * lanes, height, width)[:, :channels]


def _check_totals(r, totals, by, dtype):
    axes, tolerance = (0, 2, 3), {"float32": 2e-6, "float64": 1e-14}[dtype]
    if by is None and not r.size:
        assert np.isnan(totals).all()
        return
    if by is None:
        deviation = r.std(axes)
        error = np.abs(totals[0] - r.mean(axes))
        assert np.all(error <= tolerance * (deviation + np.abs(r.mean(axes)) / 16))
        np.testing.assert_allclose(totals[1], r.var(axes), 2 * tolerance, 1e-30)
        return
    for total, terms in zip(totals, (r, r * by), strict=True):
        error = np.abs(total - terms.sum(axes))
        assert np.all(error <= tolerance * np.abs(terms).sum(axes))


def run_all(cases, target, dtype, pool=None, optimized=False):
    """Each case, all of them in one module."""
    marks = MARKS[::2] if pool else MARKS  # gradients do not pool
    programs = {
        name: program_of(name.replace(" ", "_"), case, dtype, target, pool, marks)
        for name, case in cases.items()
    }
    flags = effort(target, dtype, optimized)
    module = build(list(programs.values()), target, flags=flags)
    for name, program in programs.items():
        check(program, module, cases[name], dtype, pool, marks)
