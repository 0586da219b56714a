"""Programs -> C -> a loaded module.

module = build([program])
module["name"].run([x, y, out], sizes=(n,))
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from codegen.ir import Program
from codegen.printer import print_program
from codegen.runtime import Module, load
from codegen.target import Target, host_target
from codegen.toolchain import Toolchain, find_toolchain


def build(
    programs: Sequence[Program],
    target: Target | None = None,
    toolchain: Toolchain | None = None,
    flags: tuple[str, ...] = (),
) -> Module:
    """The ``programs`` as machine code in this process."""
    target = target or host_target()
    toolchain = toolchain or find_toolchain()
    printed = [print_program(program, target) for program in programs]
    source = "\n".join(one.source for one in printed)
    folder = Path(tempfile.mkdtemp(prefix="symgraph-"))
    path, library = folder / "module.c", folder / "module.so"
    path.write_text(source)
    toolchain.compile(path, library, (*toolchain.flags(target), *flags))
    return load(library, source, printed)
