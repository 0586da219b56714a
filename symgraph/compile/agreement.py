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
_REMEMBERED = 256  # combinations of sizes whose result is remembered, for each node


class Agreement:
    """The nodes of one graph whose sizes are known at the call only."""

    def __init__(self, name: str, graph: Graph) -> None:
        self._name = name
        self._nodes = [_Checked(name, node) for node in graph.nodes if _is_open(node)]

    def check(
        self, shapes: Mapping[Variable, Shape], values: Mapping[Variable, int]
    ) -> None:
        """Raise unless inputs of these shapes fit; ``values`` are integer scalars'."""
        known, numbers = dict(shapes), dict(values)
        for checked in self._nodes:
            node = checked.node
            before = tuple([known.get(v, v.type.shape) for v in node.inputs])
            scalars = tuple([_value(v, numbers) for v in node.inputs])
            after, number = checked.result(before, scalars)
            known.update(zip(node.outputs, after, strict=True))
            if number is not None:
                numbers[node.outputs[0]] = number


class _Checked:
    """A node, and what was found out about it for the sizes seen so far."""

    def __init__(self, name: str, node: Apply) -> None:
        self.node = node
        self._name = name
        self._found: dict[object, tuple[Sequence[Shape], int | None]] = {}

    def result(
        self, shapes: tuple[Shape, ...], values: tuple[int | None, ...]
    ) -> tuple[Sequence[Shape], int | None]:
        """The outputs' shapes, and the value where the output is an integer known."""
        key = (shapes, values)
        if key not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found = {}
            after = self._settled(shapes, values)
            self._refuse_negative(after)
            self._found[key] = after, _computed(self.node, shapes, values)
        return self._found[key]

    def _settled(
        self, shapes: Sequence[Shape], values: Sequence[int | None]
    ) -> Sequence[Shape]:
        """The outputs' shapes, or an error that shows the shapes that came."""
        pairs = zip(self.node.inputs, shapes, strict=True)
        given = [variable.type.with_shape(shape) for variable, shape in pairs]
        try:
            own = [variable.type for variable in self.node.inputs]
            types = self.node.op.settle(own, shapes, values)
            single = (types,) if isinstance(types, TensorType) else types
            return _settled(self.node, single, shapes, values)
        except GraphError as error:
            arguments = ", ".join(map(str, given))
            raise ArgumentError(
                f"{self._name}: {error}\n  in {self.node.op}({arguments})\n"
                f"  applied at {self.node.site}"
            ) from None

    def _refuse_negative(self, shapes: Sequence[Shape]) -> None:
        for shape in shapes:
            if any(dim is not None and dim < 0 for dim in shape):
                raise ArgumentError(
                    f"{self._name}: {self.node.op} would have the shape {list(shape)}"
                    f"\n  applied at {self.node.site}"
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
