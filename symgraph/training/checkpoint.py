"""``Checkpoint``: everything training needs to go on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symgraph.graph import SharedVariable
from symgraph.layers import storage

KIND = "checkpoint"


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by group (the network's, the optimizer's, the best so far), and notes.

    The notes are what JSON can hold: epoch, batch, curves.
    """

    groups: dict[str, storage.Arrays]
    missing: dict[str, dict[str, str]]
    notes: dict[str, Any]

    def save(self, path: str | Path) -> None:
        """Write to ``path``, whole or not at all."""
        arrays = {
            f"{group}:{name}": array
            for group, members in self.groups.items()
            for name, array in members.items()
        }
        notes = {
            "groups": list(self.groups),
            "lacking": self.missing,
            "notes": self.notes,
        }
        storage.write(arrays, notes, path, KIND)

    @classmethod
    def load(cls, path: str | Path) -> Checkpoint:
        """Read what ``save`` wrote."""
        arrays, header = storage.read(path, KIND)
        try:
            groups: dict[str, storage.Arrays] = {name: {} for name in header["groups"]}
            for key, array in arrays.items():
                group, _, name = key.partition(":")
                groups[group][name] = array
            return cls(groups, dict(header["lacking"]), dict(header["notes"]))
        except (KeyError, TypeError, ValueError) as error:
            message = f"{path}: the header is not that of a checkpoint: {error!r}"
            raise storage.FileFormatError(message) from error


def capture(
    groups: Mapping[str, Mapping[str, SharedVariable]], notes: Mapping[str, Any]
) -> Checkpoint:
    """The values now of every variable of every group."""
    taken = {name: storage.values_of(members) for name, members in groups.items()}
    return Checkpoint(
        {name: arrays for name, (arrays, _) in taken.items()},
        {name: found["missing"] for name, (_, found) in taken.items()},
        dict(notes),
    )


def restore(
    checkpoint: Checkpoint,
    groups: Mapping[str, Mapping[str, SharedVariable]],
    source: str = "checkpoint",
) -> None:
    """Give every variable the value it had; raises before anything is changed."""
    for action in (storage.check, storage.assign):
        for name, members in groups.items():
            arrays = checkpoint.groups.get(name, {})
            notes = {"missing": checkpoint.missing.get(name, {})}
            action(members, arrays, notes, f"{source}: {name}")
