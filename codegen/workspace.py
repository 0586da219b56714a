"""What one call at a time of a program needs: pointers, sizes, an arena."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from codegen import memory
from codegen.declared import ffi
from codegen.ir import FOUND
from codegen.pointers import find_layout
from codegen.threads import Threads

if TYPE_CHECKING:
    from codegen.runtime import Native

Array = npt.NDArray[Any]

LAYOUT = find_layout()


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
        self.call.array = LAYOUT.array if LAYOUT else 0
        self.call.type = id(np.ndarray)
        self.call.dtypes = native.dtypes
        self.found = self.call.found = ffi.new("int64_t[]", FOUND)
        self.key: tuple[tuple[int, ...], int] | None = None

    def prepare(self, native: Native, sizes: tuple[int, ...], threads: int) -> None:
        """Make ready for ``sizes`` and ``threads``, with memory enough."""
        plan = native.plan(sizes, threads)
        if plan.total > self.memory.size:
            self.memory = aligned_bytes(plan.total)
        self.sizes[0 : len(sizes)] = sizes
        self.offsets[0 : len(plan.offsets)] = plan.offsets
        self.call.arena = ffi.from_buffer(self.memory)
        self.call.threads = min(threads, Threads.most)
        self.key = (sizes, threads)


def aligned_bytes(count: int) -> Array:
    """``count`` bytes that begin at a multiple of the alignment."""
    block = np.empty(count + memory.ALIGNMENT, np.uint8)
    skip = -int(block.ctypes.data) % memory.ALIGNMENT
    return block[skip : skip + count]
