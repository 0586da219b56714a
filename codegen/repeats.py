"""Programs with loops of kernels in them, seen as the straight line of one turn.

A *leaf* is a kernel that is no ``Repeat``. Memory, in-place analysis, printing and
profiles count leaves; a span is the leaves that one ``Repeat`` goes over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from codegen.ir import Buffer, Kernel, Repeat, Role, Strands
from codegen.sizes import Size

Spans: TypeAlias = "tuple[tuple[int, int], ...]"


@dataclass(frozen=True)
class Leaf:
    """A kernel, and how often it runs in one call."""

    kernel: Kernel
    times: Size = 1
    strands: Strands | None = None  # and for each of them
    conditions: tuple[Buffer, ...] = ()  # what decides if it runs


def leaves(
    kernels: Sequence[Kernel],
    times: Size = 1,
    strands: Strands | None = None,
    conditions: tuple[Buffer, ...] = (),
) -> Iterator[Leaf]:
    """Every kernel in the order of the text."""
    for kernel in kernels:
        step = kernel.step
        own = (*conditions, *(condition for condition, _ in kernel.guard))
        if isinstance(step, Repeat):
            inside = strands or step.strands
            yield from leaves(step.body, times * step.count, inside, own)
        else:
            yield Leaf(kernel, times, strands, own)


def indices(kernels: Sequence[Kernel]) -> Iterator[str]:
    """What changes from turn to turn in all loops, outer before inner."""
    for kernel in kernels:
        if isinstance(kernel.step, Repeat):
            strands = kernel.step.strands
            yield from (strands.first, strands.rows) if strands else ()
            yield kernel.step.index
            yield from indices(kernel.step.body)


def spans(kernels: Sequence[Kernel], start: int = 0) -> Spans:
    """The first and the last leaf of every loop that has any."""
    found: list[tuple[int, int]] = []
    for kernel in kernels:
        count = sum(1 for _ in leaves((kernel,)))
        if isinstance(kernel.step, Repeat) and count:
            found.append((start, start + count - 1))
            found += spans(kernel.step.body, start)
        start += count
    return tuple(found)


def strands_of(line: Sequence[Leaf]) -> tuple[tuple[range, Strands], ...]:
    """The leaves that run strand by strand, and the strands."""
    found: dict[Strands, range] = {}
    for place, leaf in enumerate(line):
        if leaf.strands:
            start = found.get(leaf.strands, range(place, place)).start
            found[leaf.strands] = range(start, place + 1)
    return tuple((inside, strands) for strands, inside in found.items())


def with_leaves(kernels: Sequence[Kernel], new: Iterator[Kernel]) -> tuple[Kernel, ...]:
    """``kernels`` with its leaves replaced, in order, by those of ``new``."""
    result = []
    for kernel in kernels:
        if isinstance(kernel.step, Repeat):
            body = with_leaves(kernel.step.body, new)
            result.append(replace(kernel, step=replace(kernel.step, body=body)))
        else:
            result.append(next(new))
    return tuple(result)


def lives(
    used: Sequence[Collection[Buffer]], loops: Spans
) -> tuple[dict[Buffer, int], dict[Buffer, int]]:
    """The first and the last leaf that needs each temporary.

    What a loop shares with the leaves outside of it is needed in every turn, so for
    all of the loop; what only one turn knows is not.
    """
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for place, found in enumerate(used):
        for buffer in sorted(found, key=lambda buffer: buffer.name):
            if buffer.role is Role.TEMPORARY:
                first.setdefault(buffer, place)
                last[buffer] = place
    for begin, end in loops:
        inside = {buffer for found in used[begin : end + 1] for buffer in found}
        outside = {b for found in (*used[:begin], *used[end + 1 :]) for b in found}
        for buffer in inside & outside & set(first):
            first[buffer] = min(first[buffer], begin)
            last[buffer] = max(last[buffer], end)
    return first, last
