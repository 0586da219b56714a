"""Sorting rows: a stable merge sort of indices, one row a unit of work."""

from __future__ import annotations

from codegen import sizes
from codegen.emission import Emission, Phase
from codegen.ir import ArgSort
from codegen.scalars import suffix
from codegen.target import Target


def emit_argsort(step: ArgSort, target: Target) -> Emission:
    """The C of an ``ArgSort``; the same on every target."""
    length, x, order = sizes.text(step.length), step.x.name, step.order.name
    lines = (
        "for (int64_t row = begin; row < end; row++) {",
        f"    const int64_t at = row * ({length});",
        f"    sg_argsort_{suffix(step.x.dtype)}({x} + at, {order} + at, "
        f"(int64_t *)scratch, {length});",
        "}",
    )
    cost = step.length * 32
    phase = Phase(lines, (step.x, step.order), step.rows, step.length * 8, cost)
    return Emission((phase,), headers=("sort.h",))
