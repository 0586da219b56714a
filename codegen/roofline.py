"""The roofline of this machine: how fast it multiplies and adds, how fast it reads.

    attainable(flops, bytes) = flops / max(flops / peak, bytes / bandwidth)

after Williams, Waterman and Patterson, "Roofline: an insightful visual performance
model" (2009). Both figures are measured in this process with the compiler and the
threads that programs run with; the best of several short runs counts, as whatever else
the machine does can only slow one down. The peak is that of one core times the threads:
a bound that cores which share a power budget may not reach together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from codegen.build import build
from codegen.ir import Buffer, Kernel, MultiplyAdds, Program, Role, Stream
from codegen.probes import flops
from codegen.runtime import Array, Native
from codegen.sizes import evaluate, product, symbol
from codegen.target import Target, host_target
from codegen.threads import default_threads
from codegen.workspace import aligned_bytes

TURNS = 20_000  # about a fifth of a millisecond
BLOCK = 12 * 16 * 2048  # float32 numbers that a unit reads, 1.5 MiB
BLOCKS = 96  # together more than most third-level caches hold
RUNS = 20


@dataclass(frozen=True)
class Roofline:
    """Flop/s of one core by dtype, and byte/s that ``threads`` threads read at most."""

    target: str
    threads: int
    float32: float
    float64: float
    bandwidth: float

    def peak(self, dtype: str = "float32") -> float:
        """Flop/s of multiply-adds in the registers of all threads."""
        core = self.float64 if dtype == "float64" else self.float32
        return core * self.threads

    def seconds(self, flops: float, bytes: float, dtype: str = "float32") -> float:
        """The least time for this many flops on this many bytes of memory."""
        return max(flops / self.peak(dtype), bytes / self.bandwidth)

    def __str__(self) -> str:
        return (
            f"{self.target}: {self.float32 / 1e9:.1f} GFLOP/s a core in float32, "
            f"{self.float64 / 1e9:.1f} in float64; {self.threads} threads, "
            f"{self.bandwidth / 1e9:.1f} GB/s"
        )


@lru_cache
def roofline(threads: int = 0, target: Target | None = None) -> Roofline:
    """What ``threads`` threads (0: the default) do at most, measured once a process."""
    threads = threads or default_threads()
    target = target or host_target()
    adds = {dtype: _multiply_adds(dtype) for dtype in ("float32", "float64")}
    stream = _stream()
    programs = [_program(dtype, step, step.out) for dtype, step in adds.items()]
    programs.append(_program("stream", stream, stream.source, stream.out))
    module = build(programs, target)
    cores = {
        dtype: flops(step, target) / _best(module[dtype], (step.out,), 1, 1)
        for dtype, step in adds.items()
    }
    read, buffers = module["stream"], (stream.source, stream.out)
    seconds = min(_best(read, buffers, BLOCKS, count) for count in (1, threads))
    bandwidth = BLOCKS * BLOCK * 4 / seconds
    return Roofline(target.name, threads, cores["float32"], cores["float64"], bandwidth)


def _multiply_adds(dtype: str) -> MultiplyAdds:
    units = symbol("units")
    return MultiplyAdds(Buffer("out", dtype, (units,), Role.ARGUMENT), TURNS, units)


def _stream() -> Stream:
    units = symbol("units")
    source = Buffer("source", "float32", (units * BLOCK,), Role.ARGUMENT)
    out = Buffer("out", "float32", (units,), Role.ARGUMENT)
    return Stream(source, out, BLOCK, units)


def _program(name: str, step: MultiplyAdds | Stream, *arguments: Buffer) -> Program:
    return Program(name, ("units",), arguments, (Kernel(step, "probe"),))


def _best(
    native: Native, arguments: Sequence[Buffer], units: int, threads: int
) -> float:
    """The seconds of the fastest of several runs."""
    arrays = [_filled(buffer, units) for buffer in arguments]
    return min(native.profile(arrays, (units,), threads)[1][0] for _ in range(RUNS))


def _filled(buffer: Buffer, units: int) -> Array:
    """Ones for ``buffer``, in memory that is there and aligned."""
    count = evaluate(product(buffer.shape), {"units": units})
    array = aligned_bytes(count * np.dtype(buffer.dtype).itemsize).view(buffer.dtype)
    array[...] = 1
    return array
