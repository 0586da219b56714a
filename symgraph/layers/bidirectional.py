"""``Bidirectional``: a recurrent layer from both ends of the sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from symgraph.graph import GraphError, Variable
from symgraph.layers.branches import Branches
from symgraph.layers.recurrent import RecurrentLayer
from symgraph.ops.join import concatenate


class Bidirectional(Branches):
    """y = [h forward, h backward], joined along the features. Schuster & Paliwal 1997.

    ``layer`` is the forward one; the backward one is made like it, with weights of
    its own. Where they return sequences, both of a step's h stand at that step.
    """

    def __init__(self, layer: RecurrentLayer, *, name: str | None = None) -> None:
        if not isinstance(layer, RecurrentLayer) or layer.go_backwards:
            raise GraphError(
                "bidirectional: expected a recurrent layer that goes forwards, "
                f"got {layer!r}"
            )
        if layer.is_built:
            raise GraphError(f"bidirectional: {layer.label} is built already")
        given = {f.name: getattr(layer, f.name) for f in fields(layer) if f.init}
        backward = type(layer)(**{**given, "go_backwards": True, "name": "backward"})
        layer.name = "forward"
        super().__init__([layer, backward], name=name)

    def merge(self, values: Sequence[Variable]) -> Variable:
        """Both side by side."""
        return concatenate(values, axis=values[0].ndim - 1)
