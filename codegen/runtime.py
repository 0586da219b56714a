"""Calling compiled programs: pointers, workspaces, threads, profiles."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cffi
import numpy as np
import numpy.typing as npt

from codegen import memory
from codegen.printer import Printed

ffi = cffi.FFI()
ffi.cdef(
    "typedef int64_t entry(void **arguments, const int64_t *sizes, char *arena,"
    " const int64_t *offsets, int64_t threads, double *seconds);"
)
DEFAULT_THREADS = len(os.sched_getaffinity(0))


class Workspace:
    """What one call needs: pointers, sizes, and an arena planned for those sizes."""

    def __init__(self, native: Native) -> None:
        program = native.printed.program
        given = len(program.arguments) + len(native.constants)
        self.arguments = ffi.new("void *[]", given + 1)
        for place, constant in enumerate(native.constants):
            at = len(program.arguments) + place
            self.arguments[at] = ffi.from_buffer(constant)
        self.key: object = None
        self.sizes = ffi.new("int64_t[]", len(program.sizes) + 1)
        self.offsets = ffi.new("int64_t[]", len(native.printed.slots) + 1)
        self.arena = ffi.NULL
        self.memory: npt.NDArray[np.uint8] = np.empty(0, np.uint8)

    def prepare(self, native: Native, sizes: Sequence[int], threads: int) -> None:
        """Plan the arena for ``sizes``."""
        plan = native.plan(sizes, threads)
        self.sizes[0 : len(sizes)] = list(sizes)
        self.offsets[0 : len(plan.offsets)] = plan.offsets
        if plan.total + memory.ALIGNMENT > self.memory.size:
            self.memory = np.empty(plan.total + memory.ALIGNMENT, np.uint8)
        base = ffi.cast("char *", ffi.from_buffer(self.memory))
        self.arena = base + -int(ffi.cast("intptr_t", base)) % memory.ALIGNMENT
        self.key = (tuple(sizes), threads)


class Native:
    """A compiled program; safe to call from several threads at once."""

    def __init__(self, printed: Printed, call: Any, library: object) -> None:
        self.printed = printed
        self.constants = [
            np.ascontiguousarray(values, buffer.dtype)
            for buffer, values in printed.program.constants
        ]
        self._call = call
        self._library = library
        self._idle: list[Workspace] = []

    def plan(self, sizes: Sequence[int], threads: int) -> memory.Plan:
        """Where each slot of the arena lies for these sizes."""
        values = dict(zip(self.printed.program.sizes, sizes, strict=True))
        return memory.plan(self.printed.slots, {**values, memory.THREADS: threads})

    def peak_bytes(self, sizes: Sequence[int] = (), threads: int = 0) -> int:
        """The bytes of temporary memory that a call with these sizes takes."""
        return self.plan(sizes, threads or DEFAULT_THREADS).total

    def run(
        self,
        arrays: Sequence[npt.NDArray[Any]],
        sizes: Sequence[int] = (),
        threads: int = 0,
        seconds: Any = ffi.NULL,
    ) -> int:
        """Call on contiguous ``arrays``; 0, or the code of the check that failed."""
        threads = threads or DEFAULT_THREADS
        workspace = self._idle.pop() if self._idle else Workspace(self)
        if workspace.key != (tuple(sizes), threads):
            workspace.prepare(self, sizes, threads)
        for place, array in enumerate(arrays):
            workspace.arguments[place] = ffi.from_buffer(array)
        code = self._call(
            workspace.arguments,
            workspace.sizes,
            workspace.arena,
            workspace.offsets,
            threads,
            seconds,
        )
        self._idle.append(workspace)
        return int(code)


class Module:
    """Compiled programs by name, and the C they came from."""

    def __init__(self, natives: dict[str, Native], c_source: str) -> None:
        self.natives = natives
        self.c_source = c_source

    def __getitem__(self, name: str) -> Native:
        return self.natives[name]


def load(library: Path, source: str, printed: Sequence[Printed]) -> Module:
    """The module in a shared library made of ``source``."""
    opened = ffi.dlopen(str(library))
    natives = {}
    for one in printed:
        name = one.program.name
        ffi.cdef(
            f"int64_t {name}(void **arguments, const int64_t *sizes, char *arena,"
            " const int64_t *offsets, int64_t threads, double *seconds);",
            override=True,
        )
        natives[name] = Native(one, getattr(opened, name), opened)
    return Module(natives, source)
