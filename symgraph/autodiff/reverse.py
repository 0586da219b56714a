"""Reverse mode, as users ask for it: checked cotangents, zeros where there is no path.

The walk itself is ``graph/pull_back.py``; what lies before a ``checkpoint`` is computed
anew for it, and what lies in a branch of an ``ifelse`` is walked in that branch only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from symgraph.autodiff.recomputation import Recomputation
from symgraph.graph import GraphError, TypeMismatch, Variable, is_float
from symgraph.graph.pull_back import Cotangents, pulled_back
from symgraph.ops import as_variable, cast, zeros_like
from symgraph.ops.arguments import TensorLike
from symgraph.ops.branch_gradients import Branches


class _Values(Recomputation, Branches):
    """Segments of the forward pass computed again, branches walked where taken."""

    def __init__(self, ends: Iterable[Variable], wrt: Iterable[Variable]) -> None:
        Recomputation.__init__(self, ends)
        Branches.__init__(self, ends, wrt)


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
    return pulled_back(seeds, wrt, consider_constant, _Values(seeds, wrt))


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


def listed(values: Any) -> list[Any]:
    """The items of a list or tuple; anything else as the only item of a list."""
    return list(values) if isinstance(values, (list, tuple)) else [values]
