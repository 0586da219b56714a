"""Small loops that follow one another and do not depend on each other, as one job.

To hand a job out and to collect it takes as long as thousands of operations, so that
the threads would rather do an optimizer's updates of a hundred small parameters
together than one after another. Each loop stays a phase of its own: ``sg_joined`` in
``parallel.h`` goes over the phases of a job as over the units of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen.accesses import Accesses, accesses_of
from codegen.emission import Emission
from codegen.ir import Kernel, Loop
from codegen.repeats import Spans
from codegen.traverse import has_check

# operations of a loop: fewer are done before another thread has the data, and more
# are worth a job of their own
LEAST, MOST = 1 << 13, 1 << 20
WEIGHT = 1024  # operations of a unit of a joined job; ``parallel.h`` knows it too
LONGEST = 256  # loops of a job


@dataclass
class _Job:
    """Leaves ``start .. stop`` and their accesses, if they may be joined with more."""

    start: int
    stop: int
    accesses: Accesses | None

    def took(self, other: _Job) -> bool:
        """Whether the next leaves run while these do; then they are of this job."""
        if self.accesses is None or other.accesses is None:
            return False
        if self.stop - self.start >= LONGEST or self.accesses.meet(other.accesses):
            return False
        self.stop = other.stop
        self.accesses.take(other.accesses)
        return True


def joined(
    line: Sequence[Kernel], emissions: Sequence[Emission], loops: Spans
) -> tuple[range, ...]:
    """The leaves of each job, in order; most are alone. ``loops`` go over some.

    Those of a job have one guard.
    """
    edges = {place for begin, end in loops for place in (begin, end + 1)}
    jobs: list[_Job] = []
    for place, (kernel, emission) in enumerate(zip(line, emissions, strict=True)):
        joins = _can_join(kernel, emission)
        accesses = accesses_of(kernel, emission) if joins else None
        job = _Job(place, place + 1, accesses)
        alike = jobs and line[jobs[-1].start].guard == kernel.guard
        if not (alike and place not in edges and jobs[-1].took(job)):
            jobs.append(job)
    return tuple(range(job.start, job.stop) for job in jobs)


def total(job: Sequence[Emission]) -> int:
    """The units of a joined job."""
    return sum(map(weight, job))


def weight(emission: Emission) -> int:
    """How many of them a small loop is worth."""
    (phase,) = emission.phases
    assert isinstance(phase.units, int) and isinstance(phase.cost, int)
    return max(phase.units * phase.cost // WEIGHT, 1)


def _can_join(kernel: Kernel, emission: Emission) -> bool:
    """Whether a kernel is a loop of some known length that never ends the call."""
    if not isinstance(kernel.step, Loop) or len(emission.phases) != 1:
        return False
    (phase,) = emission.phases
    if not isinstance(phase.units, int) or not isinstance(phase.cost, int):
        return False
    if phase.scratch_bytes != 0:
        return False
    if has_check(kernel.step):
        return False
    return LEAST <= phase.units * phase.cost <= MOST
