"""Finding a C compiler, learning what it accepts, and running it."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import repeat
from pathlib import Path

from codegen import zig
from codegen.errors import CompileError, ToolchainError
from codegen.target import Target

COMPILER_VARIABLE = "SYMGRAPH_CC"
FLAGS_VARIABLE = "SYMGRAPH_CFLAGS"
INCLUDE = Path(__file__).parent / "include"

# Floats keep their meaning (nan, inf, signed zero); only the error flags of the
# processor and errno are given up, and a product may be fused with a sum.
FLAGS = (
    "-std=gnu11",
    "-O2",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-fopenmp-simd",
    "-fPIC",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-but-set-variable",  # gcc 16: counters of loops that need none
    "-Wno-pass-failed",  # clang says so where a loop did not become vectors
)
# What our loops gain from in gcc's -O3; and without passes for redundant expressions,
# that cost a fifth of its time and win nothing on kernels that are written out in
# registers, or on loops made of vectors.
TUNING = (
    "-ftree-vectorize",
    "-fvect-cost-model=dynamic",
    "-fpeel-loops",
    "-fno-tree-pre",
    "-fno-code-hoisting",
)
SANITIZE = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
    "-fno-omit-frame-pointer",
    "-g1",  # lines, not variables
    "-O0",  # what checks every access takes minutes to optimize
)
# For compilers older than the names of the levels.
_LEVEL_3 = ("-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mlzcnt", "-mf16c", "-mpopcnt")
_LEVEL_4 = tuple(f"-mavx512{part}" for part in ("f", "bw", "cd", "dq", "vl"))
_SPELLED_OUT = {
    "-march=x86-64-v3": _LEVEL_3,
    "-march=x86-64-v4": (*_LEVEL_3, *_LEVEL_4),
}
ELF = ("linux", "freebsd", "openbsd", "netbsd")  # whose linkers know -z
_PROBE = "int probe(void);\nint probe(void) { return 0; }\n"
_LAST_LINES = 20


@dataclass(frozen=True)
class Toolchain:
    """A compiler: the command that starts it, and what tells it from another."""

    command: tuple[str, ...]
    identity: str
    zig: bool = False
    environment: dict[str, str] = field(default_factory=dict, compare=False)

    def spelled(self, target: Target) -> tuple[str, ...]:
        """The flags for ``target`` as this compiler spells them."""
        if not self.zig:
            return target.flags
        return tuple(
            flag.replace("x86-64", "x86_64").replace("_64-v", "_64_v")
            for flag in target.flags
        )

    def accepts(self, *flags: str) -> bool:
        """Whether a small library compiles and links with ``flags``."""
        try:
            self._probe(*flags)
        except CompileError:
            return False
        return True

    def _probe(self, *flags: str) -> None:
        """Compile and link a small library; raises CompileError where that fails."""
        with tempfile.TemporaryDirectory(prefix="symgraph-") as folder:
            source = Path(folder) / "probe.c"
            source.write_text(_PROBE)
            library = source.with_suffix(".so")
            command = [*self.command, "-Werror", "-fPIC", *flags, str(source)]
            self._make(library, [*command, *self._link(library, flags)], source)

    def accepted(self, target: Target) -> tuple[str, ...]:
        """The flags for ``target``, threads and speed that this compiler takes."""
        threads = () if self.zig else ("-fopenmp",)  # zig has no OpenMP library
        wanted = (*threads, *self.spelled(target), *TUNING)
        if self.accepts(*wanted):
            return wanted
        self._probe()  # a compiler that takes nothing at all is broken
        taken: list[str] = []
        for flag in wanted:
            if self.accepts(flag):
                taken.append(flag)
            else:
                taken += [f for f in _SPELLED_OUT.get(flag, ()) if self.accepts(f)]
        return tuple(taken)

    def objects(self, sources: Sequence[Path], flags: Sequence[str]) -> list[Path]:
        """Files of C as objects beside them, each made by a process of its own."""
        made = [source.with_suffix(".o") for source in sources]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            done = pool.map(self.object, sources, made, repeat(flags))
            deque(done, maxlen=0)  # or the first error
        return made

    def link(
        self,
        objects: Sequence[Path],
        library: Path,
        flags: Sequence[str],
        source: Path,
    ) -> None:
        """Make the shared ``library`` of ``objects``; the first is of ``source``."""
        command = [*self.command, *FLAGS, *flags, *map(str, objects)]
        self._make(library, [*command, *self._link(library, flags)], source)

    def object(self, source: Path, made: Path, flags: Sequence[str]) -> None:
        """Compile one file of C, to be linked later."""
        options = [*FLAGS, *flags, f"-I{INCLUDE}", "-c", str(source), "-o", str(made)]
        self._make(made, [*self.command, *options], source)

    def _link(self, library: Path, flags: Sequence[str]) -> list[str]:
        # zig would first build a C library of its own, for half a minute; what we
        # call of it is in this process already
        libraries = ["-nostdlib"] if self.zig else ["-lm", "-lpthread"]
        if "-fopenmp" not in flags and sys.platform.startswith(ELF):
            # a fork calls into it as long as the process lives: see ``pool.h``
            libraries.append("-Wl,-z,nodelete")
        return ["-shared", "-o", str(library), *libraries]

    def _make(self, product: Path, command: Sequence[str], source: Path) -> None:
        """Run ``command``; raises CompileError unless it succeeds with ``product``."""
        done = self._run(command)
        if done.returncode or not product.exists():
            last = "\n".join(done.stderr.strip().splitlines()[-_LAST_LINES:])
            silent = f"it ended with status {done.returncode} and made no library"
            raise CompileError(shlex.join(command), last or silent, source)

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                env={**os.environ, "LC_ALL": "C", **self.environment},
            )
        except OSError as error:
            raise ToolchainError(
                f"the C compiler {command[0]} cannot be started: {error}"
            ) from error


def find_toolchain() -> Toolchain:
    """``$SYMGRAPH_CC``, else cc, gcc or clang, else the compiler of ``ziglang``."""
    return _find(os.environ.get(COMPILER_VARIABLE, ""), os.environ.get("PATH", ""))


@lru_cache
def _find(chosen: str, path: str) -> Toolchain:
    if chosen.strip():
        return _toolchain(_words(chosen, COMPILER_VARIABLE), path)
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name, path=path):
            return _toolchain((name,), path)
    if importlib.util.find_spec("ziglang"):
        return _toolchain((sys.executable, "-m", "ziglang", "cc"), path)
    raise ToolchainError(
        "no C compiler: neither cc, gcc nor clang is on the path, and the ziglang "
        "wheel is not installed; install gcc or clang, or run: "
        "pip install 'symgraph[toolchain]'"
    )


def extra_flags() -> tuple[str, ...]:
    """What the user adds in ``$SYMGRAPH_CFLAGS``."""
    return _words(os.environ.get(FLAGS_VARIABLE, ""), FLAGS_VARIABLE)


def _words(text: str, variable: str) -> tuple[str, ...]:
    """``text`` in words, as a shell splits it."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ToolchainError(f"{variable}: {error} in {text!r}") from None


def _toolchain(command: tuple[str, ...], path: str) -> Toolchain:
    found = shutil.which(command[0], path=path)
    if found is None:
        raise ToolchainError(
            f"{COMPILER_VARIABLE}: expected a C compiler, found no command {command[0]}"
        )
    is_zig = "ziglang" in command or Path(found).name.startswith("zig")
    program = zig.program() if "ziglang" in command else found
    if "ziglang" in command:
        command = ("", *command[3:])
    identity = _identity(program, command[1:])
    environment = zig.folders() if is_zig else {}
    return Toolchain((program, *command[1:]), identity, is_zig, environment)


def _identity(program: str, arguments: Sequence[str]) -> str:
    """Path, size and date of the compiler: cheap to learn, other for another one."""
    real = os.path.realpath(program)
    status = os.stat(real)
    parts = (program, real, status.st_size, status.st_mtime_ns, *arguments)
    return "|".join(str(part) for part in parts)
