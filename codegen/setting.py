"""How modules are compiled here: for whom, by whom, and what they have in common.

The crew of threads and the calls by Python are one object, compiled once and linked
with every module; matrix products are another, for the modules that call them.
``prepare`` starts on them while the caller is still making C.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from codegen.cache import LIBRARY, Cache, default_cache, digest
from codegen.emission import Common
from codegen.errors import CompileError
from codegen.target import Target, host_target
from codegen.toolchain import (
    FLAGS,
    INCLUDE,
    TUNING,
    Toolchain,
    extra_flags,
    find_toolchain,
)

RUNTIME = Common("runtime", '#include "runtime.h"\n')  # what every module calls


@dataclass(frozen=True)
class Setting:
    """A target, a compiler with its options, and the cache for what it makes."""

    target: Target
    toolchain: Toolchain
    cache: Cache
    options: tuple[str, ...]

    @cached_property
    def conditions(self) -> str:
        """A digest of all that decides, beside the C, what is compiled from it."""
        compiler, target = self.toolchain.identity, repr(self.target)
        return digest(*FLAGS, *self.options, compiler, target, _headers())

    def key(self, common: Common) -> str:
        """Where that object lies in the cache."""
        return digest(common.text, self.conditions)


def setting_of(
    target: Target | None = None,
    toolchain: Toolchain | None = None,
    cache: Cache | None = None,
    flags: tuple[str, ...] = (),
) -> Setting:
    """What is not given is found: this machine, the compiler on the path, the cache."""
    target = target or host_target()
    toolchain = toolchain or find_toolchain()
    cache = cache or default_cache()
    accepted = _accepted(toolchain, target, cache)
    return Setting(target, toolchain, cache, (*accepted, *flags, *extra_flags()))


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


# --- what modules have in common --------------------------------------------------

_begun: dict[tuple[Path, str], Future[Path]] = {}
if hasattr(os, "register_at_fork"):  # a fork has not the threads that are at work
    os.register_at_fork(after_in_child=_begun.clear)


def prepare(setting: Setting, commons: Iterable[Common] = ()) -> None:
    """Start to compile what all modules call, and ``commons``, unless that is begun."""
    for common in (RUNTIME, *commons):
        place = setting.cache.folder, setting.key(common)
        begun = _begun.get(place)
        if begun is None or begun.done():
            worker = ThreadPoolExecutor(1, "symgraph-cc")  # it ends with the work
            _begun[place] = worker.submit(_made, setting, common)
            worker.shutdown(wait=False)


def made(setting: Setting, common: Common) -> Path:
    """The object of ``common``; what failed behind the scenes is tried in sight."""
    begun = _begun.pop((setting.cache.folder, setting.key(common)), None)
    if begun is not None:
        wait([begun])
    return _made(setting, common)


def _made(setting: Setting, common: Common) -> Path:
    def compile(folder: Path) -> None:
        source = folder / f"{common.name}.c"
        source.write_text(common.text)
        with kept_if_it_fails([source]):
            setting.toolchain.object(source, folder / LIBRARY, setting.options)

    return setting.cache.find(setting.key(common), compile)


@contextmanager
def kept_if_it_fails(sources: Sequence[Path]) -> Iterator[None]:
    """Keep the C that a compiler fails on, and say where."""
    try:
        yield
    except CompileError as error:
        kept = Path(tempfile.mkdtemp(prefix="symgraph-failed-"))
        for source in sources:
            shutil.copy(source, kept)
        place = kept / error.source.name
        raise CompileError(error.command, error.output, place) from None
