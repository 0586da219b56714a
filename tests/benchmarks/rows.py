"""The rows of the table and how they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

HEADING = """| work | peer | its way | symgraph | peer | peer / symgraph | wanted |
|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Row:
    """One work by symgraph and by one peer; ``ratio`` is the median over pairs.

    ``unit`` is that of both figures. ``other_ways`` are the seconds of the peer's
    slower ways, or why they failed; ``failure`` says why there are no figures.
    """

    work: str
    peer: str
    way: str = ""
    ours: float = 0.0
    theirs: float = 0.0
    ratio: float = 0.0
    unit: str = "ms"
    wanted: str = ""
    failure: str = ""
    other_ways: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.failure:
            failure = self.failure.replace("|", "/")[:120]
            return f"| {self.work} | {self.peer} | failed: {failure} | | | | |"
        figures = f"{self.ours:.3g} {self.unit} | {self.theirs:.3g} {self.unit}"
        verdict = f"{figures} | {self.ratio:.2f} | {self.wanted}"
        return f"| {self.work} | {self.peer} | {self.way} | {verdict} |"


def in_order(rows: Sequence[Row]) -> list[Row]:
    """The strongest peer first, then the weaker ones, then those that failed."""
    return sorted(rows, key=lambda row: (bool(row.failure), row.ratio))
