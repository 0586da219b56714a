"""Winograd's minimal filtering: how it is cut, and chosen where it wins."""

from __future__ import annotations

import pytest

from codegen.convolution import (
    emit_transform_filters,
    forward,
    packed_shape,
    winograd,
    winograd_points,
)
from codegen.errors import CodegenError
from codegen.ir import Buffer, Convolution, TransformFilters, Window
from codegen.sizes import symbol
from codegen.target import AVX512
from tests.codegen.convolution_cases import (
    image,
)


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
