"""Where the time of a compiled function goes, kernel by kernel, and what limits it.

Each row names the line of the user's program, and the layer, that a kernel came from,
with its work (floating-point operations, see ``codegen.work``) and its traffic (the
bytes of the buffers it touches, each counted once). The machine's roofline says how
long both take at least: the share is that time over the measured one. What stays in
the caches between kernels is faster than memory, so a share may exceed 100 %.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codegen.ir import Buffer, Program, Role
from codegen.memory import buffer_bytes
from codegen.repeats import Leaf, leaves
from codegen.roofline import Roofline
from codegen.runtime import Native
from codegen.sizes import evaluate
from codegen.work import flops
from symgraph.compile.roofline_plot import plot_roofline
from symgraph.graph import Site

if TYPE_CHECKING:
    from rich.table import Table

_WIDTH = 160  # of a table that goes to no terminal
_HEADINGS = ("ms/call", "%", "Gflop/s", "GB/s", "flop/B", "roof", "% of roof")


@dataclass(frozen=True)
class Row:
    """One kernel: summed over ``calls`` calls; ``flops`` and ``bytes`` likewise.

    ``dtype`` is the widest float among its buffers, whose peak counts for it.
    """

    kernel: str
    seconds: float
    calls: int
    flops: int
    bytes: int
    site: Site | None
    dtype: str = "float32"

    @property
    def intensity(self) -> float:
        """Operations on each byte."""
        return self.flops / self.bytes if self.bytes else float(self.flops > 0)

    def roof(self, machine: Roofline) -> str:
        """Which limit is the nearer: "compute" or "bandwidth"."""
        compute = self.flops / machine.peak(self.dtype)
        return "compute" if compute > self.bytes / machine.bandwidth else "bandwidth"

    def share(self, machine: Roofline) -> float:
        """The least time by the machine's roofline over the time that it took."""
        least = machine.seconds(self.flops, self.bytes, self.dtype)
        return least / self.seconds if self.seconds else 0.0

    @property
    def layer(self) -> str:
        """The layers around the user's line, outermost first."""
        return ".".join(self.site.scope) if self.site is not None else ""

    @property
    def line(self) -> str:
        """The user's line, with the name of its file."""
        if self.site is None:
            return ""
        name = self.site.filename.rsplit("/", 1)[-1]
        return f"{name}:{self.site.line}: {self.site.source}"


@dataclass(frozen=True)
class Profile:
    """The rows of a function in the order its kernels run; prints as a table.

    ``stages`` are the seconds of its compilation: rewrite, lower, print, cc, load; what
    was found on disk took none.
    """

    name: str
    calls: int
    rows: tuple[Row, ...]
    machine: Roofline
    stages: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """The time spent in all kernels together."""
        return sum(row.seconds for row in self.rows)

    def table(self, rows: int = 30) -> Table:
        """A rich table of the slowest kernels, the slowest first."""
        from rich.table import Table

        title = f"{self.name}: {self.calls} calls, {self.seconds:.4g} s in kernels"
        ordered = sorted(self.rows, key=lambda row: -row.seconds)
        table = Table(title=title, caption=self._caption(ordered[rows:]))
        for heading in _HEADINGS:
            table.add_column(heading, justify="right", no_wrap=True)
        for heading, width in (("kernel", 40), ("layer", 16), ("line", 40)):
            table.add_column(heading, no_wrap=True, max_width=width)
        for row in ordered[:rows]:
            table.add_row(*self._cells(row))
        return table

    def plot(self, path: str | Path) -> None:
        """Draw the kernels under the machine's roofline; needs matplotlib."""
        plot_roofline(self.name, self.rows, self.machine, path)

    def _caption(self, rest: list[Row]) -> str:
        stages = ", ".join(f"{name} {1e3 * s:.0f}" for name, s in self.stages.items())
        lines = [f"compiled in ms: {stages}", str(self.machine)]
        if rest:
            seconds = sum(row.seconds for row in rest)
            lines.insert(0, f"and {len(rest)} more kernels, {seconds:.4g} s")
        return "\n".join(lines)

    def _cells(self, row: Row) -> tuple[str, ...]:
        share = row.seconds / self.seconds if self.seconds else 0.0
        seconds = row.seconds or float("inf")
        return (
            f"{1e3 * row.seconds / max(row.calls, 1):.4f}",
            f"{100 * share:.1f}",
            f"{row.flops / seconds / 1e9:.2f}",
            f"{row.bytes / seconds / 1e9:.2f}",
            f"{row.intensity:.3g}",
            row.roof(self.machine),
            f"{100 * row.share(self.machine):.0f}",
            row.kernel.replace("[", r"\["),
            row.layer.replace("[", r"\["),
            row.line.replace("[", r"\["),
        )

    def __str__(self) -> str:
        """The table as wide as the terminal, in its colours; plain text elsewhere."""
        from rich.console import Console

        terminal = sys.stdout.isatty()
        width = max(_WIDTH, shutil.get_terminal_size().columns) if terminal else _WIDTH
        console = Console(width=width, force_terminal=terminal)
        with console.capture() as capture:
            console.print(self.table())
        return capture.get()


