"""Vector loops whose last iterations do not fill a vector, as two loops.

A compiler does what is left over number by number, with all that a sigmoid takes. In a
loop of its own it becomes narrower vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from codegen.ir import Accumulate, Assign, Kind, Loop, Statement
from codegen.traverse import walk


def with_tails(body: tuple[Statement, ...], lanes: int) -> tuple[Statement, ...]:
    """``body`` with every vector loop of known length in whole vectors and the rest."""
    return tuple(part for statement in body for part in _parts(statement, lanes))


def _parts(statement: Statement, lanes: int) -> Iterator[Statement]:
    if not isinstance(statement, Loop):
        yield statement
        return
    loop = replace(statement, body=with_tails(statement.body, lanes))
    start, stop = loop.start, loop.stop
    if isinstance(start, int) and isinstance(stop, int) and _is_plain(loop):
        middle = start + (stop - start) // lanes * lanes
        if start < middle < stop:
            yield replace(loop, stop=middle)
            yield replace(loop, start=middle)
            return
    yield loop


def _is_plain(loop: Loop) -> bool:
    """Whether iterations only store; sums would be added up in another order."""
    inside = walk(*loop.body)
    sums = any(isinstance(one, Accumulate | Assign | Loop) for one in inside)
    return loop.kind is Kind.SIMD and not sums
