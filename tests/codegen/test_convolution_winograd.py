"""Winograd's minimal filtering: right within its bound, chosen where it wins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen.convolution import (
    emit_transform_filters,
    forward,
    packed_shape,
    winograd,
    winograd_points,
    winograd_weight_phases,
    winograd_weights,
)
from codegen.convolution.geometry import forward_axis
from codegen.errors import CodegenError
from codegen.ir import Buffer, Convolution, TransformFilters, Window
from codegen.sizes import symbol
from codegen.target import AVX512, SSE2, Target
from tests.codegen.convolution_cases import (
    TARGETS,
    Case,
    blocked,
    image,
    reference,
)
from tests.codegen.convolution_runs import RESULTS, run

WIDE = Target("wide", 64, 32, (*SSE2.flags, "-DSG_WIDE", "-Wno-psabi"))
BOUND = {"float32": 2e-5, "float64": 1e-13}
CASES = {
    "whole tiles": Case((16, 32), 2, (18, 22)),
    "parts of tiles": Case((17, 3), 3, (9, 12), open_batch=True),
    "one tile": Case((3, 5), 1, (4, 5)),
    "many small images": Case((33, 20), 19, (5, 6), open_batch=True),
    "no images": Case((3, 5), 0, (7, 9), open_batch=True),
    "same": Case((16, 16), 2, (7, 11), Window((3, 3), padding=((1, 1), (1, 1)))),
    "lopsided": Case((5, 7), 2, (7, 11), Window((3, 5), padding=((2, 0), (1, 3)))),
    "five by five": Case((32, 64), 1, (20, 20), Window((5, 5))),
    "four by three": Case((8, 24), 2, (10, 13), Window((4, 3))),
    "seven by five": Case(
        (9, 5), 2, (11, 13), Window((7, 5), padding=((3, 1), (2, 4)))
    ),
    "gradients that overlap": Case((9, 17), 17, (11, 14), Window((5, 5))),
    "and small ones": Case((5, 6), 2, (12, 13), open_batch=True),
    "channels that are shared out": Case((6, 130), 1, (5, 6), Window((5, 5))),
    "one large tile": Case((5, 17), 3, (8, 8), Window((5, 5)), open_batch=True),
}


@pytest.fixture(params=[6, 8], ids="{} points".format)
def preferred(request, monkeypatch):
    """Winograd wherever it is possible, on so many points if they serve."""
    wanted = request.param
    for module in (winograd, winograd_weights):
        monkeypatch.setattr(module, "_cost", lambda cut, _: -1 - (cut.side == wanted))
    return wanted


DOUBLES = "parts of tiles", "lopsided", "five by five", "gradients that overlap"
OPTIMIZED = "five by five"  # on all targets
EACH = [(name, "float32") for name in CASES] + [(name, "float64") for name in DOUBLES]


@pytest.mark.parametrize(("name", "dtype"), EACH)
def test_within_its_bound(name, dtype, preferred):
    case, optimized = CASES[name], name == OPTIMIZED
    if not _serves(case, preferred):
        assert 8 not in _sides(case)
        return
    among = [CASES[n] for n, d in EACH if (d, n == OPTIMIZED) == (dtype, optimized)]
    among = [each for each in among if _serves(each, preferred)]
    for target in TARGETS:
        lanes = target.lanes(dtype)
        y, dx, dw = reference(case)
        expected = (blocked(y, lanes), blocked(dx, lanes), dw)
        found = run(case, target, dtype, 2, RESULTS, optimized, among, preferred)
        for got, want in zip(found, expected, strict=True):
            error = np.abs(got - want).max(initial=0)
            assert error <= BOUND[dtype] * max(np.abs(want).max(initial=0), 1)


def _serves(case, points):
    """Whether so many points are tried: eight are for five taps and more."""
    return points == 6 or min(case.window.kernel) >= 5


PADDED = Case((33, 20), 1, (5, 6), Window((5, 5), padding=((2, 2), (2, 2))))
BATCHES = [
    replace(PADDED, batch=batch, open_batch=open_batch)
    for batch, open_batch in [
        (0, True),
        (1, False),
        (19, True),
        (150, False),
        (150, True),
    ]
]


@pytest.mark.parametrize("case", BATCHES, ids=lambda c: f"{c.batch}-{c.open_batch}")
def test_sums_that_are_put_aside(case, preferred, monkeypatch):
    """After each turn instead of many; in short shares never, and nothing is read."""
    for module in (winograd_weights, winograd_weight_phases):
        monkeypatch.setattr(module, "MOST_TURNS", 1)
    how = {"among": BATCHES, "patched": (preferred, "one turn")}
    for target in TARGETS:
        want = reference(case)[2]
        got = run(case, target, "float32", wanted=["dw"], **how)[2]
        error = np.abs(got - want).max()
        assert error <= BOUND["float32"] * max(np.abs(want).max(), 1)


def test_few_runs_share_channels_where_filters_are_far(preferred, monkeypatch):
    monkeypatch.setattr(winograd, "FAR_BYTES", 0)
    monkeypatch.setattr(winograd, "FAR_INPUT_BYTES", 1 << 12)
    case = Case((9, 66), 3, (17, 19), Window((5, 5), padding=((2, 2), (2, 2))))
    for target in TARGETS:
        expected = blocked(reference(case)[0], target.lanes("float32"))
        found = run(case, target, "float32", wanted=["y"])[0]
        error = np.abs(found - expected).max()
        assert error <= BOUND["float32"] * np.abs(expected).max()


def test_vectors_as_wide_as_avx512(preferred):
    """On machines without it their C runs in pieces: slow to compile, but the same."""
    target = AVX512 if AVX512 in TARGETS else WIDE
    case = CASES["one large tile"]
    expected = reference(case)[0]
    found = run(case, target, "float32", wanted=["y"])[0]
    error = np.abs(found - blocked(expected, 16)).max()
    assert error <= BOUND["float32"] * np.abs(expected).max()


def _sides(case):
    rows, columns = (
        forward_axis(case.window, axis, case.size[axis], case.output[axis])
        for axis in (0, 1)
    )
    return winograd.sides(rows, columns)


def points(channels, size, window, batch=100, ready=False):
    """What is chosen for a forward pass on AVX-512."""
    return winograd_points(_forward(channels, size, window, batch), AVX512, ready)


def _correlation(channels, size, batch):
    """A 3 by 3 correlation whose images keep their size."""
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    step = _forward(channels, size, window, batch)
    return forward.correlation_of(step, AVX512)


def _forward(channels, size, window, batch):
    """The forward pass of a layer on vectors of AVX-512."""
    inputs, outputs = channels
    output = tuple(
        (length + sum(padding) - taps) // stride + 1
        for length, taps, stride, padding in zip(
            size, window.kernel, window.stride, window.padding, strict=True
        )
    )
    return Convolution(
        image("x", "float32", batch, inputs, size, 16),
        Buffer("w", "float32", packed_shape(window, inputs, outputs, 16)),
        image("y", "float32", batch, outputs, output, 16),
        window,
    )


def test_chosen_where_it_wins():
    assert points((32, 32), (42, 42), Window((3, 3))) == 6
    assert points((64, 64), (8, 8), Window((5, 5))) == 8
    assert points((64, 64), (8, 8), Window((1, 1))) == 0
    assert points((64, 64), (9, 9), Window((3, 3), (2, 2))) == 0
    assert points((1, 2), (8, 8), Window((3, 3))) == 0


def _cut(size, padding, batch=3, channels=16):
    """A 5 by 5 correlation of images of ``size``, cut at eight points."""
    window = Window((5, 5), padding=((padding, padding),) * 2)
    step = _forward((channels, 16), (size, size), window, batch)
    return winograd.cut(forward.correlation_of(step, AVX512), 8, AVX512)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_an_image_that_all_taps_see_is_one_tile(size):
    """The transposed filtering makes all it has seen of its outputs' gradient."""
    cut = _cut(size, padding=4)
    assert (cut.transposed, cut.overlaps) == (True, False)
    assert (cut.grid, cut.outputs, cut.patch) == ((1, 1), (8, 8), ((0, 0), (4, 4)))


