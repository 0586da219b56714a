"""What happens to a tile of sums on its way to memory: pooling, then the epilogue."""

from __future__ import annotations

from dataclasses import replace

from codegen import expressions, sizes
from codegen.convolution import text
from codegen.convolution.geometry import Correlation
from codegen.convolution.outlets import Outlet, Tile, in_indices, indices, stored
from codegen.convolution.vector_text import vector_text
from codegen.ir import Buffer, Epilogue, Gather, Load, Pooling
from codegen.scalars import suffix
from codegen.sizes import Size, symbol
from codegen.traverse import parts

MOST_AT_ONCE = 8  # columns of a row of sums in memory


def at_once(width: int) -> int:
    """How many of ``width`` columns of such sums go through the epilogue at once."""
    return max(n for n in range(1, MOST_AT_ONCE + 1) if width % n == 0)


def buffers_of(epilogue: Epilogue | None) -> tuple[Buffer, ...]:
    """The buffers that an epilogue reads."""
    return tuple(dict.fromkeys(load.buffer for load in loads_of(epilogue)))


def loads_of(epilogue: Epilogue | None) -> list[Load | Gather]:
    """What an epilogue reads."""
    if epilogue is None:
        return []
    by = epilogue.sums.by if epilogue.sums else None
    found = (*parts(epilogue.value), *(parts(by) if by else ()))
    return [part for part in found if isinstance(part, Load | Gather)]


def cost(epilogue: Epilogue | None) -> int:
    """Rough operations for one output element."""
    return 1 + (expressions.cost(epilogue.value) if epilogue else 0)


def written_and_read(c: Correlation) -> tuple[Buffer, ...]:
    """The buffers that what follows the sums of a correlation uses."""
    places = (c.places,) if c.places else ()
    reads = (*buffers_of(c.before), *buffers_of(c.epilogue))
    return (c.result.buffer, *places, *reads)


def store_lines(c: Correlation, tile: Tile) -> list[str]:
    """Lines that send a tile of sums through the epilogue to memory."""
    outlet = outlet_of(c)
    if c.pooled == 1:
        return stored(outlet, tile)
    half = replace(tile, height=tile.height // 2, width=tile.width // 2)
    lines = [*_before(c, tile), *_pooled(c, tile, half), *stored(outlet, half)]
    return text.block("", lines)


def store_rows(c: Correlation, tile: Tile, source: str, at: Size) -> list[str]:
    """Lines that send all sums of a sample, which lie in memory, the same way.

    A ``tile`` is a part of a row; its vector k of pixel j is at ``source`` + ``at``.
    """
    kind, width = suffix(c.source.buffer.dtype), c.columns.lengths[0]
    lines = [
        f"sg_{kind}v sum[{tile.vectors}][{tile.width}];",
        tile.heads("k", "j"),
        f"    sum[k][j] = sg_load_{kind}({source} + {sizes.text(at)});",
        *store_lines(c, tile),
    ]
    head = f"for (int64_t column = 0; column < {width}; column += {tile.width})"
    return text.loop("row", c.rows.lengths[0], text.block(head, lines))


def outlet_of(c: Correlation, scale: int | None = None) -> Outlet:
    """Where sums go, each of which stands for ``scale`` rows and columns."""
    row, column = (
        axis.start
        + axis.step * (sizes.floordiv(symbol(corner), scale or c.pooled) + at)
        for axis, corner, at in (
            (c.rows, "row", symbol("i")),
            (c.columns, "column", symbol("j")),
        )
    )
    dtype = c.source.buffer.dtype
    return Outlet(c.result, dtype, c.lanes, c.epilogue, row, column, c.places)


def _before(c: Correlation, tile: Tile) -> list[str]:
    """Lines that do to the sums what comes before pooling."""
    if c.before is None:
        return []
    dtype = c.source.buffer.dtype
    value = vector_text(in_indices(c.before.value), dtype)
    assert value is not None  # or else windows are pooled from bands
    outlet = outlet_of(c, 1)
    at = f"sum[k][i * {tile.width} + j]"
    lines = [
        f"const int64_t vector = bundle * {tile.vectors} + k;",
        *indices(outlet, replace(tile, bounded=False)),
        f"const sg_{suffix(dtype)}v value = {at};",
        f"{at} = {value};",
        "(void)vector, (void)out_row, (void)out_column;",
    ]
    return text.block(tile.heads("k", "i", "j"), lines)


def _pooled(c: Correlation, tile: Tile, half: Tile) -> list[str]:
    """``sum`` is then one number for each 2 by 2 of the sums."""
    assert c.pool is not None
    kind, width = suffix(c.source.buffer.dtype), tile.width
    place = f"[k][i * {half.width} + j]"
    shape = f"[{tile.vectors}][{half.height * half.width}]"
    others = [f"at[{offset}]" for offset in (1, width, width + 1)]
    return [
        f"sg_{kind}v pooled{shape};",
        *([f"sg_{kind}m place{shape};"] if c.places else []),
        *text.block(
            half.heads("k", "i", "j"),
            [
                f"const sg_{kind}v *const at = sum[k] + 2 * i * {width} + 2 * j;",
                *_of_four(c.pool, kind, others, place, c.places is not None),
            ],
        ),
        f"sg_{kind}v (*const sum){shape[shape.index(']') + 1 :]} = pooled;",
    ]


def _of_four(
    pool: Pooling, kind: str, others: list[str], at: str, placed: bool
) -> list[str]:
    """``pooled`` of ``at[0]`` and three others, and the ``place`` of the largest."""
    if placed:
        first = [f"pooled{at} = at[0], place{at} = (sg_{kind}m){{0}};"]
        return first + [
            f"sg_keep_first_{kind}(&pooled{at}, &place{at}, {other}, {number});"
            for number, other in enumerate(others, 1)
        ]
    b, c, d = others
    if pool.mean:
        return [f"pooled{at} = (at[0] + {b} + {c} + {d}) / sg_splat_{kind}(4);"]
    larger = f"sg_maximum_{kind}v"
    return [f"pooled{at} = {larger}({larger}(at[0], {b}), {larger}({c}, {d}));"]
