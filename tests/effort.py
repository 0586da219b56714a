"""How hard the compiler tries in tests: most of their time goes into its optimizing."""

from __future__ import annotations

import pytest

from codegen.target import Target, runnable
from codegen.toolchain import FLAGS_VARIABLE

WIDEST = runnable()[0].name


def effort(
    target: Target, dtype: str, optimized: bool | None = False
) -> tuple[str, ...]:
    """Flags for the compiler: none, or those of a build that only means the same.

    What it makes of our vectors is tried in float32 on the widest target, and on all
    targets by the tests that say ``optimized``: at least one for each family of
    kernels. Elsewhere it is the C that is tested, and wherever ``optimized`` is None:
    there another test of the same kernels has it optimized.
    """
    usual = target.name == WIDEST and dtype == "float32"
    tried = optimized or (optimized is not None and usual)
    return () if tried else ("-O0",)


def unoptimized(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the compiler does not optimize, in this process and its children."""
    monkeypatch.setenv(FLAGS_VARIABLE, "-O0")


def effort_in(dtype: str) -> tuple[str, ...]:
    """The same by dtype alone: all but float64 is optimized, on all targets."""
    return ("-O0",) if dtype == "float64" else ()
