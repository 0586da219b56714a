"""Which layers were applied in a graph, and to what.

A layer that learns from data leaves a record of each application, so that a loss or
any other variable can be asked which statistics of which variables belong to it. The
record lives as long as the layer's output, and the graph itself knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from symgraph.graph import SharedVariable, Variable, ancestors

if TYPE_CHECKING:
    from symgraph.layers.layer import Layer


class Call(NamedTuple):
    """``layer`` was applied to ``input``, by its expression for training or not."""

    layer: Layer
    input: Variable
    in_training: bool


_CALLS: WeakKeyDictionary[Variable, Call] = WeakKeyDictionary()


def record(output: Variable, call: Call) -> None:
    """Remember ``call`` for as long as ``output`` lives."""
    _CALLS[output] = call


def calls_in(outputs: Iterable[Variable]) -> list[Call]:
    """The recorded applications that ``outputs`` are computed from, inputs first."""
    return [_CALLS[v] for v in ancestors(outputs) if v in _CALLS]


def statistics_in(outputs: Iterable[Variable]) -> dict[Variable, list[SharedVariable]]:
    """For each layer's output in a graph for training, the statistics of inference.

    This is what ``to_inference`` asks for:
    ``to_inference(loss, statistics_in([loss]))``.
    """
    return {
        v: [receiver for op in call.layer.operations for receiver in op.receivers]
        for v in ancestors(outputs)
        if (call := _CALLS.get(v)) is not None and call.in_training
    }
