"""Indices that mix ranges and arrays of positions: expressions of simpler ops.

They are ops of their own so that ``set_subtensor(x[1:, rows], value)`` knows what one
index expression was; they never reach a back end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from symgraph.graph import Op, TensorType, Variable
from symgraph.ops.reshaping import moveaxis
from symgraph.ops.shape import shape
from symgraph.ops.subtensor import At, Entry, Range, SetSubtensor, Subtensor, unknowns
from symgraph.ops.take import Put, Take


@dataclass(frozen=True)
class Positions:
    """One dimension taken at an array of positions, which is an input of the op."""

    def __repr__(self) -> str:
        return "[]"


MixedIndex: TypeAlias = "tuple[Entry | Positions, ...]"


@dataclass(frozen=True)
class _Plan:
    """One basic index, then the positions at ``axes``, brought to ``place`` first."""

    basic: tuple[Entry, ...]
    scalars: tuple[Variable, ...]
    axes: tuple[int, ...]
    place: int
    arrays: tuple[Variable, ...]

    @property
    def together(self) -> tuple[int, ...]:
        """Where the indexed dimensions stand when they are taken."""
        return tuple(range(self.place, self.place + len(self.axes)))


@dataclass(frozen=True)
class AdvancedSubtensor(Op):
    """y = x[index], NumPy's rules; inputs x, int64 scalars for each None, arrays.

    ``apart`` says that ``...`` stood between positions, for no dimension at all.
    """

    index: MixedIndex
    apart: bool = False

    def infer_type(self, *inputs: TensorType) -> TensorType:
        """The type of the expression it stands for."""
        return self.expand(*(Variable(t) for t in inputs)).type

    def infer_shape(self, shapes, values):
        """The ranges' sizes, and the shape of the positions at their place."""
        given = iter(values[1:])
        sizes = []
        for entry in self.index:
            if isinstance(entry, At) and entry.position is None:
                next(given)
            if isinstance(entry, Range):
                start_size = (entry.start, entry.size)
                filled = [next(given) if n is None else n for n in start_size]
                sizes.append(filled[1])
        place = _place(self.index, self.apart)
        return (*sizes[:place], *shapes[-1], *sizes[place:])

    def expand(self, *inputs: Variable) -> Variable:
        """The basic part, then the positions."""
        plan = _plan(self.index, self.apart, inputs)
        part = Subtensor(plan.basic)(inputs[0], *plan.scalars)
        part = moveaxis(part, plan.axes, plan.together)
        return Take(plan.place, len(plan.axes))(part, *plan.arrays)


@dataclass(frozen=True)
class AdvancedSetSubtensor(Op):
    """y = x with value written, or with ``increment`` added, at ``index``.

    Inputs are x, value, the int64 scalars and the arrays of ``AdvancedSubtensor``.
    """

    index: MixedIndex
    increment: bool = False
    apart: bool = False

    def infer_type(self, *inputs: TensorType) -> TensorType:
        """The type of x."""
        return self.expand(*(Variable(t) for t in inputs)).type

    def expand(self, *inputs: Variable) -> Variable:
        """The basic part of x, written to at the positions, put back."""
        x, value, *rest = inputs
        plan = _plan(self.index, self.apart, (x, *rest))
        part = moveaxis(
            Subtensor(plan.basic)(x, *plan.scalars), plan.axes, plan.together
        )
        put = Put(plan.place, len(plan.axes), self.increment)
        written = moveaxis(put(part, value, *plan.arrays), plan.together, plan.axes)
        return SetSubtensor(plan.basic)(x, written, *plan.scalars)


def _plan(index: MixedIndex, apart: bool, inputs: Sequence[Variable]) -> _Plan:
    x, *rest = inputs
    count = sum(isinstance(entry, Positions) for entry in index)
    scalars, arrays = rest[: len(rest) - count], rest[len(rest) - count :]
    basic: list[Entry] = []
    extra: list[Variable] = []
    given = iter(scalars)
    for entry, size in zip(index, shape(x), strict=True):
        if isinstance(entry, Positions):
            basic.append(Range(0, size if isinstance(size, int) else None))
            extra += [size] if isinstance(size, Variable) else []
        else:
            basic.append(entry)
            extra += [next(given) for n in unknowns((entry,)) if n is None]
    kept = [entry for entry in index if not isinstance(entry, At)]
    axes = tuple(i for i, entry in enumerate(kept) if isinstance(entry, Positions))
    place = _place(index, apart)
    return _Plan(tuple(basic), tuple(extra), axes, place, tuple(arrays))


def _place(index: Sequence[Any], apart: bool) -> int:
    """Where the positions' dimensions go: in place, or first if they are apart."""
    advanced = [i for i, entry in enumerate(index) if not isinstance(entry, Range)]
    if apart or advanced[-1] - advanced[0] + 1 != len(advanced):
        return 0
    return advanced[0]
