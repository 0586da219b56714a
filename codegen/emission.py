"""What an emitter makes of one kernel: phases of C, each split into work units.

A kernel runs its phases one after another; a phase is one C function

    static void NAME(const sg_frame *frame, int64_t begin, int64_t end, char *scratch)

called with disjoint ranges that cover ``0 .. units``, on as many threads as there
are. The result never depends on how the units are shared out: a reduction across
units goes through ``shared`` memory and a later phase, in a fixed order.

In scope in a body: every run-time size (``int64_t n0``), every buffer by its name
(a ``restrict`` pointer of its dtype), ``begin``, ``end``, ``scratch`` (this thread's
own memory, 64-byte aligned) and ``shared`` (the kernel's own memory, likewise).
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.ir import Buffer
from codegen.sizes import Size

# scalar operations of a vector loop in the time of one that a product counts
VECTOR = 16


@dataclass(frozen=True)
class Helper:
    """A large C function that phases call; ``macro`` of a header makes it.

    ``macro`` defines it and ``macro_HEAD`` is its head, both for ``parameters``: of a
    module with several files one defines it, and the others know its head.
    """

    name: str
    macro: str
    parameters: str

    @property
    def definition(self) -> str:
        """The line that defines it."""
        return f"{self.macro}({self.parameters})"

    @property
    def declaration(self) -> str:
        """The line that makes it known."""
        return f"{self.macro}_HEAD({self.parameters});"


@dataclass(frozen=True)
class Common:
    """A file of C that is the same for all programs: compiled once, and linked.

    Phases that call it know it by declarations in their headers.
    """

    name: str
    text: str


@dataclass(frozen=True)
class Phase:
    """The body of one C function, and how finely its work may be split.

    Phases whose C is the same but for ``buffers``, ``locals`` and numbers marked by
    ``sizes.text`` become one function: see ``sharing.py``. ``helpers`` are what the
    body calls beside the headers, and ``common`` what it calls of what all programs
    share.
    """

    lines: tuple[str, ...]
    buffers: tuple[Buffer, ...]
    units: Size = 1
    scratch_bytes: Size = 0
    cost: Size = 0  # rough operations a unit; too little stays on one thread
    locals: tuple[str, ...] = ()
    helpers: tuple[Helper, ...] = ()
    common: tuple[Common, ...] = ()


@dataclass(frozen=True)
class Emission:
    """The phases of one kernel, what they share, and the headers they need."""

    phases: tuple[Phase, ...]
    shared_bytes: Size = 0
    headers: tuple[str, ...] = ()
