"""Forward mode, from reverse mode twice.

The vjp of y = f(x) is linear in its cotangent v: v -> v . J. Its own vjp, for a
cotangent t of x, is therefore J . t, whatever v is (Townsend 2017, "A new trick for
calculating Jacobian vector products"). What computes v is dead code afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgraph.autodiff.reverse import check_differentiable, listed, pull_back, seeded
from symgraph.graph import GraphError, Variable
from symgraph.ops import zeros_like
from symgraph.ops.arguments import TensorLike


def jvp(
    outputs: Variable | Sequence[Variable],
    inputs: Variable | Sequence[Variable],
    tangents: TensorLike | Sequence[TensorLike],
) -> Any:
    """d outputs / d inputs . tangents, for each output; zeros where there is no path.

    One tangent for each input, of its shape. A single variable as ``outputs`` gives a
    single variable.
    """
    ends, starts, given = listed(outputs), listed(inputs), listed(tangents)
    if len(starts) != len(given):
        raise GraphError(f"jvp: {len(starts)} inputs, but {len(given)} tangents")
    for variable in (*starts, *ends):
        check_differentiable("jvp", variable)
    dummies = {end: zeros_like(end) for end in ends}
    pulled = pull_back(dummies, starts)
    directions = seeded("jvp", starts, given)
    reached = [v for v in directions if v in pulled]
    seeds = seeded(
        "jvp", [pulled[v] for v in reached], [directions[v] for v in reached]
    )
    pushed = pull_back(seeds, list(dummies.values()))
    results = [_found(pushed, dummies[end], end) for end in ends]
    return results[0] if isinstance(outputs, Variable) else results


def _found(
    pushed: dict[Variable, Variable], dummy: Variable, end: Variable
) -> Variable:
    return pushed[dummy] if dummy in pushed else zeros_like(end)
