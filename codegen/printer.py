"""Programs as C: one function for each phase, one entry that runs them in order.

The entry checks the sizes, finds the buffers, and calls ``sg_parallel`` for one phase
after another. A large source is cut into two files that compile at the same time.
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
from codegen.target import Target
from codegen.verify import verify

LARGE = 30_000  # characters of phases that are worth a file of their own
MOST_FILES = 4
HELPERS = 15_000  # characters that compile in the time of the helpers of a family
_HELPER = re.compile(r"sg_(gemm|winograd)_[a-z]+([68]?)")
_PARAMETERS = ("frame", "begin", "end", "scratch")
_PHASE = "void {name}(const sg_frame *frame, int64_t begin, int64_t end, char *scratch)"
# cold: compiled for size, which is quick, as all it does is call the phases
_ENTRY = "static __attribute__((cold)) int64_t sg_entry_{name}(const sg_call *call)"


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
    parts = _parts([phase for one in printed for phase in one.phases], entries)
    if len(parts) == 1:
        return Source((_file(top, _functions(parts[0], "static "), entries),), printed)
    elsewhere = [name for part in parts[1:] for name, _ in part]
    declared = "".join(f"{_PHASE.format(name=name)};\n" for name in elsewhere)
    first = _file(top + declared, _functions(parts[0]), entries)
    others = [_file(top, _functions(part)) for part in parts[1:]]
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
    phases = tuple(
        (_phase_name(program, index, number), _phase_body(phase, program, places))
        for index, emission in enumerate(emissions)
        for number, phase in enumerate(emission.phases)
    )
    entry = _entry_text(program, emissions, slots, places)
    return Printed(program, slots, tuple(dict.fromkeys(headers)), phases, entry)


# --- files ------------------------------------------------------------------------


def _file(top: str, *parts: Sequence[str]) -> str:
    return "\n".join([top, *(text for part in parts for text in part)])


def _functions(phases: Sequence[tuple[str, str]], linkage: str = "") -> list[str]:
    return [f"{linkage}{_PHASE.format(name=name)}\n{body}" for name, body in phases]


def _parts(
    phases: Sequence[tuple[str, str]], entries: Sequence[str]
) -> list[list[tuple[str, str]]]:
    """The phases of each file: one, or several of like length where there is much.

    Those that call the same large helpers stay together, so that these are compiled in
    one file only.
    """
    total = sum(len(body) for _, body in phases)
    count = max(1, min(MOST_FILES, total // LARGE))
    lengths = [sum(map(len, entries)), *[0] * (count - 1)]
    parts: list[list[tuple[str, str]]] = [[] for _ in lengths]
    for group in sorted(_groups(phases), key=_length, reverse=True):
        shortest = lengths.index(min(lengths))
        parts[shortest] += group
        lengths[shortest] += _length(group)
    order = {name: place for place, (name, _) in enumerate(phases)}
    used = [parts[0], *filter(None, parts[1:])]
    return [sorted(part, key=lambda phase: order[phase[0]]) for part in used]


def _groups(
    phases: Sequence[tuple[str, str]],
) -> list[list[tuple[str, str]]]:
    """Phases that call the same large helpers; each that calls none alone."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, body in phases:
        groups.setdefault(_family(body) or name, []).append((name, body))
    return list(groups.values())


def _length(group: Sequence[tuple[str, str]]) -> int:
    """How long the C of a group is, its helpers included."""
    length = sum(len(body) for _, body in group)
    return length + (HELPERS if _family(group[0][1]) else 0)


def _family(body: str) -> str:
    """The family of large helpers that a phase calls, if any."""
    found = _HELPER.search(body)
    return "" if found is None else found[1] + found[2]


# --- phases -----------------------------------------------------------------------


def _phase_name(program: Program, index: int, number: int) -> str:
    return f"sg_{program.name}_{index}_{number}"


def _phase_body(phase: Phase, program: Program, places: Mapping[str, int]) -> str:
    """The body of a phase, below lines that unpack from the frame what it names."""
    words = set(re.findall(r"[A-Za-z_]\w*", "\n".join(phase.lines)))
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
        f"if (call->items && !sg_unpack(call, {len(program.arguments)}))",
        "    return SG_NOT_PLAIN;",
        *_size_lines(program),
        f"char *const buffers[] = {{{', '.join(pointers) or 'NULL'}}};",
        "sg_error error = {0};",
        "sg_frame frame = {.buffers = buffers, .sizes = call->sizes};",
        "frame.threads = call->threads, frame.error = &error;",
        "frame.seconds = call->seconds, frame.then = frame.seconds ? sg_clock() : 0;",
    ]
    looped = list(indices(program.kernels))
    if looped:  # an index is one more size to the phases
        values = ", ".join([*program.sizes, *["0"] * len(looped)])
        lines.append(f"int64_t sizes[] = {{{values}}};")
        lines.append("frame.sizes = sizes;")
    numbered = enumerate(emissions)
    lines += _lines(program, program.kernels, numbered, places)
    lines.append("return 0;")
    return f"{head}\n{_braced(lines)}"


def _lines(
    program: Program,
    kernels: Sequence[Kernel],
    emissions: Iterator[tuple[int, Emission]],
    places: Mapping[str, int],
) -> Iterator[str]:
    """The kernels one after another, those of a loop inside its braces."""
    for kernel in kernels:
        step = kernel.step
        if not isinstance(step, Repeat):
            index, emission = next(emissions)
            yield from _kernel_lines(program, index, kernel, emission, places)
            continue
        name, count = step.index, sizes.text(step.count)
        place = len(program.sizes) + list(indices(program.kernels)).index(name)
        yield f"/* {_comment(kernel.label)} */"
        yield f"for (int64_t {name} = 0; {name} < {count}; {name}++) {{"
        yield f"    sizes[{place}] = {name};"
        for line in _lines(program, step.body, emissions, places):
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
    yield f"if (sg_done(&frame, {index}))"
    yield "    return sg_failed(call, &error);"


def _comment(label: str) -> str:
    """``label`` as harmless text, whatever is in it."""
    return re.sub(r"[^\w .,:()\[\]<>=+-]", "", label)


def _braced(lines: Sequence[str]) -> str:
    return "\n".join(["{", *(f"    {line}" for line in lines), "}", ""])
