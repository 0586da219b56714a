"""``updates`` and ``givens``: which values a call replaces, and what is computed.

w <- new value        for every pair, together, once all outputs are known
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from symgraph.graph import (
    Apply,
    GraphError,
    SharedVariable,
    TensorType,
    TypeMismatch,
    Variable,
    constant,
    leaves_of,
    toposort,
)
from symgraph.graph.weak import is_weak
from symgraph.ops import BroadcastTo, Cast

_IMPLICIT = (Cast, BroadcastTo)  # what operators put in on their own

Pairs: TypeAlias = "Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None"


def as_givens(givens: Pairs) -> dict[Variable, Variable]:
    """What stands for what in the graph, each checked to be of the same type."""
    replacements: dict[Variable, Variable] = {}
    for old, value in _pairs(givens, "givens"):
        if old in replacements:
            raise GraphError(f"givens: {old!r} is given twice")
        new = as_variable(value, old)
        if not old.type.accepts(new.type):
            raise TypeMismatch(
                f"givens: {old!r} expects {old.type}, got {new!r}\n"
                f"  the replacement was made at {new.site}"
            )
        replacements[old] = new
    return replacements


def as_updates(updates: Pairs) -> dict[SharedVariable, Variable]:
    """The new value of each shared variable, types not yet checked."""
    new_values: dict[SharedVariable, Variable] = {}
    for target, value in _pairs(updates, "updates"):
        if not isinstance(target, SharedVariable):
            raise TypeMismatch(
                f"updates: only a shared variable can be updated, got {target!r}"
            )
        if target in new_values:
            raise GraphError(f"updates: {target!r} is updated twice")
        new_values[target] = as_variable(value, target)
    return new_values


def add_default_updates(
    updates: dict[SharedVariable, Variable],
    outputs: Sequence[Variable],
    givens: Mapping[Variable, Variable],
    excluded: Collection[Variable],
) -> dict[SharedVariable, Variable]:
    """``updates`` with the ``default_update`` of every shared variable read.

    What a default update itself reads counts as read too.
    """
    complete = dict(updates)
    waiting = [*outputs, *updates.values(), *givens.values()]
    while waiting:
        leaves, waiting = leaves_of(waiting), []
        for leaf in leaves:
            if not isinstance(leaf, SharedVariable) or leaf.default_update is None:
                continue
            if leaf in complete or leaf in excluded or leaf in givens:
                continue
            complete[leaf] = leaf.default_update
            waiting.append(leaf.default_update)
    return complete


def check_update(target: SharedVariable, new: Variable) -> None:
    """Raise unless ``new`` may become the value of ``target``."""
    if new.dtype != target.dtype:
        raise TypeMismatch(
            f"updates: {target!r}, made at {target.site}, would become "
            f"{new.type}{_cause(target, new)}"
        )
    if not _compatible(target.type, new.type):
        raise GraphError(
            f"updates: {target!r} expects {target.type}, got {new!r}\n"
            f"  the new value was made at {new.site}"
        )


def as_variable(value: Any, like: Variable) -> Variable:
    """``value`` as a variable; Python numbers take the dtype of ``like``."""
    if isinstance(value, Variable):
        return value
    array = np.asarray(value)
    weak = is_weak(value) and np.can_cast(array.dtype, like.dtype, "same_kind")
    return constant(array, dtype=like.dtype if weak else None)


def _pairs(pairs: Pairs, what: str) -> list[tuple[Variable, Any]]:
    items = pairs.items() if isinstance(pairs, Mapping) else pairs or ()
    found = []
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeMismatch(
                f"{what}: expected (variable, value) pairs, got {item!r}"
            )
        if not isinstance(item[0], Variable):
            raise TypeMismatch(f"{what}: {item[0]!r} is not a variable")
        found.append((item[0], item[1]))
    return found


def _compatible(target: TensorType, new: TensorType) -> bool:
    """Equal where both are known; the rest is checked when the function is called."""
    if target.ndim != new.ndim:
        return False
    pairs = zip(target.shape, new.shape, strict=True)
    return all(a is None or b is None or a == b for a, b in pairs)


def _cause(target: SharedVariable, new: Variable) -> str:
    """Which application first left the dtype of ``target``, and by what argument."""
    advice = f"; cast the new value with .astype({target.dtype!r})"
    for node in toposort([new]):
        widened = [v for v in node.outputs if v.dtype == new.dtype]
        if not widened or isinstance(node.op, _IMPLICIT):
            continue
        sources = [_written(v) for v in node.inputs]
        if all(v.dtype == new.dtype for v in sources) and sources:
            continue
        guilty = [v for v in sources if v.dtype == new.dtype]
        because = (
            f", because of {guilty[0]!r}, made at {guilty[0].site}" if guilty else ""
        )
        return f": widened by {_shown(node)} at {node.site}{because}{advice}"
    return f": the new value was made at {new.site}{advice}"


def _written(variable: Variable) -> Variable:
    """The operand as the user wrote it, before what an operator did to fit it in."""
    while variable.owner is not None and isinstance(variable.owner.op, _IMPLICIT):
        variable = variable.owner.inputs[0]
    return variable


def _shown(node: Apply) -> str:
    arguments = ", ".join(repr(_written(v)) for v in node.inputs)
    return f"{node.op}({arguments})"
