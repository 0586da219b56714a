"""Walking and rebuilding graphs, without recursion: depth is not limited."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from symgraph.graph.op import Apply, Op
from symgraph.graph.sites import inherit_site
from symgraph.graph.variable import Variable


def toposort(
    outputs: Iterable[Variable], stop: Collection[Variable] = ()
) -> list[Apply]:
    """Every application the outputs need, inputs before users.

    The walk does not go above the variables in ``stop``. The order is that of a
    depth-first visit, so it depends on the graph alone.
    """
    barrier = set(stop)
    order: list[Apply] = []
    done: set[Apply] = set()
    for output in outputs:
        stack = [output.owner] if output not in barrier and output.owner else []
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            waiting = [
                v.owner
                for v in node.inputs
                if v.owner is not None and v not in barrier and v.owner not in done
            ]
            if waiting:
                stack.extend(reversed(waiting))
            else:
                stack.pop()
                done.add(node)
                order.append(node)
    return order


def ancestors(
    outputs: Iterable[Variable], stop: Collection[Variable] = ()
) -> list[Variable]:
    """Every variable the outputs are computed from, themselves included."""
    outputs = list(outputs)
    seen: dict[Variable, None] = {}
    for node in toposort(outputs, stop):
        seen.update(dict.fromkeys(node.inputs))
        seen.update(dict.fromkeys(node.outputs))
    seen.update(dict.fromkeys(outputs))
    return list(seen)


def leaves_of(outputs: Iterable[Variable]) -> list[Variable]:
    """The ancestors that nothing computes: inputs, constants, shared variables."""
    return [v for v in ancestors(outputs) if v.owner is None]


def applies_between(
    wrt: Iterable[Variable], outputs: Iterable[Variable]
) -> list[Apply]:
    """The applications on a path from ``wrt`` to ``outputs``, in order."""
    reached = set(wrt)
    path: list[Apply] = []
    for node in toposort(outputs):
        if any(v in reached for v in node.inputs):
            reached.update(node.outputs)
            path.append(node)
    return path


def clients_of(nodes: Iterable[Apply]) -> dict[Variable, list[tuple[Apply, int]]]:
    """For each variable the (application, position) pairs that use it."""
    clients: dict[Variable, list[tuple[Apply, int]]] = {}
    for node in nodes:
        for position, variable in enumerate(node.inputs):
            clients.setdefault(variable, []).append((node, position))
    return clients


def clone_with(
    outputs: Sequence[Variable],
    replacements: Mapping[Variable, Variable],
    rebuild: Callable[[Apply, Sequence[Variable]], Sequence[Variable]] | None = None,
) -> list[Variable]:
    """The outputs with some variables replaced; what does not change is shared.

    A replacement is taken as it is: nothing is replaced inside it. ``rebuild`` makes
    the new outputs of a node whose inputs changed; by default its op is applied to
    the new inputs, keeping site and names.
    """
    make = rebuild or reapply
    new: dict[Variable, Variable] = dict(replacements)
    for node in toposort(outputs, stop=replacements.keys()):
        inputs = [new.get(v, v) for v in node.inputs]
        if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
            continue
        for old, fresh in zip(node.outputs, make(node, inputs), strict=True):
            new.setdefault(old, fresh)
    return [new.get(v, v) for v in outputs]


def reapply(
    node: Apply, inputs: Sequence[Variable], op: Op | None = None
) -> Sequence[Variable]:
    """The same op on other inputs, or another, at its site, under its names."""
    with inherit_site(node.site):
        fresh = Apply(op or node.op, inputs)
    for old, new in zip(node.outputs, fresh.outputs, strict=True):
        new.name = old.name
    return fresh.outputs
