"""The entry of a program as C: all its phases in order.

What is called from outside gives the program to ``sg_run``, which takes threads for it
if there is enough to do. The program checks the sizes, finds the buffers, and calls
``sg_parallel`` for one phase after another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from codegen import memory, sizes
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
    numbered = enumerate(emissions)
    lines += _lines(program, program.kernels, numbered, iter(calls), places)
    lines.append("return 0;")
    return f"{head}\n{braced(lines)}\n{_entry(program, emissions)}"


def _entry(program: Program, emissions: Sequence[Emission]) -> str:
    """The function that is called from outside."""
    phases = [phase for emission in emissions for phase in emission.phases]
    work: Size = 0  # but for what one thread does anyway
    for phase in phases:
        shared_out = (phase.units - 1) * phase.cost
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


def _lines(
    program: Program,
    kernels: Sequence[Kernel],
    emissions: Iterator[tuple[int, Emission]],
    calls: Iterator[Call],
    places: Mapping[str, int],
) -> Iterator[str]:
    """The kernels one after another, those of a loop inside its braces."""
    for kernel in kernels:
        step = kernel.step
        if not isinstance(step, Repeat):
            index, emission = next(emissions)
            yield from _kernel_lines(index, kernel, emission, calls, places)
            continue
        name, count = step.index, sizes.text(step.count)
        place = len(program.sizes) + list(indices(program.kernels)).index(name)
        yield f"/* {_comment(kernel.label)} */"
        yield f"for (int64_t {name} = 0; {name} < {count}; {name}++) {{"
        yield f"    sizes[{place}] = {name};"
        for line in _lines(program, step.body, emissions, calls, places):
            yield f"    {line}"
        yield "}"


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


def _kernel_lines(
    index: int,
    kernel: Kernel,
    emission: Emission,
    calls: Iterator[Call],
    places: Mapping[str, int],
) -> Iterator[str]:
    yield f"/* {index}: {_comment(kernel.label)} */"
    if emission.shared_bytes != 0:
        yield f"frame.shared = buffers[{places[memory.shared_name(index)]}];"
    scratch = memory.scratch_bytes(emission)
    if scratch != 0:
        yield f"frame.scratch = buffers[{places[memory.scratch_name(index)]}];"
        yield f"frame.scratch_bytes = {sizes.text(scratch)};"
    for number, phase in enumerate(emission.phases):
        call = next(calls)
        if call.given:
            given = f"given_{index}_{number}"
            numbers = ", ".join(map(str, call.given))
            yield f"static const int64_t {given}[] = {{{numbers}}};"
            yield f"frame.given = {given};"
        units, cost = sizes.text(phase.units), sizes.text(phase.cost)
        yield f"sg_parallel({call.name}, &frame, {units}, {cost});"
    yield f"if (sg_done(&frame, {index}))"
    yield "    return sg_failed(call, &error);"


def _comment(label: str) -> str:
    """``label`` as harmless text, whatever is in it."""
    return re.sub(r"[^\w .,:()\[\]<>=+-]", "", label)


def braced(lines: Sequence[str]) -> str:
    """Lines between braces, indented."""
    return "\n".join(["{", *(f"    {line}" for line in lines), "}", ""])
