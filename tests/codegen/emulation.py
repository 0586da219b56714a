"""Programs for NEON, cross-compiled and run one process a call by qemu's emulator."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from codegen import build, target
from codegen.interface import Interface
from codegen.ir import FOUND
from codegen.runtime import Array, Native
from codegen.target import NEON
from codegen.toolchain import COMPILER_VARIABLE, INCLUDE
from codegen.workspace import Workspace

COMPILER = "aarch64-linux-gnu-gcc"
EMULATORS = ("qemu-aarch64", "qemu-aarch64-static")
HEAD = 8 * (1 + FOUND)  # bytes of the code of a call, and of its numbers
DRIVER = Path(__file__).with_name("emulated.c")


def emulator() -> str | None:
    """The command that runs programs for aarch64, if it is there."""
    return next(filter(None, map(shutil.which, EMULATORS)), None)


def missing() -> str:
    """Why nothing can be emulated here; empty where it can."""
    if shutil.which(COMPILER) is None:
        return f"no cross compiler {COMPILER}"
    return "" if emulator() else f"no emulator {' or '.join(EMULATORS)}"


def emulate(patch, folder: Path) -> None:
    """Compile everything for NEON from now on, and run it in the emulator."""
    driver = folder / "emulated"
    command = [COMPILER, "-O1", f"-I{INCLUDE}", str(DRIVER), "-o", str(driver), "-ldl"]
    subprocess.run(command, check=True)
    patch.setenv(COMPILER_VARIABLE, COMPILER)
    patch.setenv(target.TARGET_VARIABLE, NEON.name)
    patch.setattr(target.platform, "machine", lambda: "aarch64")
    patch.setattr(target, "_features", frozenset)
    patch.setattr(build, "load", partial(_load, _command(driver)))


def _command(driver: Path) -> tuple[str, ...]:
    """How to start the driver, with the C library of the cross compiler."""
    question = [COMPILER, "-print-file-name=libc.so.6"]
    answer = subprocess.run(question, capture_output=True, text=True, check=True)
    root = Path(answer.stdout.strip()).resolve().parents[1]
    found = emulator()
    assert found is not None
    return (found, "-L", str(root), str(driver))


def _load(
    command: tuple[str, ...], library: Path, interfaces: Sequence[Interface]
) -> dict[str, Native]:
    return {
        interface.name: Emulated(interface, (*command, str(library), str(place)))
        for place, interface in enumerate(interfaces)
    }


class Emulated(Native):
    """A program that runs in a process of its own."""

    def __init__(self, interface: Interface, command: tuple[str, ...]) -> None:
        super().__init__(interface, None, None)
        self.command = command

    def direct(self, *_):
        """None: Python cannot call into another process."""

    def _entered(self, workspace: Workspace, arrays: tuple[Array, ...]) -> int:
        sizes = list(workspace.sizes)[: len(self.interface.sizes)]
        offsets = list(workspace.offsets)[: len(self.interface.slots)]
        memory = [np.ascontiguousarray(a) for a in (*arrays, *self.constants)]
        arena, threads = workspace.memory.size, workspace.call.threads
        numbers = [len(arrays), len(memory), len(sizes), len(offsets), arena, threads]
        head = np.array([*numbers, *(a.nbytes for a in memory), *sizes, *offsets])
        given = b"".join(
            [head.astype("int64").tobytes(), *(a.tobytes() for a in memory)]
        )
        done = subprocess.run(
            self.command, input=given, capture_output=True, check=True
        )
        code, *found = np.frombuffer(done.stdout[:HEAD], np.int64).tolist()
        workspace.found[0:FOUND] = found
        _receive(done.stdout[HEAD:], arrays)
        return code


def _receive(results: bytes, arrays: Sequence[Array]) -> None:
    """Put what a call wrote into ``arrays``."""
    assert len(results) == sum(array.nbytes for array in arrays)
    at = 0
    for array in arrays:
        values = np.frombuffer(results[at : at + array.nbytes], array.dtype)
        array[...] = values.reshape(array.shape)
        at += array.nbytes
