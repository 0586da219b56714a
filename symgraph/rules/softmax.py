"""Softmax and its logarithm, however they are written."""

from __future__ import annotations

from typing import Any

from symgraph.graph import Apply, Variable
from symgraph.ops.arithmetic import Div, Sub
from symgraph.ops.cast import StopGradient
from symgraph.ops.exponential import Exp, Log
from symgraph.ops.reduce import Max, Sum
from symgraph.ops.selection import Where
from symgraph.ops.shape import BroadcastTo, Reshape
from symgraph.ops.softmax import LogSoftmax, Softmax
from symgraph.ops.statistics import logsumexp
from symgraph.rewriting import (
    Declined,
    Rule,
    node,
    rewrite,
    wildcards,
)
from symgraph.rules.values import ARRANGING

x, y = wildcards("x y")


@rewrite(node(Log)(node(Softmax)(x).named("softmax")))
def log_of_softmax(x, softmax):
    """log(softmax(x))  ->  log_softmax(x)"""
    return LogSoftmax(softmax.op.axis)(x)


@rewrite(node(Exp)(node(LogSoftmax)(x).named("logarithm").once()))
def exponential_of_log_softmax(x, logarithm):
    """exp(log_softmax(x))  ->  softmax(x)"""
    return Softmax(logarithm.op.axis)(x)


@rewrite(node(Log)(node(Sum)(node(Exp)(x)).named("total")))
def log_of_sum_of_exponentials(x, total):
    """log(sum(exp(x)))  ->  m + log(sum(exp(x - m))), m = max(x)"""
    if _is_shifted(x):
        return Declined("the maximum is subtracted already")
    return logsumexp(x, axis=total.op.axes)


def _sum_axis(variable: Variable, terms: Variable) -> int | None:
    """The axis, where ``variable`` is the sum of ``terms`` over it, spread again."""
    axis = _spread_axis(variable)
    while variable.owner is not None and isinstance(
        variable.owner.op, (BroadcastTo, Reshape)
    ):
        variable = variable.owner.inputs[0]
    summed = variable.owner
    if axis is None or summed is None or summed.op != Sum((axis,)):
        return None
    return axis if summed.inputs[0] is terms else None


def _spread_axis(variable: Variable) -> int | None:
    """The one axis along which ``variable`` was broadcast from size 1, if any."""
    spread = variable.owner
    if spread is None or not isinstance(spread.op, BroadcastTo):
        return None
    before, after = spread.inputs[0].type.shape, variable.type.shape
    if len(before) != len(after):
        return None
    axes = [a for a, size in enumerate(before) if size == 1 and after[a] != 1]
    return axes[0] if len(axes) == 1 else None


@rewrite(
    node(Div)(node(Exp)(x), y).where(
        lambda n: _sum_axis(n.inputs[1], n.inputs[0]) is not None,
        "divided by their sum along one axis",
    )
)
def write_as_softmax(x, y, root):
    """exp(x) / sum(exp(x))  ->  softmax(x)"""
    return Softmax(_sum_axis(y, root.inputs[0]))(x)


def _shifts_whole_rows(n: Apply) -> bool:
    """Whether a softmax is of x - y with y the same all along its axis."""
    op: Any = n.op
    difference = n.inputs[0].owner
    if difference is None or not isinstance(difference.op, Sub):
        return False
    return _spread_axis(difference.inputs[1]) == op.axis % n.inputs[0].ndim


@rewrite(
    node(Softmax, LogSoftmax)(node(Sub)(x, y)).where(
        _shifts_whole_rows, "the same number being subtracted along the axis"
    )
)
def shift_softmax(x, root):
    """softmax(x - c)  ->  softmax(x), log_softmax likewise"""
    return root.op(x)


SOFTMAX: tuple[Rule, ...] = (
    log_of_softmax,
    exponential_of_log_softmax,
    log_of_sum_of_exponentials,
    write_as_softmax,
    shift_softmax,
)


def _is_shifted(x: Variable) -> bool:
    """Whether x is y - max(y), the maximum taken over some axes."""
    if x.owner is None or not isinstance(x.owner.op, Sub):
        return False
    source, shift = x.owner.inputs
    while shift.owner is not None:
        if isinstance(shift.owner.op, Max):
            return shift.owner.inputs[0] is source
        if not isinstance(shift.owner.op, (*ARRANGING, StopGradient, Where)):
            return False
        position = 1 if isinstance(shift.owner.op, Where) else 0
        shift = shift.owner.inputs[position]
    return False
