"""Programs as C: one function for each phase, one entry that runs them in order.

The entry calls ``sg_run``, which takes threads for the program if there is enough to
do. The program checks the sizes, finds the buffers, and calls ``sg_parallel`` for one
phase after another. A large source is cut into two files that compile at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from codegen import families, memory, sizes
from codegen.emission import Emission, Phase
from codegen.errors import CodegenError
from codegen.inplace import in_place
from codegen.ir import Buffer, Kernel, Program, Repeat
from codegen.memory import Slot
from codegen.repeats import indices, leaves, spans
from codegen.scalars import C_TYPES
from codegen.sharing import Body, Call, Function, shared
from codegen.sizes import Size
from codegen.target import Target
from codegen.verify import verify

LARGE = 30_000  # characters of phases that are worth a file of their own
MOST_FILES = 4
HELPERS = 15_000  # characters that compile in the time of the helpers of a family
_WORD = re.compile(r"[A-Za-z_]\w*")
_PARAMETERS = ("frame", "begin", "end", "scratch")
_PHASE = "void {name}(const sg_frame *frame, int64_t begin, int64_t end, char *scratch)"
# cold: compiled for size, which is quick, as all it does is call the phases
_PROGRAM = (
    "static __attribute__((cold)) int64_t sg_program_{name}"
    "(const sg_call *call, sg_box *boxes, int64_t members)"
)
_ENTRY = "static int64_t sg_entry_{name}(const sg_call *call)"


@dataclass(frozen=True)
class Printed:
    """The C of one program, and the slots of its arena in the order of its offsets."""

    program: Program
    slots: tuple[Slot, ...]
    headers: tuple[str, ...]
    functions: tuple[Function, ...]
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
    parts = _parts([each for one in printed for each in one.functions], entries)
    if len(parts) == 1:
        return Source((_file(top, parts[0], *entries, own="static "),), printed)
    elsewhere = [each.name for part in parts[1:] for each in part]
    declared = "".join(f"{_PHASE.format(name=name)};\n" for name in elsewhere)
    first = _file(top + declared, parts[0], *entries)
    others = [_file(top, part) for part in parts[1:]]
    return Source((first, *others), printed)


def print_program(program: Program, target: Target) -> Printed:
    """The phases and the entry of ``program``."""
    verify(program)
    program = in_place(program)
    line = leaves(program.kernels)
    emissions = [families.emit(leaf.kernel.step, target) for leaf in line]
    slots = memory.slots(emissions, spans(program.kernels))
    places = _places(program, slots)
    headers = ["symgraph.h", "parallel.h", "scalars.h"]
    headers += [header for emission in emissions for header in emission.headers]
    bodies = [
        _body(phase, _phase_name(program, index, number), program, places)
        for index, emission in enumerate(emissions)
        for number, phase in enumerate(emission.phases)
    ]
    functions, calls = shared(bodies)
    entry = _program_text(program, emissions, calls, slots, places)
    return Printed(program, slots, tuple(dict.fromkeys(headers)), functions, entry)


# --- files ------------------------------------------------------------------------


def _file(top: str, functions: Sequence[Function], *more: str, own: str = "") -> str:
    """A file of ``functions``, below what they call; ``own`` is their linkage."""
    helpers = dict.fromkeys(line for each in functions for line in each.helpers)
    texts = [
        f"{own}{_PHASE.format(name=each.name)}\n{_braced(each.lines)}"
        for each in functions
    ]
    return "\n".join([top, *helpers, *([""] if helpers else []), *texts, *more])


def _parts(
    functions: Sequence[Function], entries: Sequence[str]
) -> list[list[Function]]:
    """The functions of each file: one, or several of like length where there is much.

    Those that call the same large helpers stay together, so that these are compiled in
    one file only.
    """
    total = sum(map(_length, functions))
    count = max(1, min(MOST_FILES, total // LARGE))
    lengths = [sum(map(len, entries)), *[0] * (count - 1)]
    parts: list[list[Function]] = [[] for _ in lengths]
    for group in sorted(_groups(functions), key=_weight, reverse=True):
        shortest = lengths.index(min(lengths))
        parts[shortest] += group
        lengths[shortest] += _weight(group)
    order = {each.name: place for place, each in enumerate(functions)}
    used = [parts[0], *filter(None, parts[1:])]
    return [sorted(part, key=lambda each: order[each.name]) for part in used]


def _groups(functions: Sequence[Function]) -> list[list[Function]]:
    """Functions that call the same large helpers; each that calls none alone."""
    groups: dict[str, list[Function]] = {}
    for each in functions:
        groups.setdefault(each.family or each.name, []).append(each)
    return list(groups.values())


def _weight(group: Sequence[Function]) -> int:
    """How long the C of a group is, its helpers included."""
    return sum(map(_length, group)) + (HELPERS if group[0].family else 0)


def _length(function: Function) -> int:
    return sum(map(len, function.lines))


# --- phases -----------------------------------------------------------------------


def _phase_name(program: Program, index: int, number: int) -> str:
    return f"sg_{program.name}_{index}_{number}"


def _body(phase: Phase, name: str, program: Program, places: Mapping[str, int]) -> Body:
    """The body of a phase, below lines that unpack from the frame what it names."""
    words = set(_WORD.findall("\n".join(phase.lines)))
    lines = [
        f"const int64_t {size} = frame->sizes[{place}];"
        for place, size in enumerate((*program.sizes, *indices(program.kernels)))
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
    names = {*(buffer.name for buffer in phase.buffers), *phase.locals}
    return Body(name, phase, (*lines, *phase.lines), names)


def _pointer(buffer: Buffer, places: Mapping[str, int]) -> str:
    if buffer.name not in places:
        raise CodegenError(
            f"buffer {buffer.name}: its role is {buffer.role.value}, but the program "
            "does not list it"
        )
    pointer = f"{C_TYPES[buffer.dtype]} *"
    place = f"frame->buffers[{sizes.marked(places[buffer.name])}]"
    return f"{pointer}restrict {buffer.name} = ({pointer}){place};"


# --- the entry --------------------------------------------------------------------


def _places(program: Program, slots: Sequence[Slot]) -> dict[str, int]:
    """The place of each buffer in ``frame->buffers``: arguments, constants, slots."""
    given = [*program.arguments, *(buffer for buffer, _ in program.constants)]
    names = [buffer.name for buffer in given] + [slot.name for slot in slots]
    return {name: place for place, name in enumerate(names)}


def _program_text(
    program: Program,
    emissions: Sequence[Emission],
    calls: Sequence[Call],
    slots: Sequence[Slot],
    places: Mapping[str, int],
) -> str:
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
    return f"{head}\n{_braced(lines)}\n{_entry(program, emissions)}"


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
    return f"{head}\n{_braced(lines)}"


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


def _table(programs: Sequence[Program]) -> str:
    """What the library shows: entries by their place, and calls by Python."""
    head = "sg_entry *sg_entry_at(int64_t place)"
    names = ", ".join(f"sg_entry_{program.name}" for program in programs)
    lines = [
        f"static sg_entry *const entries[] = {{{names}}};",
        "return entries[place];",
    ]
    return f'#include "direct.h"\n\nSG_EXPORT {head};\n{head}\n{_braced(lines)}'


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


def _braced(lines: Sequence[str]) -> str:
    return "\n".join(["{", *(f"    {line}" for line in lines), "}", ""])
