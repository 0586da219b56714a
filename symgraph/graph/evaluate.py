"""``evaluate``: the values of a graph, each op computed by its NumPy definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symgraph.graph.dtypes import is_integer
from symgraph.graph.errors import GraphError, SymgraphError
from symgraph.graph.guards import ALWAYS, Guard, guards_of
from symgraph.graph.op import Apply, Op
from symgraph.graph.traversal import toposort
from symgraph.graph.types import TensorType
from symgraph.graph.variable import Constant, SharedVariable, Variable
from symgraph.graph.weak import is_weak, strengthened

Array = NDArray[Any]


def evaluate(
    outputs: Sequence[Variable], givens: Mapping[Variable, ArrayLike] | None = None
) -> list[Array]:
    """The values of ``outputs`` where the variables in ``givens`` have given values.

    Every node is computed by ``op.reference``, or through ``op.expand`` where the op
    has none. Constants and shared variables have their own values unless given. A
    value is dropped once its last user is computed; what only a branch needs that is
    not taken has none.
    """
    values = {v: _given(v, value) for v, value in (givens or {}).items()}
    nodes = toposort(outputs, stop=values.keys())
    last_use = _last_uses(nodes, outputs)
    guards = guards_of(nodes, outputs)
    with np.errstate(all="ignore"):
        for position, node in enumerate(nodes):
            if _holds(guards.get(node, ALWAYS), values):
                value_of = partial(_value, values=values)
                read = inputs_read(node, value_of)
                arrays = [None if v is None else value_of(v) for v in read]
                values.update(zip(node.outputs, compute(node, arrays), strict=True))
            for variable in {*node.inputs, *node.outputs}:
                if last_use.get(variable, -1) == position:
                    values.pop(variable, None)
    return [_value(v, values) for v in outputs]


def inputs_read(
    node: Apply, value_of: Callable[[Variable], Array]
) -> list[Variable | None]:
    """The inputs that the node reads, None in place of those of another branch."""
    needs = [node.op.needs(place) for place in range(len(node.inputs))]
    if all(need is None for need in needs):
        return list(node.inputs)
    holds = bool(value_of(node.inputs[0]))
    pairs = zip(node.inputs, needs, strict=True)
    return [v if need in (None, holds) else None for v, need in pairs]


def compute(node: Apply, arrays: Sequence[Array | None]) -> list[Array]:
    """The outputs of one node, checked against their types.

    Sizes that are known only now must agree as they must in native code.
    """
    try:
        _settle(node, arrays)
        results = _reference(node, arrays)
        results = results if isinstance(results, tuple) else (results,)
        pairs = zip(node.outputs, results, strict=True)
        return [_checked(node, v, np.asarray(result)) for v, result in pairs]
    except Exception as error:
        error.add_note(f"  in {node!r}, applied at {node.site}")
        raise


def _settle(node: Apply, arrays: Sequence[Array | None]) -> None:
    """Raise where sizes do not agree, if some are known only now."""
    if all(v.type.is_static for v in (*node.inputs, *node.outputs)):
        return
    known = [array for array in arrays if array is not None]
    if len(known) == len(arrays):
        values = [
            int(array) if array.ndim == 0 and is_integer(array.dtype.name) else None
            for array in known
        ]
        types, shapes = [v.type for v in node.inputs], [array.shape for array in known]
        node.op.settle(types, shapes, values)


def _holds(guard: Guard, values: Mapping[Variable, Array]) -> bool:
    """Whether all that a guard asks for is so.

    A condition that has no value is part of a branch that is not taken.
    """
    if any(c.owner is not None and c not in values for c, _ in guard):
        return False
    return all(bool(_value(c, values)) == holds for c, holds in guard)


def _reference(node: Apply, arrays: Sequence[Any]) -> Any:
    if type(node.op).reference is not Op.reference:
        return node.op.reference(*arrays)
    leaves = [Variable(v.type) for v in node.inputs]
    expanded = node.op.expand(*leaves)
    if expanded is None:
        raise SymgraphError(f"{node.op}: neither reference nor expand is defined")
    several = isinstance(expanded, tuple)
    outputs = expanded if isinstance(expanded, tuple) else (expanded,)
    results = evaluate(outputs, dict(zip(leaves, arrays, strict=True)))
    return tuple(results) if several else results[0]


def _last_uses(
    nodes: Sequence[Apply], outputs: Sequence[Variable]
) -> dict[Variable, int]:
    last: dict[Variable, int] = {}
    for position, node in enumerate(nodes):
        last.update(dict.fromkeys(node.outputs, position))
        last.update(dict.fromkeys(node.inputs, position))
    for variable in outputs:
        last.pop(variable, None)
    return last


def _value(variable: Variable, values: Mapping[Variable, Array]) -> Array:
    if variable in values:
        return values[variable]
    if isinstance(variable, Constant):
        return variable.data
    if isinstance(variable, SharedVariable):
        return variable.get_value(borrow=True)
    raise GraphError(
        f"evaluate: {variable!r}, made at {variable.site}, is needed but not given"
    )


def _given(variable: Variable, value: ArrayLike) -> Array:
    array = np.asarray(value)
    strong = strengthened(array, variable.dtype) if is_weak(value) else None
    if strong is not None:
        array = strong
    elif np.can_cast(array.dtype, variable.dtype, casting="safe"):
        array = array.astype(variable.dtype, copy=False)
    if not variable.type.accepts(TensorType(array.dtype.name, array.shape)):
        raise GraphError(
            f"evaluate: {variable!r} expects {variable.type}, "
            f"got {array.dtype}{list(array.shape)}"
        )
    return array


def _checked(node: Apply, variable: Variable, array: Array) -> Array:
    if not variable.type.accepts(TensorType(array.dtype.name, array.shape)):
        raise SymgraphError(
            f"{node.op}: its type promises {variable.type}, its reference gave "
            f"{array.dtype}{list(array.shape)}"
        )
    return array
