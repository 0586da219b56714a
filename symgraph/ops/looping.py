"""``scan`` and its kin: loops whose step is a Python function of symbolic values.

The function is called once, on variables that stand for one step's values; what it
computes becomes the body of a ``Scan`` (``loop.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symgraph.graph import GraphError, Variable
from symgraph.ops.loop import Updates, make_loop
from symgraph.ops.loop_step import Until


def until(condition: Variable) -> Until:
    """End a loop early; ``scan`` refuses it: sizes may not depend on data here."""
    return Until(condition)


def scan(
    fn: Callable[..., Any],
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    n_steps: int | Variable | None = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    *,
    name: str | None = None,
    strict: bool = False,
    return_list: bool = False,
) -> tuple[Any, Updates]:
    """``fn`` in a loop: its outputs, stacked over the steps, and updates.

    In each step ``fn`` gets the elements of ``sequences`` at that step, the earlier
    values of those outputs that ``outputs_info`` has a start for, and
    ``non_sequences``, in this order; it returns its outputs, or (outputs, updates).

    A sequence is an array, looped over along its first dimension, or a dict
    ``{"input": x, "taps": [-1, 0]}`` of which a step t gets x[t + tap], counted so
    that all taps are inside. An entry of ``outputs_info`` is the value before the
    first step; None for an output that is not carried; or a dict ``{"initial": s,
    "taps": [-2, -1]}``, where s holds the values before the first step, the earliest
    first. The number of steps is ``n_steps``, else what the shortest sequence gives.
    With ``go_backwards`` the sequences are read from their end. A gradient goes back
    through the last ``truncate_gradient`` steps, all if that is -1.

    Shared variables and other variables that ``fn`` uses are found by themselves
    unless ``strict``, when all must be in ``non_sequences``. A shared variable with a
    ``default_update``, such as the state of random numbers, and any that ``fn`` gives
    an update for, is carried from step to step; the updates returned give it its
    value after the last step and belong in ``function(updates=...)``.

    >>> from symgraph.ops import vector
    >>> x = vector("x")
    >>> sums, _ = scan(lambda x_t, s: s + x_t, x, 0.0)
    >>> sums.eval({x: [1.0, 2.0, 3.0]}).tolist()
    [1.0, 3.0, 6.0]
    """
    loop = make_loop(
        fn,
        sequences,
        outputs_info,
        non_sequences,
        n_steps,
        truncate_gradient,
        go_backwards,
        name or "scan",
        strict,
    )
    return _packed(loop.outputs, return_list), loop.updates


def map(
    fn: Callable[..., Any],
    sequences: Any,
    non_sequences: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    *,
    name: str | None = None,
) -> tuple[Any, Updates]:
    """``fn`` of each element of the sequences; as ``scan`` with nothing carried."""
    return scan(
        fn,
        sequences,
        None,
        non_sequences,
        None,
        truncate_gradient,
        go_backwards,
        name=name or "map",
    )


def reduce(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    go_backwards: bool = False,
    *,
    name: str | None = None,
) -> tuple[Any, Updates]:
    """What ``fn`` has made of ``outputs_info`` after the last element; and updates."""
    loop = make_loop(
        fn,
        sequences,
        outputs_info,
        non_sequences,
        go_backwards=go_backwards,
        name=name or "reduce",
    )
    if None in loop.finals:
        raise GraphError(
            f"{name or 'reduce'}: every output needs a value to start from"
        )
    return _packed(loop.finals, False), loop.updates


def foldl(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    *,
    name: str | None = None,
) -> tuple[Any, Updates]:
    """``reduce`` from the first element to the last."""
    return reduce(fn, sequences, outputs_info, non_sequences, name=name or "foldl")


def foldr(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    *,
    name: str | None = None,
) -> tuple[Any, Updates]:
    """``reduce`` from the last element to the first."""
    return reduce(
        fn, sequences, outputs_info, non_sequences, True, name=name or "foldr"
    )


def _packed(values: Sequence[Any], as_list: bool) -> Any:
    if not values:
        return [] if as_list else None
    return values[0] if len(values) == 1 and not as_list else list(values)
