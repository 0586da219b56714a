"""How hard the compiler tries in tests: most of their time goes into its optimizing."""

from __future__ import annotations

from codegen.target import Target, runnable

WIDEST = runnable()[0]


def effort(target: Target, dtype: str, again: bool = False) -> tuple[str, ...]:
    """Flags for the compiler: none, or those of a build that only means the same.

    What it makes of our vectors is tried on the widest target in each dtype, and on all
    targets in float32. Elsewhere it is the C that is tested, as it is where kernels
    whose like are tried by another test are built ``again``.
    """
    tried = target == WIDEST or (dtype == "float32" and not again)
    return () if tried else ("-O0",)
