"""Programs as C: one function for each phase, one entry that runs them in order.

A large source is cut into some files that compile at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from codegen import families, memory, sizes
from codegen.branches import branched
from codegen.emission import Common, Emission, Helper, Phase
from codegen.entry import entry_text, places_of, table
from codegen.errors import CodegenError
from codegen.handing import braced
from codegen.inplace import in_place
from codegen.ir import Buffer, Program
from codegen.joining import joined
from codegen.memory import Slot
from codegen.repeats import Leaf, indices, leaves, spans, strands_of
from codegen.scalars import C_TYPES
from codegen.sharing import Body, Function, shared
from codegen.target import Target
from codegen.verify import verify

LARGE = 15_000  # characters of phases that are worth a file of their own
MOST_FILES = 4
# What takes as long to compile as some characters of a phase:
FUNCTION = 400  # being a function at all
HELPER = 4_500  # a helper
ENTRIES = 2  # one character for so many of entries
_WORD = re.compile(r"[A-Za-z_]\w*")
_PARAMETERS = ("frame", "begin", "end", "scratch")
_PHASE = "void {name}(const sg_frame *frame, int64_t begin, int64_t end, char *scratch)"
_Piece: TypeAlias = "Function | Helper"  # what a file defines


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
    """The C files of a module, what they were printed from, and what they call."""

    files: tuple[str, ...]
    programs: tuple[Printed, ...]
    common: tuple[Common, ...]

    @property
    def text(self) -> str:
        """All files, one after another, to be read."""
        return "\n".join(self.files)


def print_programs(programs: Sequence[Program], target: Target) -> Source:
    """The C of a module with these programs, for ``target``."""
    printed = tuple(print_program(program, target) for program in programs)
    headers = dict.fromkeys(header for one in printed for header in one.headers)
    top = "".join(f'#include "{header}"\n' for header in headers)
    entries = [*(one.entry for one in printed), table(programs)]
    functions = [each for one in printed for each in one.functions]
    common = tuple(dict.fromkeys(call for each in functions for call in each.common))
    parts = _parts(functions, entries)
    if len(parts) == 1:
        file = _file(top, parts[0], *entries, own="static ")
        return Source((file,), printed, common)
    elsewhere = [each.name for part in parts[1:] for each in _functions(part)]
    declared = "".join(f"{_PHASE.format(name=name)};\n" for name in elsewhere)
    first = _file(top + declared, parts[0], *entries)
    others = [_file(top, part) for part in parts[1:]]
    return Source((first, *others), printed, common)


def print_program(program: Program, target: Target) -> Printed:
    """The phases and the entry of ``program``."""
    verify(program)
    program = in_place(program)
    line = tuple(leaves(program.kernels))
    emissions = [_emission(leaf, target) for leaf in line]
    loops = spans(program.kernels)
    together = joined([leaf.kernel for leaf in line], emissions, loops)
    jobs = branched(line, emissions, together, loops)
    during = [job.leaves for job in jobs]
    conditions = [leaf.conditions for leaf in line]
    slots = memory.slots(emissions, loops, during, strands_of(line), conditions)
    places = places_of(program, slots)
    headers = ["symgraph.h", "program.h", "scalars.h"]
    headers += [header for emission in emissions for header in emission.headers]
    bodies = [
        _body(phase, _phase_name(program, index, number), program, places)
        for index, emission in enumerate(emissions)
        for number, phase in enumerate(emission.phases)
    ]
    functions, calls = shared(bodies)
    entry = entry_text(program, line, emissions, calls, jobs, slots)
    return Printed(program, slots, tuple(dict.fromkeys(headers)), functions, entry)


def _emission(leaf: Leaf, target: Target) -> Emission:
    """The C of a kernel; no sums are cut for threads where each strand has only one."""
    return families.emit(
        leaf.kernel.step, replace(target, units=1) if leaf.strands else target
    )


# --- files ------------------------------------------------------------------------


def _file(top: str, pieces: Sequence[_Piece], *more: str, own: str = "") -> str:
    """A file of ``pieces``, below what they call; ``own`` is the linkage of phases."""
    functions = _functions(pieces)
    defined = {each: each.definition for each in pieces if isinstance(each, Helper)}
    called = {helper: helper.declaration for helper in _helpers(functions)}
    lines = [*(called | defined).values()]
    texts = [
        f"{own}{_PHASE.format(name=each.name)}\n{braced(each.lines)}"
        for each in functions
    ]
    return "\n".join([top, *lines, *([""] if lines else []), *texts, *more])


def _functions(pieces: Sequence[_Piece]) -> list[Function]:
    return [each for each in pieces if isinstance(each, Function)]


def _helpers(functions: Sequence[Function]) -> list[Helper]:
    """What the functions call, each once."""
    return [*dict.fromkeys(helper for each in functions for helper in each.helpers)]


def _parts(functions: Sequence[Function], entries: Sequence[str]) -> list[list[_Piece]]:
    """The pieces of each file: one, or several of like weight where there is much."""
    pieces: list[_Piece] = [*_helpers(functions), *functions]
    count = max(1, min(MOST_FILES, sum(map(_weight, functions)) // LARGE))
    weights = [sum(map(len, entries)) // ENTRIES, *[0] * (count - 1)]
    parts: list[list[_Piece]] = [[] for _ in weights]
    for piece in sorted(pieces, key=_weight, reverse=True):
        lightest = weights.index(min(weights))
        parts[lightest].append(piece)
        weights[lightest] += _weight(piece)
    order = {each: place for place, each in enumerate(pieces)}
    used = [parts[0], *filter(None, parts[1:])]
    return [sorted(part, key=order.__getitem__) for part in used]


def _weight(piece: _Piece) -> int:
    """How long a piece takes to compile."""
    if isinstance(piece, Helper):
        return HELPER
    return FUNCTION + sum(map(len, piece.lines))


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
