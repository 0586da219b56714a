"""Segments of the forward pass computed again, for a backward pass that forgot them.

Checkpoints cut the forward pass into segments: a node's segment is the number of
checkpoints on the longest way to it. When the backward pass reaches the checkpoint at
a segment's end, with cotangent dc, the segment is cloned. What the clone reads of
earlier segments, checkpoints and inputs, it reads through a ``Barrier`` that waits for
dc: so it runs only then, and no later pass finds it equal to the first time. The first
values are then needed by the forward pass alone, and their memory is free in between.

What skips a checkpoint, from one segment into a later one, is kept, not computed anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symgraph.graph import (
    Apply,
    Constant,
    SharedVariable,
    Variable,
    inherit_site,
    toposort,
)
from symgraph.graph.traversal import reapply
from symgraph.ops.checkpoint import Barrier, Checkpoint


class Recomputation:
    """The second values of variables, for each segment that was reached backward."""

    def __init__(self, ends: Iterable[Variable]) -> None:
        self._nodes: dict[int, list[Apply]] = {}
        self._segment: dict[Variable, int] = {}
        self._again: dict[int, dict[Variable, Variable]] = {}
        order = toposort(ends)
        if any(isinstance(node.op, Checkpoint) for node in order):
            for node in order:
                self._place(node)

    def reached(self, node: Apply, cotangents: Sequence[Variable | None]) -> None:
        """Clone the segment that ends with ``node``, if that is a checkpoint."""
        (cotangent, *_) = cotangents
        if not isinstance(node.op, Checkpoint) or cotangent is None:
            return
        segment = self._segment[node.outputs[0]]
        if segment not in self._again:
            self._again[segment] = self._cloned(segment, cotangent)

    def of(self, node: Apply, variables: Sequence[Variable]) -> tuple[Variable, ...]:
        """What the derivative of ``node`` reads in place of ``variables``."""
        again = self._again.get(self._segment.get(node.outputs[0], -1))
        if not again:
            return tuple(variables)
        return tuple(again.get(variable, variable) for variable in variables)

    def _place(self, node: Apply) -> None:
        segment = max((self._after(variable) for variable in node.inputs), default=0)
        self._segment.update(dict.fromkeys(node.outputs, segment))
        self._nodes.setdefault(segment, []).append(node)

    def _after(self, variable: Variable) -> int:
        """The segment of what reads ``variable``, and nothing later."""
        return self._segment.get(variable, 0) + _is_kept(variable)

    def _cloned(self, segment: int, cotangent: Variable) -> dict[Variable, Variable]:
        """What stands for each variable of the segment: it again, or the one kept."""
        again: dict[Variable, Variable] = {}
        entering: dict[Variable, Variable] = {}
        for node in self._nodes[segment]:
            if isinstance(node.op, Checkpoint):
                again[node.inputs[0]] = node.outputs[0]
                continue
            inputs = []
            for variable in node.inputs:
                if variable not in again and _enters(variable):
                    if variable not in entering:
                        with inherit_site(node.site):
                            entering[variable] = Barrier()(variable, cotangent)
                    inputs.append(entering[variable])
                else:
                    inputs.append(again.get(variable, variable))
            if any(a is not b for a, b in zip(inputs, node.inputs, strict=True)):
                outputs = reapply(node, inputs)
                again.update(zip(node.outputs, outputs, strict=True))
        return again


def _is_kept(variable: Variable) -> bool:
    return variable.owner is not None and isinstance(variable.owner.op, Checkpoint)


def _enters(variable: Variable) -> bool:
    """Whether a segment starts from this variable: a checkpoint, or an input.

    Parameters and constants do not change, so what is made of them alone stays.
    """
    if variable.owner is not None:
        return _is_kept(variable)
    return not isinstance(variable, Constant | SharedVariable)
