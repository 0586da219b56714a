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

import cffi
import numpy as np
import numpy.typing as npt

from codegen import memory
from codegen.interface import Interface
from codegen.pointers import addresses, find_layout

Array = npt.NDArray[Any]

THREADS_VARIABLE = "SYMGRAPH_THREADS"
_PLANS = 64  # combinations of sizes whose plans are remembered

ffi = cffi.FFI()
ffi.cdef(
    """
    typedef struct { intptr_t *arguments; int64_t *sizes; char *arena;
                     int64_t *offsets; int64_t threads; double *seconds;
                     intptr_t items, array, type; intptr_t *dtypes; } sg_call;
    typedef int64_t sg_entry(const sg_call *call);
    sg_entry *sg_entry_at(int64_t place);
    int omp_get_num_threads(void);
    """
)
_LAYOUT = find_layout()
NOT_PLAIN = -(1 << 63)  # what a program gives back that takes none of its arrays


def default_threads() -> int:
    """``$SYMGRAPH_THREADS``, else the processors that this process may use."""
    chosen = os.environ.get(THREADS_VARIABLE, "")
    if chosen.isdigit() and int(chosen) > 0:
        return int(chosen)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Threads:
    """How many threads a call uses when it does not say, and at most."""

    count = default_threads()
    most = 1 << 16
    natives: ClassVar[weakref.WeakSet[Native]] = weakref.WeakSet()
    runtimes: ClassVar[set[int]] = set()  # those of OpenMP that stay, by an address


def _alone_after_fork() -> None:
    """The threads of OpenMP do not survive a fork: the child does without."""
    _Threads.count = _Threads.most = 1
    for native in _Threads.natives:
        native.release()


os.register_at_fork(after_in_child=_alone_after_fork)


class Workspace:
    """What one call at a time needs; ``key`` says for which sizes it is ready."""

    def __init__(self, native: Native) -> None:
        interface = native.interface
        count = len(interface.dtypes)
        self.arguments = ffi.new("intptr_t[]", count + len(native.constants) + 1)
        for place, constant in enumerate(native.constants):
            self.arguments[count + place] = constant.ctypes.data
        self.sizes = ffi.new("int64_t[]", len(interface.sizes) + 1)
        self.offsets = ffi.new("int64_t[]", len(interface.slots) + 1)
        self.memory: Array = np.empty(0, np.uint8)
        self.call = ffi.new("sg_call *")
        self.call.arguments = self.arguments
        self.call.sizes = self.sizes
        self.call.offsets = self.offsets
        self.call.array = _LAYOUT.array if _LAYOUT else 0
        self.call.type = id(np.ndarray)
        self.call.dtypes = native.dtypes
        self.key: tuple[tuple[int, ...], int] | None = None

    def prepare(self, native: Native, sizes: tuple[int, ...], threads: int) -> None:
        """Make ready for ``sizes`` and ``threads``, with memory enough."""
        plan = native.plan(sizes, threads)
        if plan.total > self.memory.size:
            self.memory = aligned_bytes(plan.total)
        self.sizes[0 : len(sizes)] = sizes
        self.offsets[0 : len(plan.offsets)] = plan.offsets
        self.call.arena = ffi.from_buffer(self.memory)
        self.call.threads = min(threads, _Threads.most)
        self.key = (sizes, threads)


class Native:
    """A compiled program; safe to call from several threads at once."""

    def __init__(self, interface: Interface, entry: Any, library: object) -> None:
        self.interface = interface
        self.constants = [_aligned(values) for values in interface.constants]
        kinds = [np.dtype(dtype) for dtype in interface.dtypes]
        self.dtypes = ffi.new("intptr_t[]", [*map(id, kinds), 0])
        self._kinds = kinds  # their addresses stay those of living objects
        self._entry = entry
        self._library = library  # unloaded when nobody holds it
        self._count = len(kinds)
        self._idle: list[Workspace] = []
        self._plans: dict[tuple[tuple[int, ...], int], memory.Plan] = {}
        _Threads.natives.add(self)

    def run(
        self, arrays: Sequence[Array], sizes: tuple[int, ...] = (), threads: int = 0
    ) -> int:
        """Call on contiguous ``arrays``; 0, or the code of the check that failed.

        The arrays are the program's arguments in their order; ``sizes`` the values of
        its run-time sizes. Shapes are the caller's to check. At most ``threads``
        threads work; 0 is the default.
        """
        arrays = arrays if type(arrays) is tuple else tuple(arrays)
        workspace = self._taken(sizes, threads or _Threads.count)
        code = self._called(workspace, arrays)
        self._idle.append(workspace)
        return code

    def attempt(
        self, arrays: tuple[Array, ...], key: tuple[tuple[int, ...], int]
    ) -> int:
        """As ``run`` for the sizes and threads in ``key``, but NOT_PLAIN, and nothing
        computed, where the arrays are not all plain. They must be the right number.
        """
        if not _LAYOUT:
            return NOT_PLAIN
        try:
            workspace = self._idle.pop()
        except IndexError:
            workspace = Workspace(self)
        if workspace.key != key:
            workspace.prepare(self, *key)
        call = workspace.call
        call.items = id(arrays) + _LAYOUT.items
        code = self._entry(call)
        self._idle.append(workspace)
        return code  # type: ignore[no-any-return]

    def profile(
        self, arrays: Sequence[Array], sizes: tuple[int, ...] = (), threads: int = 0
    ) -> tuple[int, list[float]]:
        """As ``run``, with the seconds that each kernel took."""
        workspace = self._taken(sizes, threads or _Threads.count)
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
        return self.plan(sizes, threads or _Threads.count).total

    def release(self) -> None:
        """Give the memory kept for the next calls back."""
        self._idle.clear()

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
        if _LAYOUT:
            workspace.call.items = id(arrays) + _LAYOUT.items
            code = self._entry(workspace.call)
            if code != NOT_PLAIN:
                return code  # type: ignore[no-any-return]
        workspace.call.items = 0
        found = addresses(arrays, self.interface.dtypes, self.interface.name)
        workspace.arguments[0 : len(found)] = found
        return self._entry(workspace.call)  # type: ignore[no-any-return]


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
    except AttributeError:  # there is none in this library
        return
    if runtime not in _Threads.runtimes:
        ffi.dlopen(str(library), ffi.RTLD_NOW | ffi.RTLD_NODELETE)
        _Threads.runtimes.add(runtime)


def aligned_bytes(count: int) -> Array:
    """``count`` bytes that begin at a multiple of the alignment."""
    block = np.empty(count + memory.ALIGNMENT, np.uint8)
    skip = -int(block.ctypes.data) % memory.ALIGNMENT
    return block[skip : skip + count]


def _aligned(values: Array) -> Array:
    """A copy of ``values`` that is contiguous and aligned."""
    flat = aligned_bytes(values.nbytes).view(values.dtype)
    flat[...] = values
    return flat
