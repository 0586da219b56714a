"""symgraph beside itself: with BN and without, deterministic and not, two threads."""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path

import numpy as np

from tests.benchmarks import sides
from tests.benchmarks.pairs import Contestant, turns_of
from tests.benchmarks.rows import Row
from tests.benchmarks.sides import Side
from tests.benchmarks.works import WORKS, Work, photographs

BATCH = 100
LONG_SUMS = ("train100", "mlp512", "lstm")  # works that cut sums for threads
SHARED = ("infer1", "infer100", "train100", "mlp512", "lstm", "product1024")
WANTED = ">= 0.95"


def norm_at_inference(folder: Path, pairs: int) -> list[Row]:
    """The reference network with BN beside the same one without."""
    rows = []
    with sides.symgraph(folder) as side:
        for batch, calls in ((1, 20), (BATCH, 3)):
            both = []
            for norm in (True, False):
                arrays = partial(photographs, batch, norm=norm)
                work = Work("", "inference", arrays, 1.0, pairs, 2, calls)
                both.append(_ready(side, work, f"{batch} {norm}", folder))
            title = f"inference with BN, batch {batch}"
            rows.append(_row(title, "symgraph without BN", both, pairs))
    return rows


def determinism(folder: Path, pairs: int) -> list[Row]:
    """Sums cut alike for any number of threads beside sums cut for these threads."""
    rows = []
    with (
        sides.symgraph(folder, flags="deterministic=1") as same,
        sides.symgraph(folder, flags="deterministic=0") as free,
    ):
        for name in LONG_SUMS:
            work = WORKS[name]
            both = [_ready(side, work, name, folder) for side in (same, free)]
            title = f"{work.title}, deterministic"
            rows.append(_row(title, "symgraph free to cut", both, pairs, WANTED))
    return rows


def scaling(folder: Path, pairs: int) -> list[Row]:
    """Two threads beside one; a ratio of two is linear."""
    rows = []
    with (
        sides.symgraph(folder, threads=2) as both,
        sides.symgraph(folder, threads=1) as alone,
    ):
        for name in SHARED:
            work = WORKS[name]
            pair = [_ready(side, work, name, folder) for side in (both, alone)]
            title = f"{work.title}, two threads"
            rows.append(_row(title, "symgraph on one", pair, pairs))
    return rows


def _ready(side: Side, work: Work, task: str, folder: Path) -> Contestant:
    """The task made and run once on ``side``."""
    np.savez(folder / "arrays.npz", **work.arrays())
    files = {"arrays": folder / "arrays.npz", "results": folder / "r.npz"}
    paths = {name: str(path) for name, path in files.items()}
    side.ask("make", task=task, kind=work.kind, way="default", **paths)
    return Contestant(side, task, "", work, {})


def _row(
    title: str, peer: str, both: list[Contestant], pairs: int, wanted: str = ""
) -> Row:
    turns = turns_of(both[0], both[1], pairs)
    ours, theirs = (1e3 * statistics.median(t) for t in zip(*turns, strict=True))
    ratio = statistics.median(b / a for a, b in turns)
    return Row(title, peer, "", ours, theirs, ratio, wanted=wanted)
