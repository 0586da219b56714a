"""The C that hands jobs to the threads: kernels phase by phase, loops together, lines.

A kernel is a call of ``sg_step`` for each of its phases. Loops that are joined are one
call of ``sg_join`` for all; where a job has lines, they are a function of their own,
which is called like a phase with a range of lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from codegen import joining, memory, sizes
from codegen.branches import Job, Work, work_of
from codegen.emission import Emission
from codegen.ir import Program
from codegen.sharing import Call

APART = (
    "static __attribute__((cold)) void {name}"
    "(const sg_frame *all, int64_t begin, int64_t end, char *scratch)"
)


@dataclass(frozen=True)
class Handing:
    """What the lines of a job are made of; functions that they call go to ``apart``."""

    program: Program
    emissions: Sequence[Emission]
    calls: Sequence[Sequence[Call]]  # of each leaf
    places: Mapping[str, int]
    apart: list[str]

    def lines(self, job: Job) -> Iterator[str]:
        """The lines that run one job."""
        if job.lines:
            yield self._branches(job)
        elif len(job.leaves) > 1:
            yield from self._joined(job.leaves)
        else:
            yield from self._alone(job.leaves.start)

    def _branches(self, job: Job) -> str:
        """The call of a function that takes some lines of kernels to their ends."""
        name = f"sg_branches_{self.program.name}_{job.leaves.start}"
        self.apart.append(f"{APART.format(name=name)}\n{braced(self._each(job))}")
        works = [work_of(self.emissions[i] for i in leaves) for leaves in job.lines]
        longest = reduce(sizes.maximum, [work.total for work in works])
        work = sum(works, Work())
        costs = ", ".join(map(sizes.text, (longest, work.alone, work.shared)))
        return f"sg_branches({name}, &frame, {len(works)}, {costs}, {work.handovers});"

    def _each(self, job: Job) -> list[str]:
        """The lines ``begin .. end``, kernel after kernel."""
        found = [
            "(void)scratch;",
            *size_lines(self.program, "all->sizes"),
            "char *const *buffers = all->buffers;",
            "(void)buffers;",
            "sg_frame frame = *all;",
            "frame.members = sg_own_members(all);",
            "for (; begin < end; begin++)",
            "    switch (begin) {",
        ]
        for place, leaves in enumerate(job.lines):
            kernels = [line for index in leaves for line in self._alone(index)]
            found += [f"    case {place}: {{", *(f"        {k}" for k in kernels)]
            found.append("    } break;")
        return [*found, "    }"]

    def _joined(self, job: range) -> Iterator[str]:
        """Loops that run together."""
        parts = []
        for index in job:
            (phase,), (call,) = self.emissions[index].phases, self.calls[index]
            yield from _given_lines(call, index, 0)
            given = _given(index, 0) if call.given else "NULL"
            weight = joining.weight(self.emissions[index])
            parts.append(f"    {{{call.name}, {given}, {phase.units}, {weight}}},")
        yield f"static const sg_part parts_{job.start}[] = {{"
        yield from parts
        yield "};"
        total = joining.total([self.emissions[index] for index in job])
        given = f"parts_{job.start}, {len(job)}, {total}, {job.start}"
        yield f"sg_join(&frame, {given});"

    def _alone(self, index: int) -> Iterator[str]:
        """One kernel, phase after phase."""
        emission = self.emissions[index]
        if emission.shared_bytes != 0:
            place = self.places[memory.shared_name(index)]
            yield f"frame.shared = buffers[{place}];"
        scratch = memory.scratch_bytes(emission)
        if scratch != 0:
            place = self.places[memory.scratch_name(index)]
            yield f"frame.scratch = buffers[{place}];"
            yield f"frame.scratch_bytes = {sizes.text(scratch)};"
        last = len(emission.phases) - 1
        calls = zip(emission.phases, self.calls[index], strict=True)
        for number, (phase, call) in enumerate(calls):
            yield from _given_lines(call, index, number)
            given = _given(index, number) if call.given else "NULL"
            units, cost = sizes.text(phase.units), sizes.text(phase.cost)
            done = index if number == last else "SG_GOES_ON"
            work = f"{call.name}, {given}, {units}, {cost}, {done}"
            yield f"sg_step(&frame, {work});"


def _given(index: int, number: int) -> str:
    """The name of the numbers of one phase."""
    return f"given_{index}_{number}"


def _given_lines(call: Call, index: int, number: int) -> Iterator[str]:
    if call.given:
        numbers = ", ".join(map(str, call.given))
        yield f"static const int64_t {_given(index, number)}[] = {{{numbers}}};"


def size_lines(program: Program, given: str) -> Iterator[str]:
    """The run-time sizes by their names, out of the array ``given``."""
    for place, name in enumerate(program.sizes):
        yield f"const int64_t {name} = {given}[{place}];"
        yield f"(void){name};"


def braced(lines: Sequence[str]) -> str:
    """Lines between braces, indented."""
    return "\n".join(["{", *(f"    {line}" for line in lines), "}", ""])
