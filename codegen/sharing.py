"""One C function for all phases that differ only in names and marked numbers.

The layers of a network are alike, and so are their phases, but for the buffers and for
sizes. A number that an emitter has marked (``sizes.text``) may be a constant of the C
or a parameter. Those that all phases of a function agree on stay constants; the others
it reads from ``frame->given``, as the entry sets it before each call.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from codegen.emission import Common, Helper, Phase
from codegen.sizes import MARK

_WORDS = re.compile(rf"{MARK}\d+|[A-Za-z_]\w*")
_MARKED = re.compile(rf"{MARK}(\d+)")


@dataclass(frozen=True)
class Body:
    """The lines of a phase called ``name``; ``names`` are those that mean nothing."""

    name: str
    phase: Phase
    lines: tuple[str, ...]
    names: Collection[str]


@dataclass(frozen=True)
class Function:
    """A C function that some phases share, called like the first of them."""

    name: str
    lines: tuple[str, ...]
    helpers: tuple[Helper, ...]
    common: tuple[Common, ...]


@dataclass(frozen=True)
class Call:
    """A phase: its function, and what that reads from ``frame->given``."""

    name: str
    given: tuple[int, ...] = ()


def shared(bodies: Sequence[Body]) -> tuple[tuple[Function, ...], tuple[Call, ...]]:
    """The functions of ``bodies``, in the order of their first; a call for each."""
    alike: dict[str, list[int]] = {}
    numbers = []
    for place, body in enumerate(bodies):
        skeleton, found = _skeleton(body)
        numbers.append(found)
        alike.setdefault(skeleton, []).append(place)
    functions = []
    calls: dict[int, Call] = {}
    for places in alike.values():
        first = bodies[places[0]]
        columns = list(zip(*(numbers[place] for place in places), strict=True))
        various = [column for column in columns if len(set(column)) > 1]
        parameters = {column: i for i, column in enumerate(dict.fromkeys(various))}
        functions.append(_function(first, columns, parameters))
        for row, place in enumerate(places):
            given = tuple(column[row] for column in parameters)
            calls[place] = Call(first.name, given)
    return tuple(functions), tuple(calls[place] for place in range(len(bodies)))


def _skeleton(body: Body) -> tuple[str, list[int]]:
    """``body`` without its names and marked numbers, and these numbers."""
    numbers: list[int] = []
    renamed: dict[str, str] = {}

    def replaced(match: re.Match[str]) -> str:
        word = match[0]
        if word[0] == MARK:
            numbers.append(int(word[1:]))
            return MARK
        if word in body.names:
            return renamed.setdefault(word, f"{MARK}{len(renamed)}")
        return word

    return _WORDS.sub(replaced, "\n".join(body.lines)), numbers


def _function(
    body: Body,
    columns: Sequence[tuple[int, ...]],
    parameters: dict[tuple[int, ...], int],
) -> Function:
    """``body`` with its own numbers, but for those that are ``parameters``."""
    column = iter(columns)

    def shown(match: re.Match[str]) -> str:
        place = parameters.get(next(column))
        return match[1] if place is None else f"sg_given{place}"

    text = _MARKED.sub(shown, "\n".join(body.lines))
    taken = [
        f"const int64_t sg_given{place} = frame->given[{place}];"
        for place in range(len(parameters))
    ]
    lines = (*taken, *text.split("\n"))
    return Function(body.name, lines, body.phase.helpers, body.phase.common)
