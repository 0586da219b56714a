"""Compare symgraph with its peers and print the table as Markdown.

    python -m tests.benchmarks --peer-python .venv-peers/bin/python --works infer1 call

Everybody runs on the same two cores, in float32, and takes turns in one run. What a
peer computes is held against what symgraph computes before either is timed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from codegen.roofline import roofline
from tests.benchmarks import once, own, pairs, sides
from tests.benchmarks.peers.protocol import THREADS
from tests.benchmarks.rows import HEADING, Row
from tests.benchmarks.sides import Side, SideError
from tests.benchmarks.works import WORKS

ONCE = ("compile", "import", "memory", "norm", "determinism", "threads")


def main() -> None:
    """The machine, the versions, then the rows as they are known."""
    options = _options()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    machine = f"{platform.platform()}, {roofline(THREADS)}"
    print(f"{time.strftime('%Y-%m-%d')}, {machine}\n", flush=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for found in _measured(options, Path(folder)):
            for row in found:
                print(row, flush=True)
            rows += found
    if options.output:
        record = {"machine": machine, "rows": [asdict(row) for row in rows]}
        options.output.write_text(json.dumps(record, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", default=".venv-peers/bin/python")
    choices = {"works": [*WORKS, *ONCE], "peers": list(sides.PEERS)}
    for name, known in choices.items():
        parser.add_argument(f"--{name}", nargs="*", choices=known, default=known)
    parser.add_argument("--pairs", type=int, help="instead of as many as a work has")
    parser.add_argument("--output", type=Path, help="a file for the rows, as JSON")
    return parser.parse_args()


def _measured(options: argparse.Namespace, folder: Path) -> Iterator[list[Row]]:
    """The rows of one work after another."""
    works = [WORKS[name] for name in options.works if name in WORKS]
    if works:
        with contextlib.ExitStack() as stack:
            ours = stack.enter_context(sides.symgraph(folder))
            peers, failed = _started(options, folder, stack)
            print("; ".join(peer.version for peer in peers), f"\n\n{HEADING}")
            yield failed
            for work in works:
                count = options.pairs or work.pairs
                yield pairs.compare(work, ours, peers, count, folder)
    for name, measure in _once(options, folder).items():
        if name in options.works:
            yield measure()


def _started(
    options: argparse.Namespace, folder: Path, stack: contextlib.ExitStack
) -> tuple[Sequence[Side], list[Row]]:
    """The peers that start, and a row for each that does not."""
    peers, failed = [], []
    for name in options.peers:
        try:
            side = sides.peer(name, options.peer_python, folder)
            peers.append(stack.enter_context(side))
        except (SideError, OSError) as error:
            failed.append(Row("all", name, failure=str(error)))
    return peers, failed


def _once(
    options: argparse.Namespace, folder: Path
) -> dict[str, Callable[[], list[Row]]]:
    """What has processes of its own."""
    python, names = options.peer_python, options.peers
    repeats = options.pairs or 5
    return {
        "compile": partial(once.compile_times, python, names, folder, repeats),
        "import": partial(once.imports, python, names, 2 * repeats),
        "memory": partial(once.memory, python, names, folder),
        "norm": partial(own.norm_at_inference, folder, options.pairs or 30),
        "determinism": partial(own.determinism, folder, options.pairs or 15),
        "threads": partial(own.scaling, folder, options.pairs or 9),
    }


if __name__ == "__main__":
    main()
