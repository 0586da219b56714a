"""Results that overwrite what they are made of, where nothing can tell the difference.

A temporary ``y`` may take the memory of a temporary ``x`` that dies in the kernel
which makes it, if every element of ``x`` is read before, and at the same place as,
the one element of ``y`` that replaces it is first written. The buffers then become
one buffer in the program: the C has one pointer, and nothing aliases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from codegen import sizes
from codegen.ir import Buffer, Gather, Kernel, Loop, Program, Statement, Store
from codegen.repeats import leaves, lives, spans, with_leaves
from codegen.sizes import Size
from codegen.traverse import buffers, parts, values, writes

Loops = tuple[Loop, ...]


def in_place(program: Program) -> Program:
    """``program`` with the memory of dying temporaries taken over by new ones.

    Conditions of guards are left where they are.
    """
    found = tuple(leaves(program.kernels))
    line = [leaf.kernel for leaf in found]
    kept = {condition for leaf in found for condition in leaf.conditions}
    used = [frozenset(_buffers(kernel.step)) for kernel in line]
    first, last = lives(used, spans(program.kernels))
    first, last = (
        {b: n for b, n in at.items() if b not in kept} for at in (first, last)
    )
    born, dying = _by_kernel(first), _by_kernel(last)
    order = {buffer: place for place, buffer in enumerate(last)}
    taken: dict[Buffer, Buffer] = {}  # a buffer, and the one whose memory it has
    kernels: list[Kernel] = []
    for place, kernel in enumerate(line):
        touched = not used[place].isdisjoint(taken)
        step = renamed(kernel.step, taken) if touched else kernel.step
        if isinstance(step, Loop):
            for y in born.get(place, ()):
                free = (b for b in dying.get(place, ()) if first[b] != place)
                able = (x for x in free if _may_take(step, x, y))
                x = min(able, key=lambda x: order[x], default=None)
                if x is None:
                    continue
                taken[y] = x
                dying[place].remove(x)
                dying[last[y]].remove(y)
                last[x] = last.pop(y)
                dying[last[x]].append(x)
                step = renamed(step, {y: x})
        kernels.append(replace(kernel, step=step))
    return replace(program, kernels=with_leaves(program.kernels, iter(kernels)))


def _by_kernel(places: Mapping[Buffer, int]) -> dict[int, list[Buffer]]:
    """The buffers of each place, in their order."""
    found: dict[int, list[Buffer]] = {}
    for buffer, place in places.items():
        found.setdefault(place, []).append(buffer)
    return found


def renamed(thing: Any, taken: Mapping[Buffer, Buffer]) -> Any:
    """``thing``, a step or a part of one, with buffers replaced."""
    if isinstance(thing, Buffer):
        return taken.get(thing, thing)
    if isinstance(thing, tuple):
        new = tuple(renamed(one, taken) for one in thing)
        return (
            new if any(a is not b for a, b in zip(new, thing, strict=True)) else thing
        )
    if not is_dataclass(thing) or isinstance(thing, sizes.Polynomial | type):
        return thing
    held = {field.name: getattr(thing, field.name) for field in fields(thing)}
    changed = {name: renamed(value, taken) for name, value in held.items()}
    if all(changed[name] is held[name] for name in held):
        return thing
    return replace(thing, **changed)


def _buffers(thing: Any) -> Iterator[Buffer]:
    """The buffers of a step: of a loop tree, or anywhere in a family's fields."""
    if isinstance(thing, Loop):
        yield from buffers(thing)
    elif isinstance(thing, Buffer):
        yield thing
    elif isinstance(thing, tuple):
        for one in thing:
            yield from _buffers(one)
    elif is_dataclass(thing) and not isinstance(thing, sizes.Polynomial):
        for field in fields(thing):
            yield from _buffers(getattr(thing, field.name))


# --- what may take over -----------------------------------------------------------


@dataclass(frozen=True)
class _Access:
    """One use of a buffer: where, inside which loops, and when in the text."""

    position: Size
    loops: Loops
    when: int


