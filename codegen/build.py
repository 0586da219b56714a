"""Programs -> C -> machine code in this process.

module = build([program])
module["name"].run([x, y, out], sizes=(n,))
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from codegen.cache import LIBRARY, Cache, default_cache, digest
from codegen.errors import CompileError
from codegen.ir import Program
from codegen.printer import Source, print_programs
from codegen.runtime import Module, load
from codegen.target import Target, host_target
from codegen.toolchain import FLAGS, INCLUDE, Toolchain, extra_flags, find_toolchain


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
    source = print_programs(programs, target)
    options = (*_accepted(toolchain, target, cache), *flags, *extra_flags())
    key = digest(
        *source.files, *FLAGS, *options, toolchain.identity, target.name, _headers()
    )
    library = cache.find(
        key, lambda folder: _compile(source, folder, toolchain, options)
    )
    return load(library, source)


def _compile(
    source: Source, folder: Path, toolchain: Toolchain, options: tuple[str, ...]
) -> None:
    paths = []
    for number, text in enumerate(source.files):
        paths.append(folder / f"module{number}.c")
        paths[-1].write_text(text)
    try:
        toolchain.compile(paths, folder / LIBRARY, options)
    except CompileError as error:
        kept = Path(tempfile.mkdtemp(prefix="symgraph-failed-"))
        for path in paths:
            shutil.copy(path, kept)
        place = kept / error.source.name
        raise CompileError(error.command, error.output, place) from None


@lru_cache
def _accepted(toolchain: Toolchain, target: Target, cache: Cache) -> tuple[str, ...]:
    """The flags for ``target``; a compiler is asked once, the cache remembers."""
    key = digest("flags", toolchain.identity, target.name, *target.flags)
    return tuple(cache.note(key, lambda: "\n".join(toolchain.accepted(target))).split())


@lru_cache
def _headers() -> str:
    """A digest of all headers that generated C includes."""
    paths = sorted(INCLUDE.glob("*.h"))
    return digest(*(text for path in paths for text in (path.name, path.read_text())))
