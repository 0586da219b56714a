"""Where everything temporary lives: one arena a call, slices shared over time.

A slot is a temporary buffer, a kernel's shared memory, or its threads' scratch, with
the kernels between which it must be kept. Slots that never live together may share
bytes; ``plan`` finds offsets once the sizes are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codegen import sizes
from codegen.emission import Emission
from codegen.ir import Buffer, Strands
from codegen.repeats import Spans, lives
from codegen.sizes import Size

ALIGNMENT = 64
THREADS = "sg_threads"


@dataclass(frozen=True)
class Slot:
    """``bytes`` of memory needed from kernel ``first`` to kernel ``last``.

    Where strands have one each, the next one's begins ``apart`` bytes further.
    """

    name: str
    bytes: Size
    first: int
    last: int
    apart: Size = 0


@dataclass(frozen=True)
class Plan:
    """Byte offsets of the slots, in their order, and the bytes of the arena."""

    offsets: tuple[int, ...]
    total: int


def slots(
    emissions: Sequence[Emission],
    loops: Spans = (),
    jobs: Iterable[range] = (),
    strands: Sequence[tuple[range, Strands]] = (),
    conditions: Sequence[Sequence[Buffer]] = (),
) -> tuple[Slot, ...]:
    """The slots of a program whose leaves have these ``emissions``, in ``loops``.

    What one leaf of a job needs is needed while any of them runs. ``strands`` says
    which leaves run for each of some parts, ``conditions`` what decides if each runs.
    """
    used = [tuple(buffers_of(emission)) for emission in emissions]
    for place, more in enumerate(conditions):
        used[place] = (*used[place], *more)
    during = [range(place, place + 1) for place in range(len(emissions))]
    for job in jobs:
        together = tuple(buffer for place in job for buffer in used[place])
        for place in job:
            used[place], during[place] = together, job
    first, last = lives(used, loops)
    found = [Slot(b.name, buffer_bytes(b), first[b], last[b]) for b in first]
    for place, emission in enumerate(emissions):
        found += _own(emission, place, during[place])
    for inside, parts in strands:
        found = [_for_each(parts, inside, slot) for slot in found]
    return tuple(found)


def _for_each(strands: Strands, inside: range, slot: Slot) -> Slot:
    """The slot of what only the leaves ``inside`` use, once for each strand.

    One strand may be at the first leaf while another is at the last.
    """
    if slot.first not in inside or slot.last not in inside:
        return slot
    each = sizes.substitute(slot.bytes, {strands.rows: strands.most, THREADS: 1})
    times = strands.count
    if THREADS in sizes.symbols_of(slot.bytes):  # which may share one strand instead
        times = sizes.maximum(times, sizes.symbol(THREADS))
    apart = aligned(each)
    return Slot(slot.name, apart * times, inside.start, inside.stop - 1, apart)


def buffers_of(emission: Emission) -> Iterable[Buffer]:
    """The buffers that the phases of ``emission`` use, each once."""
    used = (buffer for phase in emission.phases for buffer in phase.buffers)
    return dict.fromkeys(used)


def buffer_bytes(buffer: Buffer) -> Size:
    """The bytes that ``buffer`` takes."""
    return sizes.product(buffer.shape) * np.dtype(buffer.dtype).itemsize


def scratch_bytes(emission: Emission) -> Size:
    """The bytes of scratch that one thread needs, a multiple of the alignment."""
    most: Size = 0
    for phase in emission.phases:
        most = sizes.maximum(most, phase.scratch_bytes)
    return aligned(most)


def aligned(size: Size) -> Size:
    """``size`` rounded up to the alignment."""
    return sizes.floordiv(size + (ALIGNMENT - 1), ALIGNMENT) * ALIGNMENT


def plan(slots: Sequence[Slot], values: Mapping[str, int]) -> Plan:
    """Offsets for ``slots`` where each size has the given value.

    Largest first, each at the lowest offset where it overlaps no slot that lives at
    the same time.
    """
    lengths = [
        -(-sizes.evaluate(slot.bytes, values) // ALIGNMENT) * ALIGNMENT
        for slot in slots
    ]
    offsets = [0] * len(slots)
    placed: list[int] = []
    for place in sorted(range(len(slots)), key=lambda i: (-lengths[i], i)):
        slot = slots[place]
        busy = sorted(
            (offsets[i], offsets[i] + lengths[i])
            for i in placed
            if slots[i].first <= slot.last and slot.first <= slots[i].last
        )
        offsets[place] = _lowest_gap(busy, lengths[place])
        placed.append(place)
    total = max((o + n for o, n in zip(offsets, lengths, strict=True)), default=0)
    return Plan(tuple(offsets), total)


def _lowest_gap(busy: Sequence[tuple[int, int]], length: int) -> int:
    at = 0
    for start, stop in busy:
        if at + length <= start:
            break
        at = max(at, stop)
    return at


def shared_name(place: int) -> str:
    """The name of the slot that the phases of kernel ``place`` share."""
    return f"sg_shared{place}"


def scratch_name(place: int) -> str:
    """The name of the slot with the scratch of all threads of kernel ``place``."""
    return f"sg_scratch{place}"


def _own(emission: Emission, place: int, during: range) -> Iterator[Slot]:
    """What the phases of leaf ``place`` have for themselves while its job runs."""
    first, last = during.start, during.stop - 1
    if emission.shared_bytes != 0:
        yield Slot(shared_name(place), emission.shared_bytes, first, last)
    scratch = scratch_bytes(emission)
    if scratch != 0:
        total = scratch * sizes.symbol(THREADS)
        yield Slot(scratch_name(place), total, first, last)