def _may_take(step: Loop, x: Buffer, y: Buffer) -> bool:
    if x.dtype != y.dtype or sizes.product(x.shape) != sizes.product(y.shape):
        return False
    if any(write.buffer == x for write in writes(step)):
        return False
    stores, loads = _stores(step, y), _loads(step, x)
    if not stores or not loads:
        return False
    first, count = stores[0], sizes.product(y.shape)
    return all(_covers(store, count) for store in stores) and all(
        other.position == first.position
        and _alike(other.loops, first.loops, first.position)
        and (other in stores or other.when <= first.when)
        for other in (*stores, *loads)
    )


def _stores(step: Loop, buffer: Buffer) -> list[_Access] | None:
    """The plain stores to ``buffer``; None if it is written in another way."""
    found = []
    for when, (statement, loops) in enumerate(_placed((step,))):
        if isinstance(statement, Store) and statement.buffer == buffer:
            if statement.add:
                return None
            found.append(_Access(statement.position, loops, when))
    plain = sum(write.buffer == buffer for write in writes(step)) == len(found)
    return found if plain else None


def _loads(step: Loop, buffer: Buffer) -> list[_Access] | None:
    """The loads of ``buffer``; None if it is read at places that data decide."""
    found = []
    for when, (statement, loops) in enumerate(_placed((step,))):
        for value in values(statement):
            for part in parts(value):
                if getattr(part, "buffer", None) != buffer:
                    continue
                if isinstance(part, Gather):
                    return None
                found.append(_Access(part.position, loops, when))  # type: ignore
    return found


def _placed(
    body: tuple[Statement, ...], loops: Loops = ()
) -> Iterator[tuple[Statement, Loops]]:
    """Every statement in the order of the text, with the loops around it."""
    for statement in body:
        yield statement, loops
        if isinstance(statement, Loop):
            yield from _placed(statement.body, (*loops, statement))


def _covers(store: _Access, count: Size) -> bool:
    """Whether the store writes each of ``count`` elements exactly once.

    Its position must count through the loops like the digits of a number: one index
    has step 1, the next has the extent of that one as its step, and so on.
    """
    extents = _extents(store.loops)
    if extents is None:
        return False
    step: Size = 1
    rest = store.position
    for _ in range(len(extents)):
        found = [i for i in extents if sizes.coefficient(store.position, i) == step]
        if not found:
            return False
        rest = rest - sizes.symbol(found[0]) * step
        step = step * extents.pop(found[0])
    return rest == 0 and step == count


def _extents(loops: Loops) -> dict[str, Size] | None:
    """How many values each index takes; a loop cut in blocks counts as one loop."""
    extents: dict[str, Size] = {}
    for loop in loops:
        if loop.start == 0 and not sizes.symbols_of(loop.stop) & set(extents):
            extents[loop.index] = loop.stop
            continue
        block = next((b for b in extents if b in sizes.symbols_of(loop.start)), None)
        whole = _whole(loop, block, extents) if block else None
        if block is None or whole is None:
            return None
        del extents[block]
        extents[loop.index] = whole
    return {index: extent for index, extent in extents.items() if extent != 1}


def _whole(loop: Loop, block: str, extents: Mapping[str, Size]) -> Size | None:
    """The extent E of a loop over ``b*L .. min(b*L + L, E)``, b below E / L."""
    length = sizes.coefficient(loop.start, block)
    if not isinstance(length, int) or loop.start != sizes.symbol(block) * length:
        return None
    for whole in _bounds(loop.stop):
        cut = sizes.minimum(loop.start + length, whole)
        count = sizes.floordiv(whole + (length - 1), length)
        if cut == loop.stop and extents[block] == count:
            return whole
    return None


def _bounds(stop: Size) -> Iterator[Size]:
    """The two sizes of which ``stop`` is the minimum."""
    if isinstance(stop, sizes.Polynomial) and len(stop.terms) == 1:
        ((monomial, factor),) = stop.terms
        if factor == 1 and len(monomial) == 1:
            atom = monomial[0]
            if isinstance(atom, sizes.Compound) and atom.kind == "min":
                yield from (atom.left, atom.right)


def _alike(loads: Loops, stores: Loops, position: Size) -> bool:
    """Whether each index of ``position`` runs over the same range in both."""
    names = sizes.symbols_of(position)
    ranges = [
        {one.index: (one.start, one.stop) for one in loops if one.index in names}
        for loops in (loads, stores)
    ]
    return ranges[0] == ranges[1]
