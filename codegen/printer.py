"""A program as C: one function for each phase, one entry that runs them in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codegen import families, memory, sizes
from codegen.emission import Emission, Phase
from codegen.errors import CodegenError
from codegen.ir import Buffer, Kernel, Program
from codegen.memory import Slot
from codegen.scalars import C_TYPES
from codegen.target import Target

ENTRY = (
    "int64_t {name}(void *const *arguments, const int64_t *sizes, char *arena,\n"
    "    const int64_t *offsets, int64_t threads, double *seconds)"
)
SIGNATURE = (
    "static void {name}(const sg_frame *frame, int64_t begin, int64_t end,\n"
    "    char *scratch)"
)


@dataclass(frozen=True)
class Printed:
    """The C of a program, and the slots of its arena in the order of its offsets."""

    program: Program
    source: str
    slots: tuple[Slot, ...]


def print_program(program: Program, target: Target) -> Printed:
    """``program`` as a C file for ``target``."""
    emissions = [families.emit(kernel.step, target) for kernel in program.kernels]
    slots = memory.slots(emissions)
    places = _places(program, slots)
    headers = ["symgraph.h", "parallel.h", "scalars.h"]
    for emission in emissions:
        headers += [name for name in emission.headers if name not in headers]
    parts = ["\n".join(f'#include "{name}"' for name in headers)]
    for index, emission in enumerate(emissions):
        for number, phase in enumerate(emission.phases):
            name = f"{program.name}_k{index}_{number}"
            parts.append(_phase_text(name, phase, program, places))
    parts.append(_entry_text(program, emissions, slots, places))
    return Printed(program, "\n\n".join(parts) + "\n", slots)


def _places(program: Program, slots: Sequence[Slot]) -> dict[str, int]:
    """The place of each buffer in ``frame->buffers``: arguments, constants, slots."""
    given = [*program.arguments, *(buffer for buffer, _ in program.constants)]
    names = [buffer.name for buffer in given] + [slot.name for slot in slots]
    return {name: place for place, name in enumerate(names)}


def _phase_text(
    name: str, phase: Phase, program: Program, places: dict[str, int]
) -> str:
    words = set(re.findall(r"[A-Za-z_]\w*", "\n".join(phase.lines)))
    lines = []
    for place, size in enumerate(program.sizes):
        if size in words:
            lines.append(f"const int64_t {size} = frame->sizes[{place}];")
    for buffer in dict.fromkeys(phase.buffers):
        if buffer.name in words:
            lines.append(_pointer(buffer, places))
    if "shared" in words:
        lines.append("char *const shared = frame->shared;")
    unused = [n for n in ("frame", "begin", "end", "scratch") if n not in words]
    if lines and "frame" in unused:
        unused.remove("frame")
    lines += [f"(void){word};" for word in unused]
    body = "\n".join(f"    {line}" for line in [*lines, *phase.lines])
    return f"{SIGNATURE.format(name=name)}\n{{\n{body}\n}}"


def _pointer(buffer: Buffer, places: dict[str, int]) -> str:
    if buffer.name not in places:
        raise CodegenError(f"buffer {buffer.name}: not given, constant or temporary")
    ctype = C_TYPES[buffer.dtype]
    place = places[buffer.name]
    return f"{ctype} *restrict {buffer.name} = ({ctype} *)frame->buffers[{place}];"


def _entry_text(
    program: Program,
    emissions: Sequence[Emission],
    slots: Sequence[Slot],
    places: dict[str, int],
) -> str:
    lines = [
        f"const int64_t {name} = sizes[{place}];"
        for place, name in enumerate(program.sizes)
    ]
    lines += [f"(void){name};" for name in program.sizes]
    for need in program.requirements:
        left, right = sizes.text(need.left), sizes.text(need.right)
        lines += [f"if ({left} != {right})", f"    return {need.code};"]
    given = len(program.arguments) + len(program.constants)
    pointers = [f"arguments[{place}]" for place in range(given)]
    pointers += [f"arena + offsets[{place}]" for place in range(len(slots))]
    listed = ", ".join(pointers) or "NULL"
    lines += [
        f"char *const buffers[] = {{{listed}}};",
        "(void)arguments, (void)sizes, (void)arena, (void)offsets;",
        "int64_t error = 0;",
        "sg_frame frame = {buffers, sizes, NULL, NULL, 0, threads, &error};",
        "double then = seconds ? sg_clock() : 0;",
    ]
    for index, (kernel, emission) in enumerate(
        zip(program.kernels, emissions, strict=True)
    ):
        lines += _kernel_lines(program.name, index, kernel, emission, places)
    lines += ["(void)frame, (void)then;", "return 0;"]
    body = "\n".join(f"    {line}" for line in lines)
    return f"SG_EXPORT {ENTRY.format(name=program.name)};\n\n" + (
        f"{ENTRY.format(name=program.name)}\n{{\n{body}\n}}"
    )


def _kernel_lines(
    name: str, index: int, kernel: Kernel, emission: Emission, places: dict[str, int]
) -> list[str]:
    lines = [f"/* {index}: {_comment(kernel.label)} */"]
    if emission.shared_bytes != 0:
        lines.append(f"frame.shared = buffers[{places[f'sg_shared{index}']}];")
    scratch = memory.scratch_bytes(emission)
    if scratch != 0:
        lines.append(f"frame.scratch = buffers[{places[f'sg_scratch{index}']}];")
        lines.append(f"frame.scratch_bytes = {sizes.text(scratch)};")
    for number, phase in enumerate(emission.phases):
        units, cost = sizes.text(phase.units), sizes.text(phase.cost)
        lines.append(f"sg_parallel({name}_k{index}_{number}, &frame, {units}, {cost});")
    lines += [
        "if (error)",
        "    return error;",
        "if (seconds)",
        f"    then = sg_lap(then, seconds + {index});",
    ]
    return lines


def _comment(label: str) -> str:
    return re.sub(r"[^\w .,:()\[\]<>=+-]", "", label)