@pytest.mark.parametrize("batch", [16, symbol("n")])
def test_what_tiles_of_larger_ones_have_seen_is_added_up(batch):
    cut = _cut(16, padding=4, batch=batch)
    assert (cut.transposed, cut.overlaps) == (True, True)
    assert (cut.grid, cut.step, cut.tiles % 16) == ((4, 4), (4, 4), 0)


@pytest.mark.parametrize(
    "other",
    [
        {"size": 16, "padding": 4},  # one unit for a sample would be too few units
        {"size": 16, "padding": 4, "batch": 16, "channels": 80},  # and fit no cache
        {"size": 4, "padding": 3, "batch": 16},
        {"size": 4, "padding": 5, "batch": 16},
    ],
)
def test_few_or_large_images_and_other_padding_are_cut_in_results(other):
    cut, padding = _cut(**other), other["padding"]
    assert not cut.transposed
    assert (cut.outputs, cut.patch) == ((4, 4), ((-padding, -padding), (8, 8)))


@pytest.mark.parametrize(
    ("channels", "batch", "shares"),
    [
        (512, 1, 4),
        (512, 3, 4),
        (512, 32, 4),
        (512, 320, 1),
        (512, symbol("n"), 1),
        (256, 32, 1),
    ],
)
def test_channels_of_few_tiles_are_shared_out(channels, batch, shares):
    """One run of tiles is work for one thread, and its filters are all that takes.

    So they are for a few runs, where filters come from memory.
    """
    c = _correlation((channels, channels), (7, 7), batch)
    cut = winograd.cut(c, 6, AVX512)
    assert cut.shares == shares
    assert cut.share % cut.group == 0


def test_far_filters_serve_many_tiles_in_an_even_number_of_runs():
    near, far = (
        winograd.cut(_correlation((channels, channels), (7, 7), 32), 6, AVX512)
        for channels in (256, 512)
    )
    assert (near.tiles, far.tiles, far.runs) == (14, 32, 4)


def test_transforms_for_each_share_are_not_repeated_where_they_cost_more():
    """Three shares, of a vector each, would be too many, and two are not possible."""
    cut = winograd.cut(_correlation((512, 48), (7, 7), 1), 6, AVX512)
    assert (cut.runs, cut.vectors, cut.shares) == (1, 1, 1)


def test_filters_transformed_once_are_no_part_of_the_cost():
    few = {"channels": (256, 256), "size": (8, 8), "window": Window((3, 3))}
    assert points(**few, batch=1) == 0
    assert points(**few, batch=1, ready=True) == 6


def test_transformed_filters_have_their_shape():
    packed = Buffer("packed", "float32", packed_shape(Window((3, 3)), 5, 9, 8))
    made = Buffer("made", "float32", (36, 2, 4, 8))
    step = TransformFilters(packed, made, (3, 3), 6)
    with pytest.raises(CodegenError, match=r"expected \(36, 2, 5, 8\)"):
        emit_transform_filters(step, AVX512)
