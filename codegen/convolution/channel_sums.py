"""Sums for each channel of the results of a convolution, while these are in registers.

A *turn* is what makes a part of the results in one go, by one thread: a band of a
sample, or the tiles of a unit of Winograd's. Each turn and vector of channels has a
*record* of its own in the kernel's shared memory, and a last phase adds up the records
in their order: so no result depends on threads. ``sums.h`` says what is in a record,
and why that does not round much.
"""

from __future__ import annotations

from collections.abc import Sequence

from codegen import sizes
from codegen.convolution import helpers, text
from codegen.convolution.geometry import Correlation
from codegen.emission import Emission, Phase
from codegen.ir import Sums
from codegen.scalars import suffix
from codegen.sizes import Size, symbol

ROWS = 4  # vectors in a record
HEADER = "sums.h"
COST = 8  # operations on each number of a record


def of(c: Correlation) -> Sums | None:
    """What is summed of the results of a correlation."""
    return c.epilogue.sums if c.epilogue else None


# --- in a turn ----------------------------------------------------------------------


def opened(c: Correlation, turn: Size, first: Size, vectors: int) -> list[str]:
    """Lines that clear the records of a turn, of ``vectors`` from the ``first`` on."""
    if of(c) is None:
        return []
    kind = suffix(c.source.buffer.dtype)
    at = sizes.text(turn * (c.channels.vectors * ROWS))
    from_ = sizes.text(first * ROWS)
    return [
        f"sg_{kind}v *const records = (sg_{kind}v *)shared + {at};",
        f"memset(records + {from_}, 0, {vectors * ROWS} * sizeof *records);",
    ]


def around_pixels(kind: str, by: str | None) -> tuple[list[str], list[str]]:
    """Lines before and after all pixels that a tile has of one vector of channels."""
    before = [
        f"sg_{kind}v *const record = records + vector * {ROWS};",
        f"sg_{kind}v pivot = {{0}}, sum_of_z[2] = {{{{0}}}};",
        f"sg_{kind}v of_products[2] = {{{{0}}}};",
        "int64_t count = 0;",
        "(void)pivot;",
    ]
    note = "sg_note_squares" if by is None else "sg_note"
    after = [f"{note}_{kind}(record, count, sum_of_z, of_products);"]
    return before, after


def of_pixel(kind: str, by: str | None, first: str = "i == 0 && j == 0") -> list[str]:
    """Lines that add the ``result`` of a pixel, and its product with ``by``.

    Neighbours go to two sums, so that none waits for the other. ``first`` says of a
    pixel in C that there was none before it.
    """
    add = ["count++;", "sum_of_z[j & 1] += z;"]
    if by is not None:
        return [
            f"const sg_{kind}v z = result;",
            *add,
            f"of_products[j & 1] += z * {by};",
        ]
    return [
        f"if ({first})",
        f"    pivot = sg_pivot_{kind}(record, result);",
        f"const sg_{kind}v z = result - pivot;",
        *add,
        "of_products[j & 1] += z * z;",
    ]


# --- all turns ----------------------------------------------------------------------


def emission(
    c: Correlation, phases: Sequence[Phase], turns: Size, headers: tuple[str, ...]
) -> Emission:
    """The phases of a convolution, and the one that adds up what ``turns`` left."""
    sums = of(c)
    if sums is None:
        return Emission(tuple(phases), headers=headers)
    each = c.channels.vectors * ROWS * c.lanes * c.item
    return Emission(
        (*phases, _added_up(c, sums, turns)), turns * each, (*headers, HEADER)
    )


def _added_up(c: Correlation, sums: Sums, turns: Size) -> Phase:
    """A unit of work is a vector of channels."""
    kind, vector = suffix(c.source.buffer.dtype), symbol("unit")
    start = sizes.text(vector * ROWS)
    lanes = sizes.text(sizes.minimum(c.result.channels - vector * c.lanes, c.lanes))
    at = sizes.text(vector * c.lanes)
    helper = helpers.channel_sums(c.source.buffer.dtype, not sums.by)
    call = [
        f"{helper.name}((const sg_{kind}v *)shared + {start},",
        f"    {sizes.text(turns)}, {c.channels.vectors * ROWS},",
        f"    {sums.totals[0].name} + {at}, {sums.totals[1].name} + {at}, {lanes});",
    ]
    lines = text.block("for (int64_t unit = begin; unit < end; unit++)", call)
    cost = turns * (ROWS * c.lanes * COST)
    return Phase(
        tuple(lines), sums.totals, c.channels.vectors, 0, cost, helpers=(helper,)
    )
