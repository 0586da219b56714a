"""What rewriting did: each step with its theorem, each refusal with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from symgraph.graph import Apply, Site, Variable
from symgraph.rewriting.provenance import Provenance

_SHOWN_STEPS = 200
_SHOWN_DEPTH = 6


@dataclass(frozen=True, eq=False)
class Step:
    """One rewrite: ``before`` was replaced by ``after``, equal by ``theorem``.

    ``covered`` are the applications the pattern matched, ``made`` the new ones.
    """

    stage: str
    rule: str
    label: str
    theorem: str
    before: tuple[Variable, ...]
    after: tuple[Variable, ...]
    where: Site | None
    covered: tuple[Apply, ...] = ()
    made: tuple[Apply, ...] = ()

    def __str__(self) -> str:
        before = ", ".join(expression(v, self.covered) for v in self.before)
        after = ", ".join(expression(v, self.made) for v in self.after)
        lines = [f"{self.rule} ({self.label})", f"    {self.theorem}"]
        lines += [f"    {before}", f"    -> {after}"]
        if self.where is not None:
            lines.append(f"    at {self.where}")
        return "\n".join(lines)


@dataclass(frozen=True)
class StageSummary:
    """How a stage changed the size of the graph, by which steps, in what time."""

    name: str
    nodes_before: int
    nodes_after: int
    steps: range
    seconds: float


@dataclass(frozen=True, eq=False)
class Refusal:
    """A rule whose pattern matched at ``node`` but that declined."""

    stage: str
    rule: str
    node: Apply
    reason: str


@dataclass
class History(Sequence[Step]):
    """The steps in order; ``refusals``, ``provenance`` and a summary of each stage."""

    steps: list[Step] = field(default_factory=list)
    stages: list[StageSummary] = field(default_factory=list)
    provenance: Provenance = field(default_factory=Provenance)
    _refusals: dict[tuple[str, Apply], Refusal] = field(default_factory=dict)

    def of(self, rule: str) -> list[Step]:
        """The steps of one rule."""
        return [step for step in self.steps if step.rule == rule]

    def in_stage(self, stage: str) -> list[Step]:
        """The steps of one stage."""
        return [step for step in self.steps if step.stage == stage]

    def counts(self) -> dict[str, int]:
        """How often each rule fired, the busiest first."""
        return dict(Counter(step.rule for step in self.steps).most_common())

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Every rule and node where the rule declined, with its reason."""
        return tuple(self._refusals.values())

    def refuse(self, refusal: Refusal) -> None:
        """Note that a rule declined at a node; a later reason replaces an earlier."""
        self._refusals[refusal.rule, refusal.node] = refusal

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        return self.steps[index]

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __str__(self) -> str:
        lines = []
        for summary in self.stages:
            count = len(summary.steps)
            lines.append(
                f"stage {summary.name}: {count} rewrites, "
                f"{summary.nodes_before} -> {summary.nodes_after} nodes"
            )
            shown = summary.steps[:_SHOWN_STEPS]
            lines += [_indented(str(self.steps[i])) for i in shown]
            if count > _SHOWN_STEPS:
                lines.append(f"  ... and {count - _SHOWN_STEPS} more")
        return "\n".join(lines)


def expression(variable: Variable, inside: Collection[Apply]) -> str:
    """The variable as text, written out as far as the applications ``inside`` go."""
    return _expression(variable, set(inside), _SHOWN_DEPTH)


def _expression(variable: Variable, inside: set[Apply], depth: int) -> str:
    node = variable.owner
    if node is None or node not in inside or depth == 0:
        return _leaf(variable)
    arguments = ", ".join(_expression(v, inside, depth - 1) for v in node.inputs)
    which = f"[{variable.index}]" if len(node.outputs) > 1 else ""
    return f"{node.op}({arguments}){which}"


def _leaf(variable: Variable) -> str:
    if variable.name is not None:
        return variable.name
    if variable.owner is not None:
        return f"<{variable.owner.op}>"
    return repr(variable)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
