"""Reverse mode: cotangents flow from outputs to inputs, one node at a time.

For y = f(x) and a cotangent dy (the derivative of some scalar by y), the op's ``vjp``
gives dx = dy . df/dx. A variable used several times gets the sum of what its users
send. New nodes inherit the site of the node they differentiate, so that an error in
a gradient points at the line the user wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from symgraph.autodiff.recomputation import Recomputation
from symgraph.graph import (
    Apply,
    GraphError,
    Op,
    SymgraphError,
    TypeMismatch,
    Variable,
    inherit_site,
    is_float,
    toposort,
)
from symgraph.ops import as_variable, cast, zeros_like
from symgraph.ops.arguments import TensorLike

Cotangents = dict[Variable, Variable]


def vjp(
    outputs: Variable | Sequence[Variable],
    inputs: Variable | Sequence[Variable],
    cotangents: TensorLike | Sequence[TensorLike],
) -> Any:
    """cotangents . d outputs / d inputs, for each input; zeros where there is no path.

    One cotangent for each output, of its shape. A single variable as ``inputs`` gives
    a single variable.
    """
    ends, seeds = listed(outputs), listed(cotangents)
    if len(ends) != len(seeds):
        raise GraphError(f"vjp: {len(ends)} outputs, but {len(seeds)} cotangents")
    wrt = listed(inputs)
    for variable in wrt:
        check_differentiable("vjp", variable)
    found = pull_back(seeded("vjp", ends, seeds), wrt)
    results = [found[v] if v in found else zeros_like(v) for v in wrt]
    return results[0] if isinstance(inputs, Variable) else results


def pull_back(
    seeds: Mapping[Variable, Variable],
    wrt: Sequence[Variable],
    consider_constant: Collection[Variable] = (),
) -> Cotangents:
    """The cotangent of each ``wrt`` that one reaches, from those of the ``seeds``.

    Nothing flows through ``consider_constant``. What lies before a ``checkpoint`` is
    computed anew.
    """
    return _pulled(seeds, wrt, consider_constant, Recomputation(seeds))


def _pulled(
    seeds: Mapping[Variable, Variable],
    wrt: Sequence[Variable],
    consider_constant: Collection[Variable],
    recomputation: Recomputation,
) -> Cotangents:
    arrived: Cotangents = dict(seeds)
    targets = set(wrt).difference(consider_constant)
    path = _path(seeds, targets, set(consider_constant))
    useful = targets.union(*(node.outputs for node in path))
    for node in reversed(path):
        cotangents = [arrived.get(v) for v in node.outputs]
        if all(cotangent is None for cotangent in cotangents):
            continue
        recomputation.reached(node, cotangents)
        with inherit_site(node.site):
            inputs = recomputation.of(node, node.inputs)
            outputs = recomputation.of(node, node.outputs)
            given = _node_vjp(node, inputs, outputs, cotangents)
            _collect(arrived, useful, node, given)
        for output in node.outputs:
            if output not in targets:
                arrived.pop(output, None)
    return {v: arrived[v] for v in wrt if v in targets and v in arrived}


def seeded(
    name: str, ends: Sequence[Variable], cotangents: Sequence[TensorLike]
) -> Cotangents:
    """Each end with its cotangent, checked; the cotangents of a repeated end added."""
    seeds: Cotangents = {}
    for end, given in zip(ends, cotangents, strict=True):
        check_differentiable(name, end)
        cotangent = cast(as_variable(given), end.dtype)
        pairs = zip(end.type.shape, cotangent.type.shape, strict=False)
        if end.ndim != cotangent.ndim or any(
            None not in (a, b) and a != b for a, b in pairs
        ):
            raise GraphError(
                f"{name}: the cotangent of {end!r} must be {end.type}, "
                f"got {cotangent.type}"
            )
        seeds[end] = seeds[end] + cotangent if end in seeds else cotangent
    return seeds


def check_differentiable(name: str, variable: Variable) -> None:
    """Raise unless the variable holds floats."""
    if not isinstance(variable, Variable):
        raise TypeMismatch(f"{name}: expected a Variable, got {variable!r}")
    if not is_float(variable.dtype):
        raise TypeMismatch(
            f"{name}: {variable!r}, made at {variable.site}, is not float32 or float64 "
            "and has no derivative"
        )


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
    found = _pulled(seeds, inputs, (), Recomputation(()))
    return [found.get(v) for v in inputs]


def _collect(
    arrived: Cotangents,
    useful: Collection[Variable],
    node: Apply,
    given: Sequence[Variable | None],
) -> None:
    for variable, cotangent in zip(node.inputs, given, strict=True):
        if cotangent is None or variable not in useful:
            continue
        if cotangent.dtype != variable.dtype or cotangent.ndim != variable.ndim:
            raise SymgraphError(
                f"{node.op}: its vjp gave {cotangent.type} for {variable.type}"
            )
        before = arrived.get(variable)
        arrived[variable] = cotangent if before is None else before + cotangent


def listed(values: Any) -> list[Any]:
    """The items of a list or tuple; anything else as the only item of a list."""
    return list(values) if isinstance(values, (list, tuple)) else [values]
