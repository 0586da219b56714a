"""Finding a C compiler, and running it."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from codegen.errors import CompileError, ToolchainError
from codegen.target import Target

COMPILER_VARIABLE = "SYMGRAPH_CC"
INCLUDE = Path(__file__).parent / "include"
FLAGS = (
    "-std=gnu11",
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-fopenmp-simd",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Werror",
)


@dataclass(frozen=True)
class Toolchain:
    """A compiler: the command that starts it, and what tells it from another."""

    command: tuple[str, ...]
    identity: str
    openmp: bool

    def flags(self, target: Target) -> tuple[str, ...]:
        """The flags that C for ``target`` is compiled with."""
        threads = ("-fopenmp",) if self.openmp else ()
        return (*FLAGS, *threads, *target.flags, f"-I{INCLUDE}")

    def compile(self, source: Path, library: Path, flags: tuple[str, ...]) -> None:
        """Make the shared ``library`` of the C file ``source``."""
        command = [*self.command, *flags, str(source), "-o", str(library), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CompileError(_failure(command, done.stderr, source))


@cache
def find_toolchain() -> Toolchain:
    """``$SYMGRAPH_CC``, else cc, gcc or clang, else the compiler of ``ziglang``."""
    chosen = os.environ.get(COMPILER_VARIABLE)
    if chosen:
        return _toolchain(tuple(shlex.split(chosen)))
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return _toolchain((name,))
    if importlib.util.find_spec("ziglang"):
        return _toolchain((sys.executable, "-m", "ziglang", "cc"))
    raise ToolchainError(
        "no C compiler: neither cc, gcc nor clang is on the path; install one, or "
        "the wheel with one: pip install 'symgraph[toolchain]'"
    )


def _toolchain(command: tuple[str, ...]) -> Toolchain:
    found = shutil.which(command[0])
    if found is None:
        raise ToolchainError(f"{COMPILER_VARIABLE}: {command[0]} is not on the path")
    real = os.path.realpath(found)
    status = os.stat(real)
    zig = "ziglang" in command
    if zig:
        spec = importlib.util.find_spec("ziglang")
        if spec is not None and spec.origin:
            status = os.stat(spec.origin)
            real = spec.origin
    parts = [
        *command,
        real,
        status.st_size,
        status.st_mtime_ns,
        sysconfig.get_platform(),
    ]
    return Toolchain(
        (found, *command[1:]), "|".join(str(part) for part in parts), not zig
    )


def _failure(command: list[str], errors: str, source: Path) -> str:
    last = "\n".join(errors.strip().splitlines()[-20:])
    return f"the C compiler failed on {source}\n{shlex.join(command)}\n{last}"
