"""The steps that measure the machine: multiply-adds in registers, reads from memory."""

from __future__ import annotations

from codegen import sizes
from codegen.emission import Emission, Phase
from codegen.ir import MultiplyAdds, Stream
from codegen.scalars import C_TYPES, suffix
from codegen.target import Target

CHAINS = 12  # of include/roofline.h
ALWAYS = 1 << 40  # a cost that every thread is worth


def flops(step: MultiplyAdds, target: Target) -> int:
    """Multiplications and additions of one unit."""
    return 2 * step.turns * CHAINS * target.lanes(step.out.dtype)


def emit_multiply_adds(step: MultiplyAdds, target: Target) -> Emission:
    """The C of the multiply-adds."""
    dtype, out = step.out.dtype, step.out.name
    call = f"sg_multiply_adds_{suffix(dtype)}({step.turns}, factor, term)"
    lines = (
        f"volatile {C_TYPES[dtype]} half = 0.5;",
        f"const {C_TYPES[dtype]} factor = half, term = half;",
        "for (; begin < end; begin++)",
        f"    {out}[begin] = {call};",
    )
    phase = Phase(lines, (step.out,), step.units, 0, ALWAYS)
    return Emission((phase,), 0, ("roofline.h",))


def emit_stream(step: Stream, target: Target) -> Emission:
    """The C of the reads."""
    block = sizes.text(step.block)
    lines = (
        "for (; begin < end; begin++)",
        f"    {step.out.name}[begin] =",
        f"        sg_stream({step.source.name} + begin * {block}, {block});",
    )
    phase = Phase(lines, (step.source, step.out), step.units, 0, ALWAYS)
    return Emission((phase,), 0, ("roofline.h",))
