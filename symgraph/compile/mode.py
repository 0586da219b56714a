"""``Mode``: which back end runs a function, and by which rewrites it got there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from symgraph.graph import GraphError
from symgraph.graph.config import config
from symgraph.rewriting import GraphPass, Rule, Stage
from symgraph.rules import DEFAULT

BACKENDS = ("c", "numpy", "debug")


@dataclass(frozen=True)
class Mode:
    """``Mode("c")``, or with rewriting stages of one's own, ``Mode("c", stages)``.

    "c" runs native code, "numpy" every op's reference, and "debug" both: it compares
    them, and checks every rewrite on the values at hand. ``stages=()`` rewrites
    nothing.
    """

    backend: str = "c"
    stages: Sequence[Stage] = DEFAULT

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            known = ", ".join(repr(name) for name in BACKENDS)
            raise GraphError(f"mode: expected one of {known}, got {self.backend!r}")

    def rule(self, name: str) -> Rule | GraphPass:
        """The rule or pass of that name in the stages."""
        rules = [rule for stage in self.stages for rule in stage.rules]
        for rule in rules:
            if rule.name == name:
                return rule
        close = get_close_matches(name, [rule.name for rule in rules])
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise GraphError(f"mode: no stage has a rule {name!r}{hint}")


def as_mode(mode: Mode | str | None) -> Mode:
    """A mode from its short name; None is ``config.mode``."""
    if isinstance(mode, Mode):
        return mode
    return Mode(config.mode if mode is None else mode)
