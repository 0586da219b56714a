"""The forms a reduction takes as loops, and which of them suits its sizes.

*Rows*: the contiguous axis is reduced, in vectors, one row a unit of work. *Columns*:
the contiguous axis is kept; a block of accumulators stays in the cache while the rows
go by. *Short*: a few terms are added up in registers, inside an elementwise sweep.
Where little is kept and much reduced, the first two are *split* into parts whose
number depends on the sizes alone, never on the threads, and a second step combines
them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from codegen import sizes
from codegen.ir import Buffer, Kind, Let, Load, Local, Loop, Statement, Store
from codegen.reductions.work import Term, Work, place
from codegen.schedule import Axis, Statements, ceiling, nest, span, swept
from codegen.sizes import Size
from codegen.traverse import substituted

SHORT_TERMS = 16  # so few terms are added in registers
LANES = 1024  # accumulators that stay in the first-level cache
PART = 1 << 13  # elements that make one part of a split reduction
LEAST = 64  # of them in each total, so that the parts are quickly combined
FEW = 32  # so few units of work call for a split
ROWS = 4  # rows added at once to a block of accumulators


def arranged(work: Work) -> tuple[Loop, ...]:
    """The form that suits the sizes: short, rows, columns, or one of these split."""
    kept, reduced = work.split()
    count = sizes.product(tuple(axis.extent for axis in reduced))
    if isinstance(count, int) and count <= SHORT_TERMS:
        return (_short(work),)
    lanes = 1 if work.axes[-1].index in work.reduced else LANES
    units = ceiling(sizes.product(tuple(axis.extent for axis in kept)), lanes)
    much = not isinstance(count, int) or count * lanes > 2 * PART
    few = isinstance(units, int) and units < FEW
    return _split(work) if few and much else (_whole(work),)


def _short(work: Work) -> Loop:
    """Every total in a register, its few terms written out; none of no elements."""
    kept, reduced = work.split()
    body = work.cell
    if any(axis.extent == 0 for axis in reduced):
        body = ()  # beside it, an axis need not be known
    elif reduced:
        body = (nest(reduced, body, Kind.UNROLL),)
    return swept(kept, (*work.neutrals, *body, *work.finish))


def _whole(work: Work) -> Loop:
    return _rows(work) if work.axes[-1].index in work.reduced else _columns(work)


def _rows(work: Work) -> Loop:
    """One row, in vectors, for each place of the kept axes."""
    kept, (*outer, last) = work.split()
    inner: Statement = Loop(last.index, 0, last.extent, work.cell, Kind.SIMD)
    if outer:
        inner = nest(outer, (inner,), Kind.SERIAL)
    return nest(kept, (*work.neutrals, inner, *work.finish), Kind.PARALLEL)


def _columns(work: Work) -> Loop:
    """Rows added to blocks of accumulators that the cache holds."""
    kept, (*outer, row) = work.split()
    *units, lane = kept
    totals = work.buffers("totals", kept)
    at = _place(kept)
    loaded = tuple(Let(t.name, Load(b, at)) for t, b in totals)
    stored = tuple(Store(b, at, t) for t, b in totals)
    blocks, start, stop = span(lane, LANES)

    def sweep(*body: Statement) -> Loop:
        return Loop(lane.index, start, stop, body, Kind.SIMD)

    rows: Statements = _row_groups(
        work, row, lambda *cell: sweep(*loaded, *cell, *stored)
    )
    if outer:
        rows = (nest(outer, rows, Kind.SERIAL),)
    body = (sweep(*work.neutrals, *stored), *rows, sweep(*loaded, *work.finish))
    return nest([*units, *blocks], body, Kind.PARALLEL)


def _row_groups(work: Work, row: Axis, sweep: Callable[..., Statement]) -> Statements:
    """A few rows at a time, to load accumulators less often; then the rest."""
    groups = sizes.floordiv(row.extent, ROWS)
    group, inside = f"{row.index}_group", f"{row.index}_in"
    index = sizes.symbol(group) * ROWS + sizes.symbol(inside)
    cell = substituted(work.cell, row.index, index)
    several = Loop(inside, 0, ROWS, cell, Kind.UNROLL)
    return (
        Loop(group, 0, groups, (sweep(several),)),
        Loop(row.index, groups * ROWS, row.extent, (sweep(*work.cell),)),
    )


def _split(work: Work) -> tuple[Loop, ...]:
    """Parts of the outermost reduced axis, each reduced alone, then the parts."""
    kept, (cut, *rest) = work.split()
    along = sizes.maximum(1, sizes.product(tuple(axis.extent for axis in rest)))
    across = sizes.maximum(1, sizes.product(tuple(axis.extent for axis in kept[-1:])))
    length = sizes.maximum(ceiling(LEAST, along), sizes.floordiv(PART, along * across))
    part = Axis(f"{work.name}_part", ceiling(cut.extent, length))
    start = sizes.symbol(part.index) * length
    piece = Axis(cut.index, sizes.minimum(length, cut.extent - start))
    partial = work.buffers("parts", [part, *kept])
    at = _place([part, *kept])
    moved = substituted(work.cell, cut.index, start + sizes.symbol(cut.index))
    first = replace(
        work.with_cell(moved),
        axes=(part, *(piece if axis == cut else axis for axis in work.axes)),
        name=f"{work.name}_first",
        finish=tuple(Store(buffer, at, total) for total, buffer in partial),
    )
    return _whole(first), _whole(_of_parts(work, (part, *kept), partial))


def _of_parts(
    work: Work, axes: tuple[Axis, ...], partial: Sequence[tuple[Local, Buffer]]
) -> Work:
    """The reduction of the parts, which are along the first of ``axes``."""
    terms = (
        Term(term.function, Load(buffer, _place(axes)))
        for term, (_, buffer) in zip(work.terms, partial, strict=True)
    )
    reduced = frozenset({axes[0].index})
    return replace(work, axes=axes, reduced=reduced, lets=(), terms=tuple(terms))


def _place(axes: Sequence[Axis]) -> Size:
    """Where the element that the loops over ``axes`` are at is in memory."""
    indices = [sizes.symbol(axis.index) for axis in axes]
    return place(tuple(axis.extent for axis in axes), indices)
