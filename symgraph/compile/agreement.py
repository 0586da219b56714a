"""Whether the sizes of a call agree, judged by the ops themselves.

What is not known when a graph is built cannot be checked then. Once the inputs'
shapes are known, every op is asked again for its type, now with all sizes known: a
wrong call gets the error that a wrong graph would have got, at the user's own line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symgraph.compile.errors import ArgumentError
from symgraph.graph import (
    Apply,
    Constant,
    Graph,
    GraphError,
    TensorType,
    Variable,
    is_integer,
)
from symgraph.ops import Dim, Elementwise

Shape = tuple[Any, ...]


class Agreement:
    """The nodes of one graph whose sizes are known at the call only."""

    def __init__(self, name: str, graph: Graph) -> None:
        self._name = name
        self._nodes = [node for node in graph.nodes if _is_open(node)]

    def check(
        self, shapes: Mapping[Variable, Shape], values: Mapping[Variable, int]
    ) -> None:
        """Raise unless inputs of these shapes fit; ``values`` are integer scalars'."""
        known, numbers = dict(shapes), dict(values)
        for node in self._nodes:
            before = [known.get(v, v.type.shape) for v in node.inputs]
            types = self._types(node, before)
            scalars = [_value(v, numbers) for v in node.inputs]
            after = _settled(node, types, before, scalars)
            self._refuse_negative(node, after)
            known.update(zip(node.outputs, after, strict=True))
            number = _computed(node, before, scalars)
            if number is not None:
                numbers[node.outputs[0]] = number

    def _types(self, node: Apply, shapes: Sequence[Shape]) -> tuple[TensorType, ...]:
        given = [v.type.with_shape(s) for v, s in zip(node.inputs, shapes, strict=True)]
        try:
            types = node.op.infer_type(*given)
        except GraphError as error:
            arguments = ", ".join(map(str, given))
            raise ArgumentError(
                f"{self._name}: {error}\n  in {node.op}({arguments})\n"
                f"  applied at {node.site}"
            ) from None
        return types if isinstance(types, tuple) else (types,)

    def _refuse_negative(self, node: Apply, shapes: Sequence[Shape]) -> None:
        for shape in shapes:
            if any(dim is not None and dim < 0 for dim in shape):
                raise ArgumentError(
                    f"{self._name}: {node.op} would have the shape {list(shape)}\n"
                    f"  applied at {node.site}"
                )


def _is_open(node: Apply) -> bool:
    """Whether a size or an integer that may be one is not known before the call."""
    return not all(v.type.is_static for v in (*node.inputs, *node.outputs)) or any(
        v.ndim == 0 and is_integer(v.dtype) for v in node.outputs
    )


def _value(variable: Variable, numbers: Mapping[Variable, int]) -> int | None:
    if isinstance(variable, Constant) and variable.ndim == 0:
        return int(variable.data) if is_integer(variable.dtype) else None
    return numbers.get(variable)


def _settled(
    node: Apply,
    types: Sequence[TensorType],
    shapes: Sequence[Shape],
    values: Sequence[int | None],
) -> Sequence[Shape]:
    """The outputs' shapes; a size that depends on data alone stays None."""
    inferred = [t.shape for t in types]
    open_ = any(None in shape for shape in inferred)
    if not open_ or any(None in shape for shape in shapes):
        return inferred
    result = node.op.infer_shape(shapes, values)
    return [result] if len(node.outputs) == 1 else list(result)


def _computed(
    node: Apply, shapes: Sequence[Shape], values: Sequence[int | None]
) -> int | None:
    """The value of an integer scalar that is computed from sizes, or None."""
    output = node.outputs[0]
    if output.ndim or not is_integer(output.dtype):
        return None
    if isinstance(node.op, Dim):
        dim = shapes[0][node.op.axis]
        return None if dim is None else int(dim)
    if not isinstance(node.op, Elementwise) or None in values:
        return None
    arrays = [np.asarray(n, v.dtype) for n, v in zip(values, node.inputs, strict=True)]
    with np.errstate(all="ignore"):
        return int(node.op.reference(*arrays))
