"""What kernels use and what of it they write: whether one must wait for another."""

from __future__ import annotations

from dataclasses import dataclass, field

from codegen.emission import Emission
from codegen.ir import Buffer, Gemm, Kernel, Loop
from codegen.memory import buffers_of
from codegen.traverse import writes


@dataclass
class Accesses:
    """The buffers that some kernels use, and those of them that they write."""

    used: set[Buffer] = field(default_factory=set)
    written: set[Buffer] = field(default_factory=set)

    def meet(self, other: Accesses) -> bool:
        """Whether the kernels of both must stay in order: one writes what one uses."""
        mine = self.written.isdisjoint(other.used)
        theirs = self.used.isdisjoint(other.written)
        return not (mine and theirs)

    def take(self, other: Accesses) -> None:
        """The kernels of ``other`` are among these."""
        self.used |= other.used
        self.written |= other.written


def accesses_of(kernel: Kernel, emission: Emission) -> Accesses:
    """Those of a product or a loop."""
    return Accesses(set(buffers_of(emission)), _written(kernel))


def _written(kernel: Kernel) -> set[Buffer]:
    step = kernel.step
    if isinstance(step, Loop):
        return {one.buffer for one in writes(step)}
    assert isinstance(step, Gemm)
    also = step.epilogue.also if step.epilogue else ()
    return {step.c, *(store.buffer for store in also)}
