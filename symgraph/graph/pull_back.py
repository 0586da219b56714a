"""Cotangents flow from outputs to inputs, one node at a time.

For y = f(x) and a cotangent dy (the derivative of some scalar by y), the op's ``vjp``
gives dx = dy . df/dx. A variable used several times gets the sum of what its users
send. New nodes inherit the site of the node they differentiate, so that an error in
a gradient points at the line the user wrote. The walk stands here, below the ops,
because an op with a graph inside differentiates that graph.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from symgraph.graph.dtypes import is_float
from symgraph.graph.errors import SymgraphError
from symgraph.graph.op import Apply, Op
from symgraph.graph.sites import inherit_site
from symgraph.graph.traversal import toposort
from symgraph.graph.variable import Variable

Cotangents = dict[Variable, Variable]


class Values(Protocol):
    """Which variables a derivative reads in place of a node's own."""

    def reached(self, node: Apply, cotangents: Sequence[Variable | None]) -> None:
        """The walk is at ``node``, with the cotangents of its outputs."""

    def of(self, node: Apply, variables: Sequence[Variable]) -> Sequence[Variable]:
        """What the derivative of ``node`` reads in place of ``variables``."""

    def sent(self, node: Apply, variable: Variable, cotangent: Variable) -> Variable:
        """What ``node`` sends to ``variable``, an input, to be added up there."""


class AsTheyAre:
    """Every derivative reads the node's own inputs and outputs."""

    def reached(self, node: Apply, cotangents: Sequence[Variable | None]) -> None:
        """Nothing is prepared."""

    def of(self, node: Apply, variables: Sequence[Variable]) -> Sequence[Variable]:
        """``variables``."""
        return variables

    def sent(self, node: Apply, variable: Variable, cotangent: Variable) -> Variable:
        """``cotangent``."""
        return cotangent


def pulled_back(
    seeds: Mapping[Variable, Variable],
    wrt: Sequence[Variable],
    consider_constant: Collection[Variable] = (),
    values: Values | None = None,
) -> Cotangents:
    """The cotangent of each ``wrt`` that one reaches, from those of the ``seeds``.

    Nothing flows through ``consider_constant``. ``values`` may have other variables
    for derivatives to read.
    """
    values = values or AsTheyAre()
    arrived: Cotangents = dict(seeds)
    targets = set(wrt).difference(consider_constant)
    path = _path(seeds, targets, set(consider_constant))
    useful = targets.union(*(node.outputs for node in path))
    for node in reversed(path):
        cotangents = [arrived.get(v) for v in node.outputs]
        if all(cotangent is None for cotangent in cotangents):
            continue
        values.reached(node, cotangents)
        with inherit_site(node.site):
            inputs = values.of(node, node.inputs)
            outputs = values.of(node, node.outputs)
            given = _node_vjp(node, inputs, outputs, cotangents)
            _collect(arrived, useful, node, given, values)
        for output in node.outputs:
            if output not in targets:
                arrived.pop(output, None)
    return {v: arrived[v] for v in wrt if v in targets and v in arrived}


def _path(
    ends: Iterable[Variable], wrt: set[Variable], constants: set[Variable]
) -> list[Apply]:
    """The applications between ``wrt`` and the ends, that carry floats, in order."""
    reached = set(wrt)
    path = []
    for node in toposort(ends, stop=constants):
        if any(v in reached for v in node.inputs):
            reached.update(v for v in node.outputs if is_float(v.dtype))
            path.append(node)
    return path


def _node_vjp(
    node: Apply,
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    cotangents: Sequence[Variable | None],
) -> Sequence[Variable | None]:
    """What the op's ``vjp`` gives, or that of the expression it stands for.

    ``inputs`` and ``outputs`` have the values of the node's own.
    """
    if type(node.op).vjp is Op.vjp:
        expanded = node.op.expand(*inputs)
        if expanded is not None:
            return _expanded_vjp(inputs, expanded, cotangents)
    given = tuple(node.op.vjp(inputs, outputs, cotangents))
    if len(given) != len(node.inputs):
        raise SymgraphError(
            f"{node.op}: its vjp gave {len(given)} cotangents for "
            f"{len(node.inputs)} inputs"
        )
    return given


def _expanded_vjp(
    inputs: Sequence[Variable],
    expanded: Variable | tuple[Variable, ...],
    cotangents: Sequence[Variable | None],
) -> Sequence[Variable | None]:
    ends = expanded if isinstance(expanded, tuple) else (expanded,)
    seeds = {e: c for e, c in zip(ends, cotangents, strict=True) if c is not None}
    found = pulled_back(seeds, inputs)
    return [found.get(v) for v in inputs]


def _collect(
    arrived: Cotangents,
    useful: Collection[Variable],
    node: Apply,
    given: Sequence[Variable | None],
    values: Values,
) -> None:
    for variable, cotangent in zip(node.inputs, given, strict=True):
        if cotangent is None or variable not in useful:
            continue
        if cotangent.dtype != variable.dtype or cotangent.ndim != variable.ndim:
            raise SymgraphError(
                f"{node.op}: its vjp gave {cotangent.type} for {variable.type}"
            )
        sent, before = values.sent(node, variable, cotangent), arrived.get(variable)
        arrived[variable] = sent if before is None else before + sent
