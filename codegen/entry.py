"""The entry of a program as C: all its phases in order.

What is called from outside gives the program to ``sg_run``, which takes threads for it
if there is enough to do. The program checks the sizes, finds the buffers, and calls
``sg_step`` for one phase after another, as ``running.py`` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from codegen import joining, sizes
from codegen.branches import Job
from codegen.emission import Emission
from codegen.handing import braced, size_lines
from codegen.ir import Program
from codegen.memory import Slot
from codegen.repeats import Leaf, indices, strands_of
from codegen.running import Run, strand_cost
from codegen.sharing import Call
from codegen.sizes import Size

# cold: compiled for size, which is quick, as all it does is call the phases
_PROGRAM = (
    "static __attribute__((cold)) int64_t sg_program_{name}"
    "(const sg_call *call, sg_box *boxes, int64_t members)"
)
_ENTRY = "static {how}int64_t sg_entry_{name}(const sg_call *call)"
_COLD, _MANY = "__attribute__((cold)) ", 8  # kernels, beside which it takes no time


def places_of(program: Program, slots: Sequence[Slot]) -> dict[str, int]:
    """The place of each buffer in ``frame->buffers``: arguments, constants, slots."""
    given = [*program.arguments, *(buffer for buffer, _ in program.constants)]
    names = [buffer.name for buffer in given] + [slot.name for slot in slots]
    return {name: place for place, name in enumerate(names)}


def entry_text(
    program: Program,
    line: Sequence[Leaf],
    emissions: Sequence[Emission],
    calls: Sequence[Call],
    jobs: Sequence[Job],
    slots: Sequence[Slot],
) -> str:
    """The C of a program, given the ``calls`` of its phases, and of its entry."""
    left = iter(calls)
    own = [tuple(islice(left, len(emission.phases))) for emission in emissions]
    places = places_of(program, slots)
    run = Run(program, line, emissions, jobs, own, slots, places)
    lines = [
        *size_lines(program, "call->sizes"),
        *_requirement_lines(program),
        *_frame_lines(program, len(slots)),
        *run.lines(program.kernels),
        "return sg_outcome(call, &error);",
    ]
    assert next(run.waiting, None) is None, f"{program.name}: a job is run by no line"
    head = _PROGRAM.format(name=program.name)
    entry = _entry(program, line, emissions, jobs)
    return "\n".join([*run.apart, f"{head}\n{braced(lines)}", entry])


def _frame_lines(program: Program, slots: int) -> list[str]:
    """The frame that all phases get: buffers, sizes, threads, error, clock."""
    given = len(program.arguments) + len(program.constants)
    lines = [
        f"char *buffers[{max(given + slots, 1)}];",
        f"sg_place(call, {given}, {slots}, buffers);",
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
    return lines


def _entry(
    program: Program,
    line: Sequence[Leaf],
    emissions: Sequence[Emission],
    jobs: Sequence[Job],
) -> str:
    """The function that is called from outside."""
    known = set(program.sizes)  # in a loop there is more than its indices say
    found = _shared_out(line, emissions, jobs)
    work = sizes.total(some for some in found if sizes.symbols_of(some) <= known)
    how = _COLD if len(line) > _MANY else ""
    head = _ENTRY.format(how=how, name=program.name)
    name = f"sg_program_{program.name}"
    lines = [
        f"if (call->items && !sg_unpack(call, {len(program.arguments)}))",
        "    return SG_NOT_PLAIN;",
        *size_lines(program, "call->sizes"),
        f"return sg_run({name}, call, ({sizes.text(work)}) / SG_SERIAL_COST);",
    ]
    return f"{head}\n{braced(lines)}"


def _shared_out(
    line: Sequence[Leaf], emissions: Sequence[Emission], jobs: Sequence[Job]
) -> Iterator[Size]:
    """The operations of jobs, and of loops, that more than one thread can do."""
    for job in jobs:
        if line[job.leaves.start].strands:
            continue
        inside = [emissions[place] for place in job.leaves]
        if len(inside) > 1 and not job.lines:
            yield (joining.total(inside) - 1) * joining.WEIGHT
        else:
            for phase in chain.from_iterable(one.phases for one in inside):
                yield (phase.units - 1) * phase.cost
    for _, strands in strands_of(line):
        yield (strands.count - 1) * strand_cost(strands, line, emissions)


def table(programs: Sequence[Program]) -> str:
    """What the library shows: entries by their place."""
    head = "sg_entry *sg_entry_at(int64_t place)"
    names = ", ".join(f"sg_entry_{program.name}" for program in programs)
    lines = [
        f"static sg_entry *const entries[] = {{{names}}};",
        "return entries[place];",
    ]
    return f"SG_EXPORT {head};\n{head}\n{braced(lines)}"


def _requirement_lines(program: Program) -> Iterator[str]:
    for need in program.requirements:
        yield f"if ({sizes.text(need.left)} != {sizes.text(need.right)})"
        yield f"    return {need.code};"
