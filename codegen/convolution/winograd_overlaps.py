"""Results of tiles that overlap, added up: a vector of channels of a sample at a time.

A tile of the input adds all that its outputs see to a plane in the scratch, which is
the size of all tiles; what lies in the image then goes through the epilogue.
"""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import epilogue, text
from codegen.convolution.outlets import Tile
from codegen.convolution.winograd_cut import Winograd
from codegen.emission import Helper
from codegen.scalars import suffix
from codegen.sizes import Size, symbol


def plane_bytes(w: Winograd) -> int:
    """The memory of the sums of a sample at one vector of channels."""
    height, width = _extents(w)
    return (
        height * width * w.correlation.lanes * w.correlation.item if w.overlaps else 0
    )


def _extents(w: Winograd) -> tuple[int, int]:
    """Rows and columns of the results of all tiles of a sample."""
    height, width = (
        (number - 1) * step + w.side
        for number, step in zip(w.grid, w.step, strict=True)
    )
    return height, width


def summed(w: Winograd, tile: list[str], transform: Helper) -> list[str]:
    """The third stage for the vectors of a group: ``tile`` are lines before each."""
    each, c = w.sample_tiles, w.correlation
    at = f"products + tile * {w.product_row} + part * {c.lanes}"
    body = [
        *tile,
        "(void)sample;",
        f"sg_{_kind(w)}v seen[{w.points}];",
        f"{transform.name}({at}, {w.product_step}, seen);",
        *_added(w),
    ]
    head = f"for (int64_t tile = plate; tile < plate + {each}; tile++)"
    part = [
        f"memset(plane, 0, {plane_bytes(w)});",
        *text.block(head, body),
        f"const int64_t sample = (first + plate) / {each};",
        f"const int64_t bundle = group * {w.group} + part;",
        *_stored(w),
    ]
    plates = f"for (int64_t plate = 0; plate < count; plate += {each})"
    return text.block(plates, text.loop("part", w.group, part))


def _kind(w: Winograd) -> str:
    return suffix(w.correlation.source.buffer.dtype)


def _place(w: Winograd) -> Size:
    """Where in the plane the result (i, j) from (row, column) on is."""
    row, column = symbol("row") + symbol("i"), symbol("column") + symbol("j")
    return (row * _extents(w)[1] + column) * w.correlation.lanes


def _added(w: Winograd) -> list[str]:
    """The results of a tile added to the plane."""
    kind, at = _kind(w), f"plane + {sizes.text(_place(w))}"
    value = f"sg_load_{kind}({at}) + seen[i * {w.side} + j]"
    return [
        text.unrolled((("i", w.side), ("j", w.side)), "i"),
        f"    sg_store_{kind}({at}, {value});",
    ]


def _stored(w: Winograd) -> list[str]:
    """The plane through the epilogue to memory."""
    c = w.correlation
    at = sizes.substitute(_place(w), {"i": 0})
    tile = Tile(1, 1, epilogue.at_once(c.columns.lengths[0]))
    return epilogue.store_rows(c, tile, "plane", at)
