"""``grad``: the derivative of one number by many variables."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from symgraph.autodiff.reverse import check_differentiable, listed, pull_back, seeded
from symgraph.graph import GraphError, Variable, ancestors
from symgraph.ops import ones_like, zeros_like

Policy = Literal["raise", "warn", "ignore"]


class DisconnectedInput(GraphError):
    """The cost does not depend on a variable it is to be differentiated by."""


def grad(
    cost: Variable | None,
    wrt: Variable | Sequence[Variable],
    consider_constant: Collection[Variable] = (),
    disconnected_inputs: Policy = "raise",
    known_grads: Mapping[Variable, Variable] | None = None,
) -> Any:
    """d cost / d wrt: one variable for one, a list for a list, each of wrt's type.

    Nothing flows through ``consider_constant``. ``known_grads`` gives d cost / d v
    for variables v whose way to the cost is not in the graph; ``cost`` may then be
    None. A ``wrt`` the cost does not depend on raises ``DisconnectedInput``, or with
    "warn" or "ignore" has zeros.

    >>> from symgraph.ops import scalar
    >>> x = scalar("x", "float64")
    >>> float(grad(x**3, x).eval({x: 2.0}))
    12.0
    """
    if disconnected_inputs not in ("raise", "warn", "ignore"):
        raise GraphError(
            'grad: disconnected_inputs must be "raise", "warn" or "ignore", '
            f"got {disconnected_inputs!r}"
        )
    variables = listed(wrt)
    for variable in variables:
        check_differentiable("grad", variable)
    seeds = _seeds(cost, known_grads or {})
    found = pull_back(seeds, variables, consider_constant)
    missing = [v for v in variables if v not in found]
    _report(missing, list(seeds), consider_constant, disconnected_inputs)
    gradients = [found[v] if v in found else zeros_like(v) for v in variables]
    return gradients[0] if isinstance(wrt, Variable) else gradients


def _seeds(
    cost: Variable | None, known: Mapping[Variable, Variable]
) -> dict[Variable, Variable]:
    ends, cotangents = list(known), list(known.values())
    if cost is None and not known:
        raise GraphError("grad: expected a cost or known_grads, got neither")
    if cost is not None:
        check_differentiable("grad", cost)
        if cost.ndim:
            raise GraphError(
                f"grad: the cost must be a scalar, got {cost!r}, made at {cost.site}; "
                "take its sum or mean, or use sg.jacobian"
            )
        ends, cotangents = [cost, *ends], [ones_like(cost), *cotangents]
    return seeded("grad", ends, cotangents)


def _report(
    missing: Sequence[Variable],
    ends: Sequence[Variable],
    constants: Collection[Variable],
    policy: Policy,
) -> None:
    if policy == "ignore" or not missing:
        return
    connected = set(ancestors(ends, stop=constants))
    for variable in missing:
        if variable in connected and variable not in constants:
            continue  # a path, but one whose derivative is zero everywhere
        message = f"grad: the cost does not depend on {variable!r}, made at "
        message += f"{variable.site}"
        if policy == "raise":
            raise DisconnectedInput(f'{message}; disconnected_inputs="ignore" gives 0')
        warnings.warn(message, stacklevel=3)
