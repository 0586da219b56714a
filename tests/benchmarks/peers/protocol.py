"""How a side is asked: a JSON object a line on standard input, an answer a line back.

Arrays travel as ``.npz`` files. A side offers, for each kind of work, one or more ways
of doing it; a way makes a ``Task`` from arrays, and what can be done once, such as
converting inputs to the layout that it likes best, is done there and not timed.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

THREADS = 2
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Task:
    """``run`` returns when the result is there; ``results`` gives the arrays in it.

    ``results`` of a training step has the loss and every parameter after the step.
    ``planned()`` are the bytes beside parameters and inputs, of who knows it before.
    """

    run: Callable[[], Any]
    results: Callable[[Any], Arrays]
    planned: Callable[[], int] = int


Way = Callable[[Arrays], Task]
Ways = Mapping[str, Mapping[str, Way]]  # kind of work -> name of the way -> the way


def serve(version: str, ways: Ways) -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    server = _Server(version, ways)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(server, request.pop("ask"))(**request)
        except Exception as error:  # the report says which peer could not do what
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class _Server:
    """The tasks of a side, by the names that the asker gave them."""

    def __init__(self, version: str, ways: Ways) -> None:
        self.version = version
        self.ways = ways
        self.tasks: dict[str, Task] = {}

    def about(self) -> dict:
        """The version, and the ways of each kind of work."""
        ways = {kind: list(named) for kind, named in self.ways.items()}
        return {"version": self.version, "ways": ways}

    def make(self, task: str, kind: str, way: str, arrays: str, results: str) -> dict:
        """Make a task and run it once; the seconds of both, the results in a file."""
        given = _load(arrays)
        start = time.perf_counter()
        made = self.ways[kind][way](given)
        result = made.run()
        seconds = time.perf_counter() - start
        np.savez(results, **made.results(result))
        self.tasks[task] = made
        return {"seconds": seconds}

    def time(self, task: str, warm: int, calls: int, inner: int) -> dict:
        """The median seconds of a call; ``inner`` calls are timed together."""
        run = self.tasks[task].run
        for _ in range(warm * inner):
            run()
        laps = []
        for _ in range(calls):
            start = time.perf_counter()
            for _ in range(inner):
                run()
            laps.append((time.perf_counter() - start) / inner)
        return {"seconds": statistics.median(laps)}

    def peak(self, kind: str, way: str, small: str, arrays: str) -> dict:
        """How far three runs raise the memory resident in this process, in bytes.

        The same work is done before on ``small`` arrays, so that libraries are loaded;
        parameters and inputs are there before the growth is measured.
        """
        first = self.ways[kind][way](_load(small))
        first.run()
        del first
        gc.collect()
        task = self.ways[kind][way](_load(arrays))
        Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
        before = _resident("VmRSS")
        for _ in range(3):
            task.run()
        return {"bytes": _resident("VmHWM") - before, "planned": task.planned()}

    def drop(self, task: str) -> dict:
        """Forget a task."""
        self.tasks.pop(task, None)
        gc.collect()
        return {}


def _load(path: str) -> Arrays:
    with np.load(path) as file:
        return dict(file)


def _resident(field: str) -> int:
    """A size in bytes that Linux reports of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024
