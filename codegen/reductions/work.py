"""What is reduced: terms, their accumulators, and the axes they are combined along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from codegen import sizes
from codegen.ir import Accumulate, Buffer, Call, Expression, Let, Literal, Local
from codegen.schedule import Axis, Statements
from codegen.sizes import Size


@dataclass(frozen=True)
class Term:
    """What is combined: ``function`` (add, mul, maximum, minimum) of ``value``."""

    function: str
    value: Expression


Terms = Callable[[tuple[Size, ...]], tuple[Statements, tuple[Term, ...]]]
Finish = Callable[[tuple[Size, ...], tuple[Expression, ...]], Statements]


@dataclass(frozen=True)
class Work:
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

    @property
    def neutrals(self) -> Statements:
        """Every total before anything is combined with it."""
        return tuple(
            Let(total.name, neutral(term.function, total.dtype))
            for total, term in zip(self.totals, self.terms, strict=True)
        )

    @property
    def cell(self) -> Statements:
        """What is done at one place: the lets, then a term into each total."""
        accumulated = (
            Accumulate(total, term.function, term.value)
            for total, term in zip(self.totals, self.terms, strict=True)
        )
        return (*self.lets, *accumulated)

    def with_cell(self, statements: Statements) -> Work:
        """The same with the lets and terms that its ``cell`` has become."""
        count = len(self.lets)
        terms = tuple(
            Term(one.function, one.value)
            for one in statements[count:]
            if isinstance(one, Accumulate)
        )
        return replace(self, lets=statements[:count], terms=terms)

    def buffers(self, kind: str, axes: Sequence[Axis]) -> list[tuple[Local, Buffer]]:
        """A temporary buffer over ``axes`` for each total."""
        shape = tuple(axis.extent for axis in axes)
        return [
            (total, Buffer(f"{self.name}_{kind}{number}", total.dtype, shape))
            for number, total in enumerate(self.totals)
        ]


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


def place(shape: tuple[Size, ...], indices: Sequence[Size]) -> Size:
    """Where the element at ``indices`` is in row-major memory of ``shape``."""
    strides = sizes.contiguous_strides(shape)
    return sum((i * s for i, s in zip(indices, strides, strict=True)), 0)
