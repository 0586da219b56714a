"""Programs -> C -> machine code in this process.

module = build([program])
module["name"].run([x, y, out], sizes=(n,))
again = reload(module.key, module.interfaces)       in another process, without the C
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codegen.cache import LIBRARY, Cache, default_cache, digest
from codegen.interface import Interface, interface_of
from codegen.ir import Program
from codegen.runtime import Native, load
from codegen.setting import (
    RUNTIME,
    Setting,
    kept_if_it_fails,
    made,
    prepare,
    setting_of,
)
from codegen.target import Target
from codegen.toolchain import Toolchain

if TYPE_CHECKING:
    from codegen.printer import Source

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
    from codegen.printer import print_programs

    setting = setting_of(target, toolchain, cache, flags)
    seconds = dict.fromkeys(STAGES, 0.0)
    with _timed(seconds, "print"):
        source = print_programs(programs, setting.target)
    key = digest(*source.files, setting.conditions)

    def compile(folder: Path) -> None:
        with _timed(seconds, "cc"):
            _compile(source, folder, setting)

    library = setting.cache.find(key, compile)
    interfaces = tuple(map(interface_of, source.programs))
    return _loaded(key, library, interfaces, seconds)


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


def _compile(source: Source, folder: Path, setting: Setting) -> None:
    paths = []
    for number, text in enumerate(source.files):
        paths.append(folder / f"module{number}.c")
        paths[-1].write_text(text)
    prepare(setting, source.common)
    with kept_if_it_fails(paths):
        objects = setting.toolchain.objects(paths, setting.options)
    for common in (RUNTIME, *source.common):
        objects.append(folder / f"{common.name}.o")  # zig goes by the ending
        shutil.copy(made(setting, common), objects[-1])
    with kept_if_it_fails(paths):
        setting.toolchain.link(objects, folder / LIBRARY, setting.options, paths[0])