class Clock:
    """Seconds spent in each kernel of a program, for each set of run-time sizes."""

    def __init__(self, program: Program, native: Native) -> None:
        self._program = program
        self._native = native
        self._seconds: dict[tuple[int, ...], NDArray[np.float64]] = {}
        self._calls: dict[tuple[int, ...], int] = {}
        self._lock = threading.Lock()

    def run(self, arrays: list[Any], sizes: tuple[int, ...], threads: int) -> int:
        """Run the program and note how long each of its kernels took."""
        code, seconds = self._native.profile(arrays, sizes, threads)
        laps = np.array(seconds)
        with self._lock:
            self._seconds[sizes] = self._seconds.get(sizes, 0) + laps
            self._calls[sizes] = self._calls.get(sizes, 0) + 1
        return code

    def profile(
        self, name: str, machine: Roofline, stages: Mapping[str, float]
    ) -> Profile:
        """What was noted so far."""
        with self._lock:
            calls, seconds = dict(self._calls), dict(self._seconds)
        rows = tuple(
            self._row(place, leaf, calls, seconds)
            for place, leaf in enumerate(leaves(self._program.kernels))
        )
        return Profile(name, sum(calls.values()), rows, machine, stages)

    def _row(
        self,
        place: int,
        leaf: Leaf,
        calls: Mapping[tuple[int, ...], int],
        seconds: Mapping[tuple[int, ...], NDArray[np.float64]],
    ) -> Row:
        work, traffic, kernel = 0, 0, leaf.kernel
        buffers = buffers_of(kernel.step)
        for sizes, count in calls.items():
            values = dict(zip(self._program.sizes, sizes, strict=True))
            work += count * _operations(leaf, values)
            if leaf.strands:  # all of them together
                total = evaluate(leaf.strands.total, values)
                values[leaf.strands.rows] = total
            traffic += count * sum(nbytes(buffer, values) for buffer in buffers)
        return Row(
            kernel.label,
            float(sum(noted[place] for noted in seconds.values())),
            sum(calls.values()),
            work,
            traffic,
            getattr(kernel.origin, "site", None),
            "float64" if any(b.dtype == "float64" for b in buffers) else "float32",
        )


def _operations(leaf: Leaf, values: Mapping[str, int]) -> int:
    """Floating-point operations of a kernel in all turns and strands of one call."""
    times, strands = evaluate(leaf.times, values), leaf.strands
    if not strands:
        return times * flops(leaf.kernel, values)
    total, count = (evaluate(n, values) for n in (strands.total, strands.count))
    ends = [total * part // count for part in range(count + 1)]
    rows = (stop - start for start, stop in pairwise(ends))
    return times * sum(flops(leaf.kernel, {**values, strands.rows: n}) for n in rows)


def buffers_of(step: object) -> list[Buffer]:
    """The buffers outside a thread's scratch that a step uses, each once."""
    found = (part for part in _parts(step) if isinstance(part, Buffer))
    return list(dict.fromkeys(b for b in found if b.role is not Role.SCRATCH))


def nbytes(buffer: Buffer, values: Mapping[str, int]) -> int:
    """The bytes of a buffer where every run-time size has a value."""
    return evaluate(buffer_bytes(buffer), values)


def _parts(step: object) -> Iterator[object]:
    waiting = [step]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, tuple):
            waiting.extend(part)
        elif is_dataclass(part) and not isinstance(part, Buffer):
            waiting.extend(getattr(part, field.name) for field in fields(part))
