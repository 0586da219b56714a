"""Good loop trees for sums, products and extrema over axes.

    reduction(extents, axes, terms, finish, "r3")      any of them, several at once
    arg_extremum(extents, axis, value, "maximum", store, name="r4")

Three forms. *Rows*: the contiguous axis is reduced, in vectors, one row a unit of
work. *Columns*: the contiguous axis is kept; a block of accumulators stays in the
cache while the rows go by. *Short*: a few terms are added up in registers, inside an
elementwise sweep. Where little is kept and much reduced, the first two are cut into
parts whose number depends on the sizes alone, never on the threads, and a second
step combines them. Sums and products of float32 are accumulated in float64, so the
error of the result is that of its last rounding, however many terms there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from codegen import sizes
from codegen.ir import (
    Accumulate,
    Buffer,
    Call,
    Expression,
    Kind,
    Let,
    Literal,
    Load,
    Local,
    Loop,
    SizeValue,
    Statement,
    Store,
)
from codegen.schedule import (
    Axis,
    Statements,
    ceiling,
    merged,
    nest,
    opened,
    span,
    swept,
)
from codegen.sizes import Size
from codegen.traverse import substituted

SHORT_TERMS = 16  # so few terms are added in registers
LANES = 1024  # accumulators that stay in the first-level cache
PART = 1 << 15  # elements that make one part of a split reduction
FEW = 32  # so few units of work call for a split
ROWS = 4  # rows added at once to a block of accumulators


@dataclass(frozen=True)
class Term:
    """What is combined: ``function`` (add, mul, maximum, minimum) of ``value``."""

    function: str
    value: Expression


Terms = Callable[[tuple[Size, ...]], tuple[Statements, tuple[Term, ...]]]
Finish = Callable[[tuple[Size, ...], tuple[Expression, ...]], Statements]


@dataclass(frozen=True)
class _Work:
    """A reduction that is being arranged; ``totals`` name the accumulators."""

    name: str
    axes: tuple[Axis, ...]
    reduced: frozenset[str]
    lets: Statements
    terms: tuple[Term, ...]
    totals: tuple[Local, ...]
    finish: Statements

    def split(self) -> tuple[list[Axis], list[Axis]]:
        """The kept axes and the reduced ones."""
        kept = [axis for axis in self.axes if axis.index not in self.reduced]
        return kept, [axis for axis in self.axes if axis.index in self.reduced]


def reduction(
    extents: Sequence[Size],
    axes: Sequence[int],
    terms: Terms,
    finish: Finish,
    name: str,
) -> tuple[Loop, ...]:
    """Combine ``terms`` along ``axes``, then ``finish``: one step, or two.

    ``terms(indices)`` gives statements and the terms at one place of ``extents``;
    ``finish(kept, totals)`` the statements that use the totals at one place of the
    kept axes. ``name`` makes the names of locals and buffers unique.
    """
    opened_axes, indices = opened(extents, f"{name}_i")
    reduced = frozenset(f"{name}_i{axis}" for axis in axes)
    lets, values = terms(indices)
    widened = tuple(Term(t.function, _widened(t)) for t in values)
    totals = tuple(
        Local(f"{name}_total{place}", term.value.dtype)
        for place, term in enumerate(widened)
    )
    kept = tuple(i for place, i in enumerate(indices) if place not in set(axes))
    pairs = zip(totals, values, strict=True)
    results = tuple(cast(total, term.value.dtype) for total, term in pairs)
    work = _Work(
        name,
        tuple(opened_axes),
        reduced,
        tuple(lets),
        widened,
        totals,
        finish(kept, results),
    )
    return _arranged(_joined(work))


def arg_extremum(
    extents: Sequence[Size],
    axis: int,
    value: Callable[[tuple[Size, ...]], Expression],
    function: str,
    store: Callable[[tuple[Size, ...], Expression], Statements],
    *,
    name: str,
) -> tuple[Loop, ...]:
    """The first place along ``axis`` of the maximum or minimum, or of a nan.

    The extremum is found first, then the smallest index that has it.
    """
    kept = tuple(extent for place, extent in enumerate(extents) if place != axis)
    strides = sizes.contiguous_strides(kept)
    dtype = value((0,) * len(extents)).dtype
    best = Buffer(f"{name}_best", dtype, kept)

    def place_of(indices: Sequence[Size]) -> Size:
        return sum((i * s for i, s in zip(indices, strides, strict=True)), 0)

    def candidate(indices: tuple[Size, ...]) -> tuple[Statements, tuple[Term, ...]]:
        there = place_of([i for p, i in enumerate(indices) if p != axis])
        held = Let(f"{name}_value", value(indices))
        local = Local(held.name, dtype)
        found: Expression = Call("eq", (local, Load(best, there)), "bool")
        if dtype.startswith("float"):
            found = Call("logical_or", (found, Call("isnan", (local,), "bool")), "bool")
        none = Literal(np.iinfo(np.int64).max, "int64")
        index = Call("where", (found, SizeValue(indices[axis]), none), "int64")
        return (held,), (Term("minimum", index),)

    first = reduction(
        extents,
        (axis,),
        lambda indices: ((), (Term(function, value(indices)),)),
        lambda indices, totals: (Store(best, place_of(indices), totals[0]),),
        f"{name}a",
    )
    second = reduction(
        extents,
        (axis,),
        candidate,
        lambda indices, totals: store(indices, totals[0]),
        f"{name}b",
    )
    return first + second


def neutral(function: str, dtype: str) -> Literal:
    """The value that ``function`` leaves alone: 0, 1, or the farthest extreme."""
    if function in ("add", "mul"):
        return Literal(int(function == "mul"), dtype)
    largest = function == "minimum"
    if dtype == "bool":
        return Literal(largest, dtype)
    if dtype.startswith("float"):
        return Literal(np.inf if largest else -np.inf, dtype)
    info = np.iinfo(dtype)
    return Literal(int(info.max if largest else info.min), dtype)


def cast(expression: Expression, dtype: str) -> Expression:
    """``expression`` as a ``dtype``."""
    if expression.dtype == dtype:
        return expression
    return Call("cast", (expression,), dtype)


def _widened(term: Term) -> Expression:
    adds = term.function in ("add", "mul")
    return cast(term.value, "float64") if adds and _single(term) else term.value


def _single(term: Term) -> bool:
    return term.value.dtype in ("float16", "float32")


def _joined(work: _Work) -> _Work:
    """``work`` with axes merged where both are reduced or both kept."""
    cells = (*work.lets, *_accumulated(work))
    axes, statements = merged(
        work.axes,
        (*cells, *work.finish),
        lambda a, b: (a.index in work.reduced) == (b.index in work.reduced),
    )
    taken = _taken_apart(work, statements[: len(cells)])
    return replace(taken, axes=tuple(axes), finish=statements[len(cells) :])


def _arranged(work: _Work) -> tuple[Loop, ...]:
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


def _short(work: _Work) -> Loop:
    """Every total in a register, its few terms written out."""
    kept, reduced = work.split()
    body: Statements = (*work.lets, *_accumulated(work))
    if reduced:
        body = (nest(reduced, body, Kind.UNROLL),)
    return swept(kept, (*_neutrals(work), *body, *work.finish))


def _rows(work: _Work) -> Loop:
    """One row, in vectors, for each place of the kept axes."""
    kept, (*outer, last) = work.split()
    cell = (*work.lets, *_accumulated(work))
    inner: Statement = Loop(last.index, 0, last.extent, cell, Kind.SIMD)
    if outer:
        inner = nest(outer, (inner,), Kind.SERIAL)
    return nest(kept, (*_neutrals(work), inner, *work.finish), Kind.PARALLEL)


def _columns(work: _Work) -> Loop:
    """Rows added to blocks of accumulators that the cache holds."""
    kept, (*outer, row) = work.split()
    *units, lane = kept
    totals = _buffers(work, "totals", kept)
    place = _place(kept)
    loaded = tuple(Let(t.name, Load(b, place)) for t, b in totals)
    stored = tuple(Store(b, place, t) for t, b in totals)
    blocks, start, stop = span(lane, LANES)

    def sweep(*body: Statement) -> Loop:
        return Loop(lane.index, start, stop, body, Kind.SIMD)

    rows: Statements = _row_groups(
        work, row, lambda *cell: sweep(*loaded, *cell, *stored)
    )
    if outer:
        rows = (nest(outer, rows, Kind.SERIAL),)
    body = (sweep(*_neutrals(work), *stored), *rows, sweep(*loaded, *work.finish))
    return nest([*units, *blocks], body, Kind.PARALLEL)


def _row_groups(work: _Work, row: Axis, sweep: Callable[..., Statement]) -> Statements:
    """A few rows at a time, to load accumulators less often; then the rest."""
    cell = (*work.lets, *_accumulated(work))
    groups = sizes.floordiv(row.extent, ROWS)
    group, inside = f"{row.index}_group", f"{row.index}_in"
    index = sizes.symbol(group) * ROWS + sizes.symbol(inside)
    several = Loop(inside, 0, ROWS, substituted(cell, row.index, index), Kind.UNROLL)
    return (
        Loop(group, 0, groups, (sweep(several),)),
        Loop(row.index, groups * ROWS, row.extent, (sweep(*cell),)),
    )


def _split(work: _Work) -> tuple[Loop, ...]:
    """Parts of the outermost reduced axis, each reduced alone, then the parts."""
    kept, (cut, *rest) = work.split()
    inner = sizes.product(tuple(axis.extent for axis in rest + kept[-1:]))
    length = sizes.maximum(1, sizes.floordiv(PART, sizes.maximum(1, inner)))
    part = Axis(f"{work.name}_part", ceiling(cut.extent, length))
    start = sizes.symbol(part.index) * length
    piece = Axis(cut.index, sizes.minimum(length, cut.extent - start))
    partial = _buffers(work, "parts", [part, *kept])
    place = _place([part, *kept])
    moved = substituted(
        (*work.lets, *_accumulated(work)), cut.index, start + sizes.symbol(cut.index)
    )
    first = replace(
        _taken_apart(work, moved),
        axes=(part, *(piece if axis == cut else axis for axis in work.axes)),
        name=f"{work.name}_first",
        finish=tuple(Store(buffer, place, total) for total, buffer in partial),
    )
    second = replace(
        work,
        axes=(part, *kept),
        reduced=frozenset({part.index}),
        lets=(),
        terms=tuple(
            Term(term.function, Load(buffer, place))
            for term, (_, buffer) in zip(work.terms, partial, strict=True)
        ),
    )
    return _whole(first), _whole(second)


def _whole(work: _Work) -> Loop:
    return _rows(work) if work.axes[-1].index in work.reduced else _columns(work)


def _taken_apart(work: _Work, statements: Statements) -> _Work:
    """``work`` with the lets and accumulations that ``statements`` have become."""
    count = len(work.lets)
    terms = tuple(
        Term(cell.function, cell.value)
        for cell in statements[count:]
        if isinstance(cell, Accumulate)
    )
    return replace(work, lets=statements[:count], terms=terms)


def _accumulated(work: _Work) -> Statements:
    return tuple(
        Accumulate(total, term.function, term.value)
        for total, term in zip(work.totals, work.terms, strict=True)
    )


def _neutrals(work: _Work) -> Statements:
    return tuple(
        Let(total.name, neutral(term.function, total.dtype))
        for total, term in zip(work.totals, work.terms, strict=True)
    )


def _buffers(
    work: _Work, kind: str, axes: Sequence[Axis]
) -> list[tuple[Local, Buffer]]:
    """A temporary buffer over ``axes`` for each total."""
    shape = tuple(axis.extent for axis in axes)
    return [
        (total, Buffer(f"{work.name}_{kind}{number}", total.dtype, shape))
        for number, total in enumerate(work.totals)
    ]


def _place(axes: Sequence[Axis]) -> Size:
    strides = sizes.contiguous_strides(tuple(axis.extent for axis in axes))
    indices = [sizes.symbol(axis.index) for axis in axes]
    return sum((i * s for i, s in zip(indices, strides, strict=True)), 0)
