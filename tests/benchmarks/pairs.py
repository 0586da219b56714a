"""Pairs of turns: symgraph, then a peer, then the other way round, in one run.

A row's ratio is the median of the pairs' ratios, so that a drift of the machine's speed
does not decide. Before a turn everybody sleeps, so that threads that spin while they
wait come to rest, and a turn begins with calls that are not timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.peers.protocol import Arrays
from tests.benchmarks.rows import Row, in_order
from tests.benchmarks.sides import Side, SideError
from tests.benchmarks.works import Work

TOLERANCE = 1e-4  # of any result, relative to its largest number
# Of what a step changed, relative to the largest change: two pixels of a pooling window
# that differ by rounding alone send a whole cotangent to different places.
STEP_TOLERANCE = 5e-2
REST = 0.05  # seconds before a turn
TRIALS = 3  # turns by which a peer's ways are compared


@dataclass(frozen=True)
class Contestant:
    """A side and the task that it made, ready for turns."""

    side: Side
    task: str
    way: str
    work: Work
    other_ways: Mapping[str, str]

    def turn(self) -> float:
        """Seconds of one call, the median of a turn."""
        time.sleep(REST)
        work = self.work
        counts = {"warm": work.warm, "calls": work.calls, "inner": work.inner}
        return self.side.ask("time", task=self.task, **counts)["seconds"]


def compare(
    work: Work, ours: Side, peers: Sequence[Side], pairs: int, folder: Path
) -> list[Row]:
    """A row for each peer that has this kind of work."""
    given = work.arrays()
    np.savez(folder / "arrays.npz", **given)
    expected = _made(ours, work, ours.ways[work.kind][0], folder)
    us = Contestant(ours, work.title, "", work, {})
    rows, them = [], []
    for side in peers:
        if work.kind not in side.ways:
            continue
        try:
            them.append(_best(side, work, given, expected, folder))
        except SideError as error:
            rows.append(Row(work.title, side.name, failure=str(error)))
    turns = [turns_of(us, peer, pairs) for peer in them]
    rows += [_row(work, peer, pair) for peer, pair in zip(them, turns, strict=True)]
    for side in (ours, *(peer.side for peer in them)):
        side.ask("drop", task=work.title)
    return in_order(rows)


def turns_of(first: Contestant, second: Contestant, pairs: int) -> list[tuple]:
    """Turns of both, the order changing from pair to pair."""
    turns = []
    for number in range(pairs):
        if number % 2:
            late = second.turn()
            turns.append((first.turn(), late))
        else:
            turns.append((first.turn(), second.turn()))
    return turns


def _row(work: Work, peer: Contestant, turns: Sequence[tuple]) -> Row:
    scale, unit = (1e6, "us") if work.kind == "call" else (1e3, "ms")
    ours, theirs = (
        scale * statistics.median(side) for side in zip(*turns, strict=True)
    )
    ratio = statistics.median(b / a for a, b in turns)
    wanted = f">= {work.wanted}"
    name = peer.side.name
    return Row(
        work.title,
        name,
        peer.way,
        ours,
        theirs,
        ratio,
        unit,
        wanted,
        "",
        peer.other_ways,
    )


# --- the ways of a peer -------------------------------------------------------------


def _best(
    side: Side, work: Work, given: Arrays, expected: Arrays, folder: Path
) -> Contestant:
    """The fastest of the ways that give the same results."""
    seconds: dict[str, float] = {}
    notes: dict[str, str] = {}
    for way in side.ways[work.kind]:
        try:
            results = _made(side, work, way, folder)
            check(expected, results, given)
            trial = Contestant(side, work.title, way, work, {})
            seconds[way] = min(trial.turn() for _ in range(TRIALS))
            notes[way] = f"{seconds[way]:.3g} s"
        except SideError as error:
            notes[way] = str(error)
    if not seconds:
        raise SideError("; ".join(f"{way}: {note}" for way, note in notes.items()))
    best = min(seconds, key=lambda way: seconds[way])
    _made(side, work, best, folder)
    del notes[best]
    return Contestant(side, work.title, best, work, notes)


def _made(side: Side, work: Work, way: str, folder: Path) -> Arrays:
    """Have a task made; the results of its first run."""
    results = folder / f"{side.name}.npz"
    side.ask(
        "make",
        task=work.title,
        kind=work.kind,
        way=way,
        arrays=str(folder / "arrays.npz"),
        results=str(results),
    )
    with np.load(results) as file:
        return dict(file)


def check(expected: Arrays, results: Arrays, given: Arrays) -> None:
    """Raise SideError unless the same was computed.

    Of what a training step changed, the change is compared.
    """
    if set(expected) != set(results):
        odd = ", ".join(sorted(set(expected) ^ set(results)))
        raise SideError(f"other results than symgraph's: {odd}")
    for name, wanted in expected.items():
        got = results[name]
        if got.shape != wanted.shape or got.dtype != wanted.dtype:
            raise SideError(
                f"{name}: expected {wanted.dtype}{list(wanted.shape)}, "
                f"got {got.dtype}{list(got.shape)}"
            )
        error = np.abs(got - wanted).max()
        bound = TOLERANCE * np.abs(wanted).max()
        if name in given:
            bound = STEP_TOLERANCE * np.abs(wanted - given[name]).max()
        if not error <= bound:
            raise SideError(f"{name} differs by {error:.1e}, allowed {bound:.1e}")
