"""The C that runs the kernels of a program in order: jobs, loops, and strands.

The strands of a loop are a function of their own, which is called like a phase with a
range of strands. Each has its own numbers, and its own part of the memory that only
the loop uses; the kernels in it are told that there is but one thread. How jobs are
handed to the threads stands in ``handing.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, starmap

from codegen import sizes
from codegen.branches import Job
from codegen.emission import Emission
from codegen.handing import APART, Handing, braced, size_lines
from codegen.ir import Buffer, Kernel, Program, Repeat, Strands
from codegen.memory import Slot
from codegen.repeats import Leaf, indices
from codegen.sharing import Call
from codegen.sizes import Size


@dataclass
class Run:
    """The lines that run kernels, made in the order of the leaves.

    ``apart`` are the functions that they call for strands and lines, made on the way.
    """

    program: Program
    line: Sequence[Leaf]
    emissions: Sequence[Emission]
    jobs: Sequence[Job]
    calls: Sequence[Sequence[Call]]  # of each leaf
    slots: Sequence[Slot]
    places: Mapping[str, int]
    apart: list[str] = field(default_factory=list)
    waiting: Iterator[Job] = field(init=False)
    handing: Handing = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = iter(self.jobs)
        known = self.program, self.emissions, self.calls, self.places
        self.handing = Handing(*known, self.apart)

    def lines(self, kernels: Sequence[Kernel]) -> Iterator[str]:
        """The kernels one after another, those with a guard in an ``if``."""
        for guard, some in groupby(kernels, lambda kernel: kernel.guard):
            if not guard:
                yield from self._unguarded(tuple(some))
                continue
            yield f"if ({' && '.join(starmap(self._condition, guard))}) {{"
            for line in self._unguarded(tuple(some)):
                yield f"    {line}"
            yield "}"

    def _condition(self, buffer: Buffer, holds: bool) -> str:
        """Whether a byte says so; it is whatever it was where the call has failed."""
        return f"{'' if holds else '!'}buffers[{self.places[buffer.name]}][0]"

    def _unguarded(self, kernels: Sequence[Kernel]) -> Iterator[str]:
        """The kernels one after another, those of a loop inside its braces."""
        rest = iter(kernels)
        for kernel in rest:
            if isinstance(kernel.step, Repeat):
                yield f"/* {_comment(kernel.label)} */"
                strands = kernel.step.strands
                parts = self._strands(kernel.step, strands) if strands else None
                yield from parts or self._repeat(kernel.step)
                continue
            job = next(self.waiting)
            together = (kernel, *islice(rest, len(job.leaves) - 1))
            for index, one in zip(job.leaves, together, strict=True):
                yield f"/* {index}: {_comment(one.label)} */"
            yield from self.handing.lines(job)

    # --- loops --------------------------------------------------------------------

    def _repeat(self, step: Repeat) -> Iterator[str]:
        name, count = step.index, sizes.text(step.count)
        yield f"for (int64_t {name} = 0; {name} < {count}; {name}++) {{"
        yield f"    sizes[{self._place(name)}] = {name};"
        for line in self.lines(step.body):
            yield f"    {line}"
        yield "}"

    def _place(self, name: str) -> int:
        """Where the phases find a number that changes from turn to turn."""
        return len(self.program.sizes) + list(indices(self.program.kernels)).index(name)

    def _strands(self, step: Repeat, strands: Strands) -> Iterator[str]:
        """The call of a function that takes some strands through all turns."""
        name = f"sg_strands_{self.program.name}_{strands.first}"
        turns = list(self._repeat(step))
        lines = [*self._own_frame(), *self._each(strands, turns)]
        self.apart.append(f"{APART.format(name=name)}\n{braced(lines)}")
        work = sizes.text(strand_cost(strands, self.line, self.emissions))
        yield f"sg_strands({name}, &frame, {sizes.text(strands.count)}, {work});"

    def _own_frame(self) -> Iterator[str]:
        """A frame like that of all, but with numbers and buffers of one's own."""
        given = len(self.program.sizes)
        yield "(void)scratch;"
        yield f"int64_t sizes[{given + len(list(indices(self.program.kernels)))}];"
        yield "memcpy(sizes, all->sizes, sizeof sizes);"
        yield f"char *buffers[{max(len(self.places), 1)}];"
        yield "memcpy(buffers, all->buffers, sizeof buffers);"
        yield "sg_frame frame = *all;"
        yield "frame.sizes = sizes, frame.buffers = buffers;"
        yield from size_lines(self.program, "sizes")
        yield "frame.members = sg_own_members(all);"

    def _each(self, strands: Strands, turns: Sequence[str]) -> Iterator[str]:
        """The loop over strands ``begin .. end``."""
        total, count = sizes.text(strands.total), sizes.text(strands.count)
        first, rows = strands.first, strands.rows
        yield "for (; begin < end; begin++) {"
        yield f"    const int64_t {first} = ({total}) * begin / ({count});"
        yield (
            f"    const int64_t {rows} = ({total}) * (begin + 1) / ({count}) - {first};"
        )
        yield f"    sizes[{self._place(first)}] = {first};"
        yield f"    sizes[{self._place(rows)}] = {rows};"
        for slot in self.slots:
            if slot.apart != 0 and self._inside(slot, strands):
                own, step = f"buffers[{self.places[slot.name]}]", sizes.text(slot.apart)
                yield f"    {own} = all->{own} + begin * ({step});"
        for line in turns:
            yield f"    {line}"
        yield "}"

    def _inside(self, slot: Slot, strands: Strands) -> bool:
        return self.line[slot.first].strands == strands


def strand_cost(
    strands: Strands, line: Sequence[Leaf], emissions: Sequence[Emission]
) -> Size:
    """Rough scalar operations of one strand, by its first turn."""
    total: Size = 0
    for leaf, emission in zip(line, emissions, strict=True):
        if leaf.strands == strands:
            for phase in emission.phases:
                total = total + phase.units * phase.cost * leaf.times
    return sizes.substitute(total, {strands.rows: strands.most, strands.first: 0})


def _comment(label: str) -> str:
    """``label`` as harmless text, whatever is in it."""
    return re.sub(r"[^\w .,:()\[\]<>=+-]", "", label)
