"""Kernels in a row that fall into two lines which do not need each other.

The gradients of a layer's weights and of its input are made of the same cotangent, and
neither needs the other. Where such kernels are short, to share each one out costs more
than it saves: threads wait for each other at every end, and fetch what the other has
written. So a call may give each line to one thread, from its first kernel to its last;
``sg_branches`` in ``parallel.h`` decides that by what the sizes and the threads are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from codegen import sizes
from codegen.accesses import Accesses, accesses_of
from codegen.emission import VECTOR, Emission, Phase
from codegen.ir import Gemm, Kernel, Loop, Role
from codegen.memory import buffer_bytes
from codegen.repeats import Leaf, Spans
from codegen.sizes import Size
from codegen.traverse import has_check

HANDOVER = 1 << 13  # what sharing out costs, in ``Work``; ``parallel.h`` knows it too
LEAST = HANDOVER // 2  # of the shorter line, for two lines to be worth looking at
WORTH_SHARING = 1 << 12  # of a phase's own count; about that of ``SG_SERIAL_COST``
LONGEST = 32  # kernels of both lines
MOST_BYTES = 1 << 18  # of temporaries, all of which live as long as the lines


@dataclass(frozen=True)
class Work:
    """What kernels cost, in operations of products: one a unit of ``Gemm``'s phases.

    ``alone`` is in phases of one unit, ``shared`` in all others; ``handovers`` are how
    many of these are worth sharing out.
    """

    alone: Size = 0
    shared: Size = 0
    handovers: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.alone + other.alone,
            self.shared + other.shared,
            self.handovers + other.handovers,
        )

    @property
    def total(self) -> Size:
        """What one thread does."""
        return self.alone + self.shared


@dataclass(frozen=True)
class Job:
    """Leaves that run together, or one; ``lines`` are their branches, if they have."""

    leaves: range
    lines: tuple[tuple[int, ...], ...] = ()


@dataclass
class _Group:
    """Leaves that need each other, or a line of them, and what they cost."""

    leaves: list[int] = field(default_factory=list)
    accesses: Accesses = field(default_factory=Accesses)
    cost: int = 0
    work: Work = field(default_factory=Work)

    def take(self, other: _Group) -> None:
        """The leaves of ``other`` are of this group too."""
        self.leaves += other.leaves
        self.accesses.take(other.accesses)
        self.cost += other.cost
        self.work = self.work + other.work


def branched(
    line: Sequence[Leaf],
    emissions: Sequence[Emission],
    joined: Sequence[range],
    loops: Spans,
) -> tuple[Job, ...]:
    """The jobs of a program, where ``joined`` says which loops run together.

    ``loops`` go over some of its leaves, be it once.
    """
    repeated = {place for begin, end in loops for place in range(begin, end + 1)}
    jobs: list[Job] = []
    place = 0
    while place < len(joined):
        row = list(_row(line, joined[place : place + LONGEST], repeated))
        found = _lines(line, emissions, row)
        if found:
            jobs.append(found)
            place += len(found.leaves)
        else:
            jobs.append(Job(joined[place]))
            place += 1
    return tuple(jobs)


def _row(
    line: Sequence[Leaf], jobs: Sequence[range], repeated: Set[int]
) -> Iterator[int]:
    """The leaves that may be of one of two lines: up to the first that may not."""
    for job in jobs:
        if len(job) > 1 or job.start in repeated or not _is_free(line[job.start]):
            return
        yield job.start


def _is_free(leaf: Leaf) -> bool:
    """Whether a kernel is a product or a loop that ends no call, and always runs."""
    step = leaf.kernel.step
    if leaf.conditions or not isinstance(step, Gemm | Loop):
        return False
    return isinstance(step, Gemm) or not has_check(step)


def _lines(
    line: Sequence[Leaf], emissions: Sequence[Emission], row: Sequence[int]
) -> Job | None:
    """The first leaves of ``row`` that gain most by being two lines, if any do."""
    groups: list[_Group] = []
    best, most = None, 0
    for place in row:
        _add(groups, _alone(line[place].kernel, emissions[place], place))
        if _memory(groups, emissions) > MOST_BYTES:
            break
        two = _two(groups)
        if two is None or two[1].cost < LEAST:
            continue
        gain = _gain(two)
        if gain > most:
            lines = tuple(tuple(sorted(group.leaves)) for group in two)
            best, most = Job(range(row[0], place + 1), lines), gain
    return best


def _alone(kernel: Kernel, emission: Emission, place: int) -> _Group:
    work = work_of([emission])
    accesses = accesses_of(kernel, emission)
    return _Group([place], accesses, sizes.about(work.total), work)


def _memory(groups: Sequence[_Group], emissions: Sequence[Emission]) -> int:
    """The bytes that are held until both lines are done."""
    used = {
        buffer
        for group in groups
        for buffer in group.accesses.used
        if buffer.role is Role.TEMPORARY
    }
    own = (emissions[place] for group in groups for place in group.leaves)
    bytes_ = sizes.total(map(buffer_bytes, used))
    return sizes.about(bytes_ + sizes.total(one.shared_bytes for one in own))


def _add(groups: list[_Group], new: _Group) -> None:
    """``new`` among the groups; those that it needs become one with it."""
    needed = [group for group in groups if group.accesses.meet(new.accesses)]
    groups[:] = [group for group in groups if group not in needed]
    for group in needed:
        new.take(group)
    groups.append(new)


def _two(groups: Sequence[_Group]) -> tuple[_Group, _Group] | None:
    """The groups as two lines, the longer first, about as long as each other."""
    if len(groups) < 2:
        return None
    lines = [_Group(), _Group()]
    for group in sorted(groups, key=lambda group: -group.cost):
        min(lines, key=lambda line: line.cost).take(group)
    longer, shorter = sorted(lines, key=lambda line: -line.cost)
    return longer, shorter


def _gain(lines: Sequence[_Group]) -> int:
    """What two threads save by doing a line each, for sizes of some kind."""
    work = sum((line.work for line in lines), Work())
    apart = (
        sizes.about(work.alone)
        + sizes.about(work.shared) // 2
        + work.handovers * HANDOVER
    )
    return apart - max(line.cost for line in lines)


# --- what kernels cost ------------------------------------------------------------


def work_of(emissions: Iterable[Emission]) -> Work:
    """What the phases of some kernels cost."""
    phases = (phase for emission in emissions for phase in emission.phases)
    return sum(map(_of_phase, phases), Work())


def _of_phase(phase: Phase) -> Work:
    operations = phase.units * phase.cost
    in_products = bool(phase.common)
    cost = operations if in_products else sizes.floordiv(operations, VECTOR)
    if phase.units == 1:
        return Work(alone=cost)
    threads = min(sizes.about(operations) // WORTH_SHARING, sizes.about(phase.units))
    return Work(shared=cost, handovers=int(threads > 1))
