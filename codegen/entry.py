"""The entry of a program as C: all its phases in order.

What is called from outside gives the program to ``sg_run``, which takes threads for it
if there is enough to do. The program checks the sizes, finds the buffers, and calls
``sg_parallel`` for one phase after another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from codegen import joining, memory, sizes
from codegen.emission import Emission
from codegen.ir import Kernel, Program, Repeat
from codegen.memory import Slot
from codegen.repeats import indices
from codegen.sharing import Call
from codegen.sizes import Size

# cold: compiled for size, which is quick, as all it does is call the phases
_PROGRAM = (
    "static __attribute__((cold)) int64_t sg_program_{name}"
    "(const sg_call *call, sg_box *boxes, int64_t members)"
)
_ENTRY = "static int64_t sg_entry_{name}(const sg_call *call)"


def places_of(program: Program, slots: Sequence[Slot]) -> dict[str, int]:
    """The place of each buffer in ``frame->buffers``: arguments, constants, slots."""
    given = [*program.arguments, *(buffer for buffer, _ in program.constants)]
    names = [buffer.name for buffer in given] + [slot.name for slot in slots]
    return {name: place for place, name in enumerate(names)}


def entry_text(
    program: Program,
    emissions: Sequence[Emission],
    calls: Sequence[Call],
    jobs: Sequence[range],
    slots: Sequence[Slot],
    places: Mapping[str, int],
) -> str:
    """The C of a program, given the ``calls`` of its phases, and of its entry."""
    head = _PROGRAM.format(name=program.name)
    given = len(program.arguments) + len(program.constants)
    lines = [
        *_size_lines(program),
        *_requirement_lines(program),
        f"char *buffers[{max(given + len(slots), 1)}];",
        f"sg_place(call, {given}, {len(slots)}, buffers);",
        "sg_error error = {0};",
        "sg_frame frame = {.buffers = buffers, .sizes = call->sizes};",
        "frame.boxes = boxes, frame.members = members, frame.error = &error;",
        "frame.seconds = call->seconds, frame.then = frame.seconds ? sg_clock() : 0;",
    ]
    looped = list(indices(program.kernels))
    if looped:  # an index is one more size to the phases
        values = ", ".join([*program.sizes, *["0"] * len(looped)])
        lines.append(f"int64_t sizes[] = {{{values}}};")
        lines.append("frame.sizes = sizes;")
    run = _Run(program, emissions, jobs, iter(calls), places)
    lines += run.lines(program.kernels)
    lines.append("return 0;")
    return f"{head}\n{braced(lines)}\n{_entry(program, emissions, jobs)}"


def _entry(
    program: Program, emissions: Sequence[Emission], jobs: Sequence[range]
) -> str:
    """The function that is called from outside."""
    work: Size = 0  # but for what one thread does anyway
    for job in jobs:
        shared_out = _shared_out([emissions[place] for place in job])
        known = sizes.symbols_of(shared_out) <= set(program.sizes)
        work = work + (shared_out if known else 0)  # else there is more in that loop
    head, name = _ENTRY.format(name=program.name), f"sg_program_{program.name}"
    lines = [
        f"if (call->items && !sg_unpack(call, {len(program.arguments)}))",
        "    return SG_NOT_PLAIN;",
        *_size_lines(program),
        f"return sg_run({name}, call, ({sizes.text(work)}) / SG_SERIAL_COST);",
    ]
    return f"{head}\n{braced(lines)}"


def _shared_out(job: Sequence[Emission]) -> Size:
    """The operations of a job that more than one thread can do."""
    if len(job) > 1:
        return (joining.total(job) - 1) * joining.WEIGHT
    work: Size = 0
    for phase in job[0].phases:
        work = work + (phase.units - 1) * phase.cost
    return work


@dataclass
class _Run:
    """The lines that run kernels, made in the order of the leaves."""

    program: Program
    emissions: Sequence[Emission]
    jobs: Sequence[range]
    calls: Iterator[Call]
    places: Mapping[str, int]
    waiting: Iterator[range] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = iter(self.jobs)

    def lines(self, kernels: Sequence[Kernel]) -> Iterator[str]:
        """The kernels one after another, those of a loop inside its braces."""
        rest = iter(kernels)
        for kernel in rest:
            if isinstance(kernel.step, Repeat):
                yield from self._repeat(kernel, kernel.step)
                continue
            job = next(self.waiting)
            together = (kernel, *islice(rest, len(job) - 1))
            for index, one in zip(job, together, strict=True):
                yield f"/* {index}: {_comment(one.label)} */"
            yield from self._job(job) if len(job) > 1 else self._alone(job.start)

    def _repeat(self, kernel: Kernel, step: Repeat) -> Iterator[str]:
        name, count = step.index, sizes.text(step.count)
        known = list(indices(self.program.kernels))
        yield f"/* {_comment(kernel.label)} */"
        yield f"for (int64_t {name} = 0; {name} < {count}; {name}++) {{"
        yield f"    sizes[{len(self.program.sizes) + known.index(name)}] = {name};"
        for line in self.lines(step.body):
            yield f"    {line}"
        yield "}"

    def _job(self, job: range) -> Iterator[str]:
        """Loops that run together."""
        parts = []
        for index in job:
            (phase,), call = self.emissions[index].phases, next(self.calls)
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
        for number, phase in enumerate(emission.phases):
            call = next(self.calls)
            yield from _given_lines(call, index, number)
            if call.given:
                yield f"frame.given = {_given(index, number)};"
            units, cost = sizes.text(phase.units), sizes.text(phase.cost)
            yield f"sg_parallel({call.name}, &frame, {units}, {cost});"
        yield f"if (sg_done(&frame, {index}))"
        yield "    return sg_failed(call, &error);"


def _given(index: int, number: int) -> str:
    """The name of the numbers of one phase."""
    return f"given_{index}_{number}"


def _given_lines(call: Call, index: int, number: int) -> Iterator[str]:
    if call.given:
        numbers = ", ".join(map(str, call.given))
        yield f"static const int64_t {_given(index, number)}[] = {{{numbers}}};"


def table(programs: Sequence[Program]) -> str:
    """What the library shows: entries by their place, and calls by Python."""
    head = "sg_entry *sg_entry_at(int64_t place)"
    names = ", ".join(f"sg_entry_{program.name}" for program in programs)
    lines = [
        f"static sg_entry *const entries[] = {{{names}}};",
        "return entries[place];",
    ]
    return f'#include "direct.h"\n\nSG_EXPORT {head};\n{head}\n{braced(lines)}'


def _size_lines(program: Program) -> Iterator[str]:
    for place, name in enumerate(program.sizes):
        yield f"const int64_t {name} = call->sizes[{place}];"
        yield f"(void){name};"


def _requirement_lines(program: Program) -> Iterator[str]:
    for need in program.requirements:
        yield f"if ({sizes.text(need.left)} != {sizes.text(need.right)})"
        yield f"    return {need.code};"


def _comment(label: str) -> str:
    """``label`` as harmless text, whatever is in it."""
    return re.sub(r"[^\w .,:()\[\]<>=+-]", "", label)


def braced(lines: Sequence[str]) -> str:
    """Lines between braces, indented."""
    return "\n".join(["{", *(f"    {line}" for line in lines), "}", ""])
