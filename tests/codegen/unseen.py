"""C for instruction sets that this machine does not run is held against its grammar."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from codegen.ir import Program
from codegen.printer import print_programs
from codegen.target import AVX2, AVX512, Target, runnable
from codegen.toolchain import FLAGS, INCLUDE, find_toolchain

each_unseen_target = pytest.mark.parametrize(
    "unseen",
    [
        pytest.param(
            target,
            id=target.name,
            marks=pytest.mark.skipif(target in runnable(), reason="it is run"),
        )
        for target in (AVX512, AVX2)
    ],
)


def check(programs: Sequence[Program], target: Target, folder: Path) -> None:
    """The compiler reads the C of ``programs`` without a warning; it makes no code."""
    read(print_programs(programs, target).text, target, folder)


def read(text: str, target: Target, folder: Path) -> None:
    """The same for a file of C."""
    toolchain = find_toolchain()
    spelled = toolchain.spelled(target)
    if target in runnable() or not toolchain.accepts(*spelled):
        pytest.skip("it is run, or the compiler does not know it")
    source = folder / "module.c"
    source.write_text(text)
    command = [*toolchain.command, *FLAGS, *spelled, f"-I{INCLUDE}", "-fsyntax-only"]
    done = subprocess.run(
        [*command, source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
