"""Text of a graph: one line a node, indented under its user."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

from symgraph.graph.variable import Constant, SharedVariable, Variable

_STDOUT = object()
_DEEPEST = 32  # indentation beyond this is a number: text stays linear in the graph


def describe(variable: Variable) -> str:
    """One line about a variable: its op or kind, its name, its type."""
    if variable.owner is not None:
        node = variable.owner
        which = f".{variable.index}" if len(node.outputs) > 1 else ""
        label = f"{node.op}{which}"
    elif isinstance(variable, Constant):
        label = f"constant {variable!r}" if variable.data.size == 1 else "constant"
    elif isinstance(variable, SharedVariable):
        label = "shared"
    else:
        label = "input"
    name = f" '{variable.name}'" if variable.name else ""
    return f"{label}{name} {variable.type}"


def debugprint(
    outputs: Variable | Sequence[Variable],
    file: TextIO | object | None = _STDOUT,
    sites: bool = False,
) -> str:
    """Print the graph of ``outputs``, users above what they use, and return the text.

    A node that was shown before is shown by its number alone. With ``sites`` each
    node's line in the user's program follows it. ``file=None`` prints nothing.
    """
    roots = getattr(outputs, "outputs", outputs)  # a Graph is its outputs
    roots = [roots] if isinstance(roots, Variable) else list(roots)
    text = "\n".join(_lines(roots, sites))
    if file is _STDOUT:
        file = sys.stdout
    if file is not None:
        print(text, file=file)  # type: ignore[call-overload]
    return text


def _lines(roots: Sequence[Variable], sites: bool) -> list[str]:
    numbers: dict[object, int] = {}
    lines: list[str] = []
    stack = [(root, 0) for root in reversed(roots)]
    while stack:
        variable, depth = stack.pop()
        key = variable.owner or variable
        seen = key in numbers
        number = numbers.setdefault(key, len(numbers))
        where = f"  # {variable.site}" if sites and not seen else ""
        again = " (above)" if seen and variable.owner is not None else ""
        lines.append(f"{_indent(depth)}[{number}] {describe(variable)}{again}{where}")
        if variable.owner is not None and not seen:
            inputs = reversed(variable.owner.inputs)
            stack.extend((v, depth + 1) for v in inputs)
    return lines


def _indent(depth: int) -> str:
    if depth <= _DEEPEST:
        return "  " * depth
    return "  " * _DEEPEST + f"({depth}) "
