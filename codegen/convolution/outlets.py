"""How a tile of sums is stored: through the epilogue, to images or to a band of rows.

Arithmetic, comparisons, maxima and ``where`` stay in vector registers. Any other
expression is applied by a loop over the lanes of the tile, stored where it is hot.
Either way, the lanes after the last channel become zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen import expressions, sizes
from codegen.convolution import channel_sums, text
from codegen.convolution.geometry import position
from codegen.convolution.vector_text import vector_text
from codegen.errors import CodegenError
from codegen.ir import Buffer, Epilogue, Expression, Image, Sums
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol
from codegen.traverse import expression_sizes

INDEX: dict[str, Size] = {  # the epilogue's symbols, and the C that holds them
    "n": symbol("sample"),
    "block": symbol("vector"),
    "y": symbol("out_row"),
    "x": symbol("out_column"),
    "lane": symbol("lane"),
}


@dataclass(frozen=True)
class Tile:
    """``sum[vectors][height * width]``, its corner at (row, column) of the outputs.

    ``bundle`` holds which bundle of vectors of ``sample`` it is. ``bounded`` says
    that the tile may reach beyond the last row and column, ``in_memory`` that sums do
    not come in registers.
    """

    vectors: int
    height: int
    width: int
    bounded: bool = False
    in_memory: bool = False

    def heads(self, *names: str) -> str:
        """The heads of loops over vectors k, rows i and columns j."""
        extents = {"k": self.vectors, "i": self.height, "j": self.width}
        rolled = "i" if self.in_memory else ""
        return text.unrolled([(name, extents[name]) for name in names], rolled)


@dataclass(frozen=True)
class Outlet:
    """Where results go, in an ``image``, and the epilogue on their way.

    The result (i, j) of a tile is that of ``row`` and ``column``.
    """

    image: Image
    dtype: str
    lanes: int
    epilogue: Epilogue | None
    row: Size
    column: Size
    places: Buffer | None = None

    @property
    def place(self) -> Size:
        """Where a vector of the image begins."""
        index = (INDEX[name] for name in ("n", "block", "y", "x"))
        return position(self.image, *index)

    @property
    def ends(self) -> tuple[Size, Size]:
        """The row and the column that a bounded tile must not reach."""
        return self.image.height, self.image.width


def stored(outlet: Outlet, tile: Tile) -> list[str]:
    """Lines that store a tile, and the ``place`` of each maximum where it is kept."""
    return [*_values(outlet, tile), *_places(outlet, tile)]


def one_by_one(outlet: Outlet) -> tuple[list[str], list[str], list[str]]:
    """Lines before a row of one vector, to store each result of it, and after it.

    ``sum[0][0]`` is the result, that of ``column``.
    """
    tile = Tile(1, 1, 1)
    sums = outlet.epilogue.sums if outlet.epilogue else None
    if sums is None:
        return [], stored(outlet, tile), []
    kind, by, around = _summed(outlet, sums)
    pixel = channel_sums.of_pixel(kind, by, first="count == 0")
    lines = [*_pixel(outlet, _vector_value(outlet), 1), *pixel]
    before = ["const int64_t vector = bundle;", *around[0]]
    return before, _each_vector(outlet, tile, lines), around[1]


def _values(outlet: Outlet, tile: Tile) -> list[str]:
    value = _vector_value(outlet)
    if value is not None:
        return _by_vectors(outlet, value, tile)
    assert outlet.epilogue is not None
    if outlet.epilogue.sums is not None:
        raise CodegenError("convolution: sums only of what vectors can do")
    return _by_lanes(outlet, in_indices(outlet.epilogue.value), tile)


def _vector_value(outlet: Outlet) -> str | None:
    """What is stored for the vector ``value``, where all of it has a vector form."""
    if outlet.epilogue is None:
        return "value"
    if outlet.dtype != outlet.image.buffer.dtype:
        return None
    return vector_text(in_indices(outlet.epilogue.value), outlet.dtype)


def has_sums_in_vectors(epilogue: Epilogue, dtype: str) -> bool:
    """Whether all that an epilogue stores and sums has a form on vectors."""
    values = (epilogue.value, *((epilogue.sums.by,) if epilogue.sums else ()))
    return all(
        value is None or vector_text(in_indices(value), dtype) is not None
        for value in values
    )


def in_indices(value: Expression) -> Expression:
    """What an epilogue computes, in the C's own indices."""
    return expression_sizes(value, lambda size: sizes.substitute(size, INDEX))


