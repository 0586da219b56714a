"""The machines that C is printed for: vector width, registers, compiler flags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Target:
    """An instruction set: what it is called, how wide, how many vector registers."""

    name: str
    vector_bytes: int
    registers: int
    flags: tuple[str, ...]

    def lanes(self, dtype: str) -> int:
        """How many ``dtype`` numbers one vector holds."""
        return self.vector_bytes // np.dtype(dtype).itemsize


AVX512 = Target(
    "avx512", 64, 32, ("-march=x86-64-v4", "-mprefer-vector-width=512", "-mtune=native")
)
AVX2 = Target("avx2", 32, 16, ("-march=x86-64-v3",))
SSE2 = Target("sse2", 16, 16, ("-march=x86-64",))
NEON = Target("neon", 16, 32, ())
TARGETS = {target.name: target for target in (AVX512, AVX2, SSE2, NEON)}


def host_target() -> Target:
    """The best target that this machine runs."""
    with open("/proc/cpuinfo") as file:
        text = file.read()
    if "avx512f" in text:
        return AVX512
    return AVX2 if "avx2" in text else SSE2
