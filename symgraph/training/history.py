"""What happened during training: one number for each curve and epoch."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symgraph.training.errors import LearningError

if TYPE_CHECKING:
    from symgraph.training.checkpoint import Checkpoint


@dataclass
class History:
    """The curves of training by name, one number for each epoch.

    ``best_epoch`` counts from 1, as tables and figures do; ``checkpoint`` is where
    training may go on: ``fit(..., resume=history.checkpoint)``.
    """

    curves: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None
    checkpoint: Checkpoint | None = field(default=None, repr=False)

    @property
    def epochs(self) -> int:
        """How many epochs are complete."""
        return max(map(len, self.curves.values()), default=0)

    def append(self, values: Mapping[str, float]) -> None:
        """Add the numbers of one more epoch."""
        for name, value in values.items():
            self.curves.setdefault(name, []).append(float(value))

    def __getitem__(self, name: str) -> list[float]:
        """The curve called ``name``, one number for each epoch."""
        if name not in self.curves:
            known = ", ".join(self.curves) or "none yet"
            raise KeyError(f"history: no curve {name!r}; there are: {known}")
        return self.curves[name]

    def to_csv(self, path: str | Path) -> None:
        """Write a table: one line for each epoch, one column for each curve."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["epoch", *self.curves])
            rows = zip(*self.curves.values(), strict=True)
            table.writerows([number, *row] for number, row in enumerate(rows, 1))

    def plot(self, path: str | Path, *names: str) -> None:
        """Draw the curves called ``names``, or all, into a figure (matplotlib)."""
        try:
            figure = import_module("matplotlib.figure").Figure(layout="constrained")
        except ImportError:
            raise LearningError(
                "history.plot needs matplotlib: pip install 'symgraph[plot]'"
            ) from None
        axes: Any = figure.add_subplot(xlabel="epoch")
        for name in names or self.curves:
            curve = self[name]
            axes.plot(range(1, len(curve) + 1), curve, label=name)
        axes.legend()
        figure.savefig(path)
