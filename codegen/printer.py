"""Programs as C: one function for each phase, one entry that runs them in order.

The entry checks the sizes, finds the buffers, and calls ``sg_parallel`` for one phase
after another. A large source is cut into two files that compile at the same time.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from codegen import families, memory, sizes
from codegen.emission import Emission, Phase
from codegen.errors import CodegenError
from codegen.ir import Buffer, Kernel, Program
from codegen.memory import Slot
from codegen.scalars import C_TYPES
from codegen.target import Target

LARGE = 40_000  # characters of phases from which on two files compile faster
_PARAMETERS = ("frame", "begin", "end", "scratch")
_PHASE = "void {name}(const sg_frame *frame, int64_t begin, int64_t end, char *scratch)"
_ENTRY = "static int64_t sg_entry_{name}(const sg_call *call)"


@dataclass(frozen=True)
class Printed:
    """The C of one program, and the slots of its arena in the order of its offsets."""

    program: Program
    slots: tuple[Slot, ...]
    headers: tuple[str, ...]
    phases: tuple[tuple[str, str], ...]  # name and body
    entry: str


@dataclass(frozen=True)
class Source:
    """The C files of a module, and what they were printed from."""

    files: tuple[str, ...]
    programs: tuple[Printed, ...]

    @property
    def text(self) -> str:
        """All files, one after another, to be read."""
        return "\n".join(self.files)


def print_programs(programs: Sequence[Program], target: Target) -> Source:
    """The C of a module with these programs, for ``target``."""
    printed = tuple(print_program(program, target) for program in programs)
    headers = dict.fromkeys(header for one in printed for header in one.headers)
    top = "".join(f'#include "{header}"\n' for header in headers)
    entries = [*(one.entry for one in printed), _table(programs)]
    here, there = _halves([phase for one in printed for phase in one.phases])
    if not there:
        return Source(_file(top, _functions(here, "static "), entries), printed)
    declared = "".join(f"{_PHASE.format(name=name)};\n" for name, _ in there)
    first = _file(top + declared, _functions(here), entries)
    return Source(first + _file(top, _functions(there)), printed)


def print_program(program: Program, target: Target) -> Printed:
    """The phases and the entry of ``program``."""
    emissions = [families.emit(kernel.step, target) for kernel in program.kernels]
    slots = memory.slots(emissions)
    places = _places(program, slots)
    headers = ["symgraph.h", "parallel.h", "scalars.h"]
    headers += [header for emission in emissions for header in emission.headers]
    phases = tuple(
        (_phase_name(program, index, number), _phase_body(phase, program, places))
        for index, emission in enumerate(emissions)
        for number, phase in enumerate(emission.phases)
    )
    entry = _entry_text(program, emissions, slots, places)
    return Printed(program, slots, tuple(dict.fromkeys(headers)), phases, entry)


# --- files ------------------------------------------------------------------------


def _file(top: str, *parts: Sequence[str]) -> tuple[str]:
    return ("\n".join([top, *(text for part in parts for text in part)]),)


def _functions(phases: Sequence[tuple[str, str]], linkage: str = "") -> list[str]:
    return [f"{linkage}{_PHASE.format(name=name)}\n{body}" for name, body in phases]


def _halves(
    phases: Sequence[tuple[str, str]],
) -> tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    """All phases and none, or two parts of like length where there is much of them."""
    lengths = [len(body) for _, body in phases]
    if sum(lengths) < LARGE:
        return phases, ()
    before = list(accumulate(lengths))
    middle = bisect_left(before, sum(lengths) // 2) + 1
    return phases[:middle], phases[middle:]


# --- phases -----------------------------------------------------------------------


def _phase_name(program: Program, index: int, number: int) -> str:
    return f"sg_{program.name}_{index}_{number}"


def _phase_body(phase: Phase, program: Program, places: Mapping[str, int]) -> str:
    """The body of a phase, below lines that unpack from the frame what it names."""
    words = set(re.findall(r"[A-Za-z_]\w*", "\n".join(phase.lines)))
    lines = [
        f"const int64_t {size} = frame->sizes[{place}];"
        for place, size in enumerate(program.sizes)
        if size in words
    ]
    lines += [
        _pointer(buffer, places)
        for buffer in dict.fromkeys(phase.buffers)
        if buffer.name in words
    ]
    if "shared" in words:
        lines.append("char *const shared = frame->shared;")
    unused = [name for name in _PARAMETERS if name not in words]
    if lines and "frame" in unused:
        unused.remove("frame")
    lines += [f"(void){name};" for name in unused]
    return _braced([*lines, *phase.lines])


def _pointer(buffer: Buffer, places: Mapping[str, int]) -> str:
    if buffer.name not in places:
        raise CodegenError(
            f"buffer {buffer.name}: its role is {buffer.role.value}, but the program "
            "does not list it"
        )
    pointer = f"{C_TYPES[buffer.dtype]} *"
    place = f"frame->buffers[{places[buffer.name]}]"
    return f"{pointer}restrict {buffer.name} = ({pointer}){place};"


# --- the entry --------------------------------------------------------------------


def _places(program: Program, slots: Sequence[Slot]) -> dict[str, int]:
    """The place of each buffer in ``frame->buffers``: arguments, constants, slots."""
    given = [*program.arguments, *(buffer for buffer, _ in program.constants)]
    names = [buffer.name for buffer in given] + [slot.name for slot in slots]
    return {name: place for place, name in enumerate(names)}


def _entry_text(
    program: Program,
    emissions: Sequence[Emission],
    slots: Sequence[Slot],
    places: Mapping[str, int],
) -> str:
    head = _ENTRY.format(name=program.name)
    given = len(program.arguments) + len(program.constants)
    pointers = [f"call->arguments[{place}]" for place in range(given)]
    pointers += [f"call->arena + call->offsets[{place}]" for place in range(len(slots))]
    lines = [
        "double *seconds = call->seconds;",
        f"if (call->items && !sg_unpack(call, {len(program.arguments)}))",
        "    return SG_NOT_PLAIN;",
        *_size_lines(program),
        f"char *const buffers[] = {{{', '.join(pointers) or 'NULL'}}};",
        "int64_t error = 0;",
        "sg_frame frame = {buffers, call->sizes, NULL, NULL, 0, 0, &error};",
        "frame.threads = call->threads;",
        "double then = seconds ? sg_clock() : 0;",
    ]
    for index, kernel in enumerate(program.kernels):
        lines += _kernel_lines(program, index, kernel, emissions[index], places)
    lines += ["(void)frame, (void)then;", "return 0;"]
    return f"{head}\n{_braced(lines)}"


def _table(programs: Sequence[Program]) -> str:
    """The one function that the library shows: entries by their place."""
    head = "sg_entry *sg_entry_at(int64_t place)"
    names = ", ".join(f"sg_entry_{program.name}" for program in programs)
    lines = [
        f"static sg_entry *const entries[] = {{{names}}};",
        "return entries[place];",
    ]
    return f"SG_EXPORT {head};\n{head}\n{_braced(lines)}"


def _size_lines(program: Program) -> Iterator[str]:
    for place, name in enumerate(program.sizes):
        yield f"const int64_t {name} = call->sizes[{place}];"
        yield f"(void){name};"
    for need in program.requirements:
        yield f"if ({sizes.text(need.left)} != {sizes.text(need.right)})"
        yield f"    return {need.code};"


def _kernel_lines(
    program: Program,
    index: int,
    kernel: Kernel,
    emission: Emission,
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
        name = _phase_name(program, index, number)
        units, cost = sizes.text(phase.units), sizes.text(phase.cost)
        yield f"sg_parallel({name}, &frame, {units}, {cost});"
    yield "if (error)"
    yield "    return error;"
    yield "if (seconds)"
    yield f"    then = sg_lap(then, seconds + {index});"


def _comment(label: str) -> str:
    """``label`` as harmless text, whatever is in it."""
    return re.sub(r"[^\w .,:()\[\]<>=+-]", "", label)


def _braced(lines: Sequence[str]) -> str:
    return "\n".join(["{", *(f"    {line}" for line in lines), "}", ""])
