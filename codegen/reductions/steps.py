"""From terms to loop trees: any reduction, and where an extremum is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from codegen.ir import (
    Buffer,
    Call,
    Expression,
    Let,
    Literal,
    Load,
    Local,
    Loop,
    SizeValue,
    Store,
)
from codegen.reductions.forms import arranged
from codegen.reductions.work import Finish, Term, Terms, Work, cast, place
from codegen.schedule import Statements, merged, opened
from codegen.sizes import Size

_NOWHERE = Literal(np.iinfo(np.int64).max, "int64")


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
    loops, indices = opened(extents, f"{name}_i")
    reduced = frozenset(f"{name}_i{axis}" for axis in axes)
    lets, values = terms(indices)
    widened = tuple(Term(t.function, _widened(t)) for t in values)
    totals = tuple(
        Local(f"{name}_total{number}", term.value.dtype)
        for number, term in enumerate(widened)
    )
    kept = tuple(i for axis, i in enumerate(indices) if axis not in set(axes))
    pairs = zip(totals, values, strict=True)
    results = tuple(cast(total, term.value.dtype) for total, term in pairs)
    finished = finish(kept, results)
    work = Work(name, tuple(loops), reduced, tuple(lets), widened, totals, finished)
    return arranged(_joined(work))


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
    kept = tuple(extent for at, extent in enumerate(extents) if at != axis)
    best = Buffer(f"{name}_best", value((0,) * len(extents)).dtype, kept)
    first = reduction(
        extents,
        (axis,),
        lambda indices: ((), (Term(function, value(indices)),)),
        lambda indices, totals: (Store(best, place(kept, indices), totals[0]),),
        f"{name}a",
    )
    second = reduction(
        extents,
        (axis,),
        _place_of(best, axis, value, f"{name}_value"),
        lambda indices, totals: store(indices, totals[0]),
        f"{name}b",
    )
    return first + second


def _place_of(
    best: Buffer,
    axis: int,
    value: Callable[[tuple[Size, ...]], Expression],
    name: str,
) -> Callable[[tuple[Size, ...]], tuple[Statements, tuple[Term, ...]]]:
    """The smallest index along ``axis`` at which ``value`` is what ``best`` holds."""

    def candidate(indices: tuple[Size, ...]) -> tuple[Statements, tuple[Term, ...]]:
        there = place(best.shape, [i for at, i in enumerate(indices) if at != axis])
        held = Let(name, value(indices))
        found = _is_extreme(Local(name, best.dtype), Load(best, there))
        index = Call("where", (found, SizeValue(indices[axis]), _NOWHERE), "int64")
        return (held,), (Term("minimum", index),)

    return candidate


def _is_extreme(value: Expression, best: Expression) -> Expression:
    """Whether ``value`` is the extremum; a nan always is."""
    equal = Call("eq", (value, best), "bool")
    if not value.dtype.startswith("float"):
        return equal
    return Call("logical_or", (equal, Call("isnan", (value,), "bool")), "bool")


def _widened(term: Term) -> Expression:
    """What is added up: float32 in float64, so that only the last rounding counts."""
    single = term.value.dtype in ("float16", "float32")
    adds = term.function in ("add", "mul")
    return cast(term.value, "float64") if adds and single else term.value


def _joined(work: Work) -> Work:
    """``work`` with axes merged where both are reduced or both kept."""
    count = len(work.cell)
    axes, statements = merged(
        work.axes,
        (*work.cell, *work.finish),
        lambda a, b: (a.index in work.reduced) == (b.index in work.reduced),
    )
    taken = work.with_cell(statements[:count])
    return replace(taken, axes=tuple(axes), finish=statements[count:])