def _place(outlet: Outlet) -> str:
    return sizes.text(outlet.place)


def indices(outlet: Outlet, tile: Tile) -> list[str]:
    lines = [
        f"const int64_t out_row = {sizes.text(outlet.row)};",
        f"const int64_t out_column = {sizes.text(outlet.column)};",
    ]
    if tile.bounded:
        height, width = map(sizes.text, outlet.ends)
        lines += [f"if (out_row >= {height} || out_column >= {width})", "    continue;"]
    return lines


def _each_vector(
    outlet: Outlet,
    tile: Tile,
    lines: list[str],
    before: list[str] | None = None,
    after: list[str] | None = None,
) -> list[str]:
    """``lines`` for each pixel of a tile, the others for each vector of channels."""
    pixel = [*indices(outlet, tile), *lines]
    inner = text.block(tile.heads("i", "j"), pixel)
    first = f"const int64_t vector = bundle * {tile.vectors} + k;"
    body = [first, *(before or ()), *inner, *(after or ())]
    return text.block(tile.heads("k"), body)


def _by_vectors(outlet: Outlet, value: str, tile: Tile) -> list[str]:
    lines = _pixel(outlet, value, tile.width)
    sums = outlet.epilogue.sums if outlet.epilogue else None
    if sums is None:
        return _each_vector(outlet, tile, lines)
    kind, by, around = _summed(outlet, sums)
    return _each_vector(
        outlet, tile, [*lines, *channel_sums.of_pixel(kind, by)], *around
    )


def _summed(
    outlet: Outlet, sums: Sums
) -> tuple[str, str | None, tuple[list[str], list[str]]]:
    """The type, what results are multiplied by, and the lines around all pixels."""
    kind = suffix(outlet.dtype)
    by = vector_text(in_indices(sums.by), outlet.dtype) if sums.by else None
    return kind, by, channel_sums.around_pixels(kind, by)


def _pixel(outlet: Outlet, value: str | None, width: int) -> list[str]:
    """The ``result`` for one vector, stored."""
    kind = suffix(outlet.dtype)
    if outlet.image.channels % outlet.lanes:
        left = sizes.text(outlet.image.channels - outlet.lanes * symbol("vector"))
        value = f"sg_first_{kind}v({value}, {left})"
    return [
        f"const sg_{kind}v value = sum[k][i * {width} + j];",
        f"const sg_{kind}v result = {value};",
        f"sg_store_{kind}({outlet.image.buffer.name} + {_place(outlet)}, result);",
    ]


def _places(outlet: Outlet, tile: Tile) -> list[str]:
    if outlet.places is None:
        return []
    to = f"{outlet.places.name} + {_place(outlet)}"
    value = f"place[k][i * {tile.width} + j]"
    line = f"sg_store_places_{suffix(outlet.dtype)}({to}, {value});"
    return _each_vector(outlet, tile, [line])


def _by_lanes(outlet: Outlet, moved: Expression, tile: Tile) -> list[str]:
    kind, ctype = suffix(outlet.dtype), C_TYPES[outlet.dtype]
    pixels, lanes = tile.height * tile.width, outlet.lanes
    kept = text.block(
        text.unrolled((("k", tile.vectors), ("p", pixels))),
        [f"sg_store_{kind}(stored + (k * {pixels} + p) * {lanes}, sum[k][p]);"],
    )
    place = f"{outlet.image.buffer.name}[{_place(outlet)} + lane]"
    value = expressions.text(moved, "from[lane]")
    pixel = [
        *indices(outlet, tile),
        f"const int64_t pixel = k * {pixels} + i * {tile.width} + j;",
        f"const {ctype} *from = stored + pixel * {lanes};",
        "#pragma omp simd",
        *text.loop("lane", lanes, [f"{place} = {value};"]),
        *_cleared(outlet, place),
    ]
    inner = text.loop("i", tile.height, text.loop("j", tile.width, pixel))
    body = [f"const int64_t vector = bundle * {tile.vectors} + k;", *inner]
    return [
        f"{ctype} stored[{tile.vectors * pixels * lanes}];",
        *kept,
        *text.loop("k", tile.vectors, body),
    ]


def _cleared(outlet: Outlet, place: str) -> list[str]:
    channels, lanes = outlet.image.channels, outlet.lanes
    rest = channels % lanes
    if not rest:
        return []
    head = (
        f"for (int64_t lane = {rest}; "
        f"vector == {channels // lanes} && lane < {lanes}; lane++)"
    )
    return text.block(head, [f"{place} = 0;"])
