"""Memory asked for before its turn: every line of an image once, and in time."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.toolchain import find_toolchain

LINE = 64
SOURCE = """
#include "vectors.h"
#include "ahead.h"

/* The first and the last + 1 line of each row of stretches; how many there are. */
int64_t look(const int64_t *r, int64_t begin, int64_t end, int64_t turns, int64_t *to);
int64_t look(const int64_t *r, int64_t begin, int64_t end, int64_t turns, int64_t *to)
{
    const sg_rows rows = {r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8]};
    sg_stretch stretches[1000];
    sg_ahead ahead = {stretches, stretches, 0, 0};
    sg_look_ahead(&ahead, NULL, rows, begin, end);
    int64_t count = 0;
    for (const sg_stretch *one = stretches; one < ahead.end; one++)
        for (int64_t plane = 0; plane < one->planes; plane++) {
            const int64_t at = (int64_t)(intptr_t)one->at + plane * one->step;
            to[count++] = at / SG_LINE_BYTES;
            to[count++] = at / SG_LINE_BYTES + one->lines;
        }
    sg_spread_out(&ahead, turns);
    for (int64_t turn = 0; turn < turns; turn++)
        sg_ask_for_some(&ahead);
    return ahead.first == ahead.end ? count : -1;
}
"""


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    """The lines that tiles touch and those before them do not, as a list."""
    folder = tmp_path_factory.mktemp("ahead")
    source, made, library = (folder / name for name in ("a.c", "a.o", "a.so"))
    source.write_text(SOURCE)
    toolchain, visible = find_toolchain(), ("-fvisibility=default",)
    toolchain.object(source, made, visible)
    toolchain.link([made], library, visible, source)
    function = ctypes.CDLL(str(library)).look
    function.restype = ctypes.c_int64

    def found(rows, begin, end, turns=7):
        array, to = (ctypes.c_int64 * 9)(*rows), (ctypes.c_int64 * 20000)()
        numbers = (ctypes.c_int64(n) for n in (begin, end, turns))
        count = function(array, *numbers, to)
        assert count >= 0, "some lines were never asked for"
        ends = to[:count]
        return [
            line
            for first, stop in zip(ends[::2], ends[1::2], strict=True)
            for line in range(first, stop)
        ]

    return found


@settings(deadline=None)
@given(data=st.data())
def test_units_of_tiles_ask_for_every_line_once_and_in_time(look, data):
    """Samples of two planes, of which tiles see ``side`` rows, ``rise`` apart."""

    def number(least, most):
        return data.draw(st.integers(least, most))

    across, down, rise = number(1, 5), number(1, 5), number(1, 4)
    side, top = rise + number(0, 3), -number(0, 2)
    height = number(max((down - 1) * rise + 1, 1), down * rise + side - rise)
    lines, planes, batch, tiles = number(1, 3), 2, number(1, 3), number(1, 30)
    row, total = lines * LINE, batch * down * across
    sample = planes * height * row
    rows = across, down, rise, 1, top + side - rise, planes, height, row, sample
    asked = []
    for first in range(0, total, tiles):
        asked += look(rows, first, min(first + tiles, total))
        wanted = {
            ((n * planes + plane) * height + r) * lines + line
            for tile in range(first, min(first + tiles, total))
            for n, at in [divmod(tile // across, down)]
            for r in range(max(at * rise + top, 0), at * rise + top + side)
            if r < height
            for plane in range(planes)
            for line in range(lines)
        }
        assert wanted <= set(asked)
    assert sorted(asked) == list(range(batch * planes * height * lines))


def test_rows_that_are_shared_out_evenly_are_asked_for_once(look):
    """Seven rows of results by three rows of tiles."""
    rows = 2, 3, 7, 3, 0, 1, 7, LINE, 7 * LINE
    asked = [look(rows, first, first + 2) for first in (0, 2, 4)]
    assert asked == [[0, 1], [2, 3], [4, 5, 6]]


def test_what_is_beyond_the_last_tile_is_not_asked_for(look):
    rows = 2, 3, 4, 1, 0, 2, 12, LINE, 24 * LINE
    assert look(rows, 6, 6) == []
    assert look(rows, 12, 9) == []
