"""Calling compiled programs: pointers, workspaces, threads, profiles.

A call is one C call with one argument, a ``sg_call``. It lives in a workspace with
all that the call needs, an arena included, and is reused by the next call; calls at
the same time have a workspace each.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from codegen import memory
from codegen.declared import ffi
from codegen.direct import Cells, Direct
from codegen.interface import Interface
from codegen.pointers import addresses
from codegen.python_table import python_table
from codegen.threads import Threads
from codegen.workspace import LAYOUT, Workspace, aligned_bytes

Array = npt.NDArray[Any]

_PLANS = 64  # combinations of sizes whose plans are remembered

NOT_PLAIN = -(1 << 63)  # what a program gives back that takes none of its arrays


class Failed(int):
    """The code of a check that failed, with the numbers that the check gave."""

    found: tuple[int, ...]

    def __new__(cls, code: int, found: Sequence[int]) -> Failed:
        """``code`` as any number, but for what it carries."""
        made = super().__new__(cls, code)
        made.found = tuple(found)
        return made


class _Loaded:
    """What is in memory for all programs."""

    natives: ClassVar[weakref.WeakSet[Native]] = weakref.WeakSet()
    runtimes: ClassVar[set[int]] = set()  # those of OpenMP that stay, by an address


def _alone_after_fork() -> None:
    """A child keeps nothing for threads that it does not have."""
    for native in _Loaded.natives:
        native.release()


os.register_at_fork(after_in_child=_alone_after_fork)


class Native:
    """A compiled program; safe to call from several threads at once."""

    def __init__(self, interface: Interface, entry: Any, library: object) -> None:
        self.interface = interface
        self.constants = [_aligned(values) for values in interface.constants]
        kinds = [np.dtype(dtype) for dtype in interface.dtypes]
        self.dtypes = ffi.new("intptr_t[]", [*map(id, kinds), 0])
        self._kinds = kinds  # their addresses stay those of living objects
        self.entry = entry
        self._library: Any = library  # unloaded when nobody holds it
        self._count = len(kinds)
        self._idle: list[Workspace] = []
        self._directs: weakref.WeakSet[Direct] = weakref.WeakSet()
        self._plans: dict[tuple[tuple[int, ...], int], memory.Plan] = {}
        _Loaded.natives.add(self)

    def run(
        self, arrays: Sequence[Array], sizes: tuple[int, ...] = (), threads: int = 0
    ) -> int:
        """Call on contiguous ``arrays``; 0, or as ``Failed`` the check that failed.

        The arrays are the program's arguments in their order; ``sizes`` the values of
        its run-time sizes. Shapes are the caller's to check. At most ``threads``
        threads work; 0 is the default.
        """
        arrays = arrays if type(arrays) is tuple else tuple(arrays)
        workspace = self._taken(sizes, threads or Threads.count)
        code = self._called(workspace, arrays)
        self._idle.append(workspace)
        return code

    def direct(
        self,
        arguments: int,
        dtypes: Sequence[np.dtype[Any]],
        cells: Cells = Cells(),  # noqa: B008 - a value
    ) -> Direct | None:
        """A callable for Python without Python code between, where there can be one."""
        if python_table() is None:
            return None
        direct = Direct(self, self._library, arguments, dtypes, cells)
        self._directs.add(direct)
        return direct

    def profile(
        self, arrays: Sequence[Array], sizes: tuple[int, ...] = (), threads: int = 0
    ) -> tuple[int, list[float]]:
        """As ``run``, with the seconds that each kernel took."""
        workspace = self._taken(sizes, threads or Threads.count)
        count = self.interface.kernels
        seconds = ffi.new("double[]", count + 1)
        workspace.call.seconds = seconds
        code = self._called(workspace, tuple(arrays))
        workspace.call.seconds = ffi.NULL
        self._idle.append(workspace)
        return code, list(seconds[0:count])

    def plan(self, sizes: tuple[int, ...], threads: int) -> memory.Plan:
        """Where each slot of the arena lies for these sizes."""
        key = (sizes, threads)
        if key not in self._plans:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            values = dict(zip(self.interface.sizes, sizes, strict=True))
            values[memory.THREADS] = threads
            self._plans[key] = memory.plan(self.interface.slots, values)
        return self._plans[key]

    def peak_bytes(self, sizes: tuple[int, ...] = (), threads: int = 0) -> int:
        """The bytes of temporary memory of a call, known before there is one."""
        return self.plan(sizes, threads or Threads.count).total

    def give_up(self) -> Array:
        """The arena of a call that is over, for somebody else to use."""
        try:
            return self._idle.pop().memory
        except IndexError:
            return np.empty(0, np.uint8)

    def release(self) -> None:
        """Give the memory kept for the next calls back."""
        self._idle.clear()
        for direct in self._directs:
            direct.forget()

    def _taken(self, sizes: tuple[int, ...], threads: int) -> Workspace:
        """A workspace for this call alone."""
        try:
            workspace = self._idle.pop()
        except IndexError:
            workspace = Workspace(self)
        if workspace.key != (sizes, threads):
            workspace.prepare(self, sizes, threads)
        return workspace

    def _called(self, workspace: Workspace, arrays: tuple[Array, ...]) -> int:
        if len(arrays) != self._count:
            raise ValueError(
                f"{self.interface.name}: expected {self._count} arrays, "
                f"got {len(arrays)}"
            )
        code = self._entered(workspace, arrays)
        return Failed(code, workspace.found) if code else code

    def _entered(self, workspace: Workspace, arrays: tuple[Array, ...]) -> int:
        """What the program gives back for these arrays, plain ones or others."""
        if LAYOUT:
            workspace.call.items = id(arrays) + LAYOUT.items
            code: int = self.entry(workspace.call)
            if code != NOT_PLAIN:
                return code
        workspace.call.items = 0
        found = addresses(arrays, self.interface.dtypes, self.interface.name)
        workspace.arguments[0 : len(found)] = found
        return self.entry(workspace.call)  # type: ignore[no-any-return]


def load(library: Path, interfaces: Sequence[Interface]) -> dict[str, Native]:
    """The programs of a shared library, by their names."""
    opened = ffi.dlopen(str(library))
    _keep_threads(library, opened)
    return {
        interface.name: Native(interface, opened.sg_entry_at(place), opened)
        for place, interface in enumerate(interfaces)
    }


def _keep_threads(library: Path, opened: Any) -> None:
    """Have OpenMP stay in memory, whose threads go on when a library is unloaded.

    For each OpenMP in use (gcc and clang have their own) one library that needs it
    stays, and so it does; ``pool.h`` ends its threads with its library.
    """
    try:
        runtime = int(ffi.cast("intptr_t", opened.omp_get_num_threads))
    except ffi.error:  # there is none in this library
        return
    if runtime not in _Loaded.runtimes:
        ffi.dlopen(str(library), ffi.RTLD_NOW | ffi.RTLD_NODELETE)
        _Loaded.runtimes.add(runtime)


def _aligned(values: Array) -> Array:
    """A copy of ``values`` that is contiguous and aligned."""
    flat = aligned_bytes(values.nbytes).view(values.dtype)
    flat[...] = values
    return flat
