"""Programs -> C -> machine code in this process.

module = build([program])
module["name"].run([x, y, out], sizes=(n,))
again = reload(module.key, module.interfaces)       in another process, without the C
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from codegen.cache import LIBRARY, Cache, default_cache, digest
from codegen.errors import CompileError
from codegen.interface import Interface, interface_of
from codegen.ir import Program
from codegen.printer import Source, print_programs
from codegen.runtime import Native, load
from codegen.target import Target, host_target
from codegen.toolchain import (
    FLAGS,
    INCLUDE,
    TUNING,
    Toolchain,
    extra_flags,
    find_toolchain,
)

STAGES = ("print", "cc", "load")


@dataclass(frozen=True)
class Module:
    """Compiled programs by name, and the seconds that each stage of it took."""

    key: str
    path: Path
    interfaces: tuple[Interface, ...]
    natives: Mapping[str, Native]
    seconds: Mapping[str, float]

    def __getitem__(self, name: str) -> Native:
        return self.natives[name]

    @property
    def c_source(self) -> str | None:
        """The C that was compiled; None where the cache has let go of it."""
        try:
            files = sorted(self.path.parent.glob("module*.c"))
            return "\n".join(file.read_text() for file in files) or None
        except OSError:
            return None


def build(
    programs: Sequence[Program],
    target: Target | None = None,
    toolchain: Toolchain | None = None,
    cache: Cache | None = None,
    flags: tuple[str, ...] = (),
) -> Module:
    """The ``programs`` compiled for ``target``, from the cache where they are there.

    What is not given is found: this machine's target, the compiler on the path, the
    user's cache. Raises ToolchainError without a compiler, CompileError where it
    fails.
    """
    target = target or host_target()
    toolchain = toolchain or find_toolchain()
    cache = cache or default_cache()
    seconds = dict.fromkeys(STAGES, 0.0)
    with _timed(seconds, "print"):
        source = print_programs(programs, target)
    options = (*_accepted(toolchain, target, cache), *flags, *extra_flags())
    known = _conditions(target, toolchain, options)
    key = digest(*source.files, known)

    def compile(folder: Path) -> None:
        with _timed(seconds, "cc"):
            runtime = _runtime(known, toolchain, cache, options)
            _compile(source, folder, toolchain, options, runtime)

    library = cache.find(key, compile)
    interfaces = tuple(map(interface_of, source.programs))
    return _loaded(key, library, interfaces, seconds)


def conditions() -> str:
    """A digest of all that decides, beside the C, what is compiled from it here."""
    target, toolchain = host_target(), find_toolchain()
    options = (*_accepted(toolchain, target, default_cache()), *extra_flags())
    return _conditions(target, toolchain, options)


def reload(key: str, interfaces: tuple[Interface, ...]) -> Module | None:
    """What ``build`` made under ``key``, if the user's cache still has it."""

    def gone(folder: Path) -> None:
        raise LookupError(key)

    try:
        library = default_cache().find(key, gone)
        return _loaded(key, library, interfaces, dict.fromkeys(STAGES, 0.0))
    except (LookupError, OSError):  # the latter where it is let go of meanwhile
        return None


def _loaded(
    key: str,
    library: Path,
    interfaces: tuple[Interface, ...],
    seconds: dict[str, float],
) -> Module:
    with _timed(seconds, "load"):
        natives = load(library, interfaces)
    return Module(key, library, interfaces, natives, seconds)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] += time.perf_counter() - start


def _conditions(target: Target, toolchain: Toolchain, options: Sequence[str]) -> str:
    return digest(*FLAGS, *options, toolchain.identity, repr(target), _headers())


def _runtime(
    conditions: str, toolchain: Toolchain, cache: Cache, options: tuple[str, ...]
) -> Path:
    """What all modules have the same of, as an object; compiled once."""

    def compile(folder: Path) -> None:
        source = folder / "runtime.c"
        source.write_text('#include "runtime.h"\n')
        with _kept_if_it_fails([source]):
            toolchain.object(source, folder / LIBRARY, options)

    return cache.find(digest("runtime", conditions), compile)


def _compile(
    source: Source,
    folder: Path,
    toolchain: Toolchain,
    options: tuple[str, ...],
    runtime: Path,
) -> None:
    paths = []
    for number, text in enumerate(source.files):
        paths.append(folder / f"module{number}.c")
        paths[-1].write_text(text)
    linked = folder / "runtime.o"  # zig goes by the ending
    shutil.copy(runtime, linked)
    with _kept_if_it_fails(paths):
        toolchain.compile(paths, folder / LIBRARY, options, [linked])


@contextmanager
def _kept_if_it_fails(sources: Sequence[Path]) -> Iterator[None]:
    """Keep the C that a compiler fails on, and say where."""
    try:
        yield
    except CompileError as error:
        kept = Path(tempfile.mkdtemp(prefix="symgraph-failed-"))
        for source in sources:
            shutil.copy(source, kept)
        place = kept / error.source.name
        raise CompileError(error.command, error.output, place) from None


@lru_cache
def _accepted(toolchain: Toolchain, target: Target, cache: Cache) -> tuple[str, ...]:
    """The flags for ``target``; a compiler is asked once, the cache remembers."""
    key = digest("flags", toolchain.identity, repr(target), *TUNING)
    return tuple(cache.note(key, lambda: "\n".join(toolchain.accepted(target))).split())


@lru_cache
def _headers() -> str:
    """A digest of all headers that generated C includes."""
    paths = sorted(INCLUDE.glob("*.h"))
    return digest(*(text for path in paths for text in (path.name, path.read_text())))
