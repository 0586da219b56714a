"""The machines that C is printed for: vector width, registers, compiler flags."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from codegen.errors import ToolchainError

TARGET_VARIABLE = "SYMGRAPH_TARGET"
# what the compiler's levels x86-64-v3 and v4 may use
_LEVEL_3 = frozenset(("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"))
_LEVEL_4 = frozenset(("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"))
CACHE = Path("/sys/devices/system/cpu/cpu0/cache/index0")


@dataclass(frozen=True)
class Target:
    """An instruction set: what it is called, how wide, how many vector registers."""

    name: str
    vector_bytes: int
    registers: int
    flags: tuple[str, ...]
    ways: int = 8  # lines of a set of the first-level cache; only speed depends on it
    units: int = 16  # of work that long sums are cut into; their rounding depends on it

    def lanes(self, dtype: str) -> int:
        """How many ``dtype`` numbers one vector holds."""
        return self.vector_bytes // np.dtype(dtype).itemsize


AVX512 = Target(
    "avx512", 64, 32, ("-march=x86-64-v4", "-mprefer-vector-width=512", "-mtune=native")
)
AVX2 = Target("avx2", 32, 16, ("-march=x86-64-v3",))
SSE2 = Target("sse2", 16, 16, ("-march=x86-64",))
NEON = Target("neon", 16, 32, ())
LEVELS = (AVX512, AVX2, SSE2)  # each runs on what the ones before it run on
TARGETS = {target.name: target for target in (AVX512, AVX2, SSE2, NEON)}


def host_target() -> Target:
    """``$SYMGRAPH_TARGET``, else the best target that this machine runs."""
    return replace(_chosen(), ways=_ways())


def _chosen() -> Target:
    chosen = os.environ.get(TARGET_VARIABLE)
    if not chosen:
        return _detected(platform.machine(), _features())
    if chosen not in TARGETS:
        names = ", ".join(TARGETS)
        raise ToolchainError(f"{TARGET_VARIABLE}: expected {names}; got {chosen}")
    known = runnable()
    if _features() and TARGETS[chosen] not in known:
        names = ", ".join(target.name for target in known)
        raise ToolchainError(
            f"{TARGET_VARIABLE}: this machine runs {names}, it does not run {chosen}"
        )
    return TARGETS[chosen]


def runnable() -> tuple[Target, ...]:
    """The targets whose code this machine is known to run, the best first."""
    best = _detected(platform.machine(), _features())
    return LEVELS[LEVELS.index(best) :] if best in LEVELS else (best,)


def _detected(machine: str, features: frozenset[str]) -> Target:
    if machine.lower() in ("arm64", "aarch64"):
        return NEON
    if features >= _LEVEL_3 | _LEVEL_4:
        return AVX512
    return AVX2 if features >= _LEVEL_3 else SSE2


@lru_cache
def _ways() -> int:
    """The ways of the first-level data cache; the common 8 where we cannot know."""
    try:
        ways = int((CACHE / "ways_of_associativity").read_text())
    except (OSError, ValueError):
        return Target.ways
    return ways or Target.ways


@lru_cache
def _features() -> frozenset[str]:
    """What the processor can do, as Linux names it; nothing where we cannot know."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return frozenset()
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    return frozenset(next(lines, "").partition(":")[2].split())
