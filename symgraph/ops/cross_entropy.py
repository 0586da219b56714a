"""Cross-entropy from logits and integer labels, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symgraph.graph import (
    GraphError,
    Op,
    TensorType,
    Variable,
    argument_lines,
    is_float,
)
from symgraph.ops.arguments import TensorLike, as_variable, promoted
from symgraph.ops.checks import (
    Dimension,
    check_axis,
    expect_dtype,
    expect_float,
    expect_integer,
    expect_ndim,
    join_dims,
)
from symgraph.ops.comparison import eq
from symgraph.ops.indexing import one_hot
from symgraph.ops.reshaping import expand_dims, moveaxis, reshape
from symgraph.ops.selection import where
from symgraph.ops.shape import shape
from symgraph.ops.softmax import LogSoftmax, Softmax, log_softmax
from symgraph.ops.windows import Array


@dataclass(frozen=True)
class CrossEntropy(Op):
    """loss_n = -log softmax(logits_n)[label_n].

    That is log sum_k exp(logits_nk) - logits_n,label. Inputs logits[N,K] and integer
    labels[N]; output [N]. A label outside 0..K-1 is an ``IndexError`` when the
    function runs.
    """

    def infer_type(self, logits, labels):
        """[N] of the logits' dtype."""
        batch = _check_labels("cross_entropy", logits, labels)
        return logits.with_shape((batch,))

    def infer_shape(self, shapes, values):
        """The number of rows."""
        return (shapes[0][0],)

    def reference(self, logits, labels):
        """The log-softmax, picked at the labels."""
        _check_range(labels, logits.shape[1])
        return -LogSoftmax(1).reference(logits)[np.arange(len(labels)), labels]

    def vjp(self, inputs, outputs, cotangents):
        """(softmax(logits) - one_hot(labels)) dloss, and nothing for the labels."""
        return CrossEntropyGrad()(*inputs, cotangents[0]), None


@dataclass(frozen=True)
class CrossEntropyGrad(Op):
    """dlogits_nk = (softmax(logits_n)_k - [k = label_n]) dloss_n.

    Inputs logits[N,K], integer labels[N], dloss[N]; output [N,K].
    """

    def infer_type(self, logits, labels, dloss):
        """The type of the logits."""
        batch = _check_labels("cross_entropy_grad", logits, labels)
        expect_ndim("cross_entropy_grad", "loss gradient", dloss, 1)
        expect_dtype("cross_entropy_grad", "loss gradient", dloss, logits.dtype)
        rows = "rows of logits and loss gradient"
        batch = join_dims("cross_entropy_grad", rows, batch, dloss.shape[0])
        return logits.with_shape((batch, logits.shape[1]))

    def reference(self, logits, labels, dloss):
        """The softmax less one at the labels, scaled by row."""
        _check_range(labels, logits.shape[1])
        gradient = Softmax(1).reference(logits)
        gradient[np.arange(len(labels)), labels] -= 1
        return gradient * dloss[:, None]

    def vjp(self, inputs, outputs, cotangents):
        """With softmax s, cotangent g: dloss s (g - <s, g>) and <s - one_hot, g>."""
        (logits, labels, dloss), (cotangent,) = inputs, cotangents
        soft = Softmax(1)(logits)
        inner = (soft * cotangent).sum(axis=1)
        centred = cotangent - expand_dims(inner, 1)
        hot = one_hot(labels, shape(logits)[1], dtype=logits.dtype)
        picked = (hot * cotangent).sum(axis=1)
        return expand_dims(dloss, 1) * soft * centred, None, inner - picked


def cross_entropy(
    logits: TensorLike,
    targets: TensorLike,
    axis: int = -1,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Variable:
    """-log softmax(logits) at the target class, one loss for each example.

    ``targets`` are integer labels with the shape of ``logits`` less the class axis,
    or probabilities (floats) of the same shape as ``logits``: then the loss is
    -sum_k targets_k log softmax(logits)_k. With ``label_smoothing`` e the target
    becomes (1 - e) target + e / K (Szegedy et al. 2016, section 7). Examples
    whose label is ``ignore_index`` have loss and gradient zero. Labels out of range
    raise ``IndexError`` when the function runs.
    """
    if not 0 <= label_smoothing < 1:
        raise GraphError(
            f"cross_entropy: label_smoothing must be in [0, 1), got {label_smoothing}"
        )
    logits, targets = (
        promoted("cross_entropy", [logits], floating=True)[0],
        as_variable(targets),
    )
    check_axis("cross_entropy", axis, logits.ndim)
    logits = moveaxis(logits, axis, -1)
    if not is_float(targets.dtype):
        return _from_labels(logits, targets, label_smoothing, ignore_index)
    if ignore_index is not None:
        raise GraphError("cross_entropy: ignore_index needs integer labels")
    if targets.ndim != logits.ndim:
        raise GraphError(
            f"cross_entropy: labels must be integers, and probabilities (floats) have "
            f"the shape of the logits, {logits.type}; got {targets.type}"
            f"\n{argument_lines([logits, targets])}"
        )
    targets = moveaxis(targets, axis, -1)
    loss = -(targets * log_softmax(logits)).sum(axis=-1)
    return _smoothed(loss, logits, label_smoothing, targets.sum(axis=-1))


def _from_labels(
    logits: Variable, labels: Variable, smoothing: float, ignore_index: int | None
) -> Variable:
    """The loss of labels with the class axis last, in the labels' shape."""
    if labels.ndim != logits.ndim - 1:
        raise GraphError(
            f"cross_entropy: labels must have {logits.ndim - 1} dimensions, those of "
            f"logits {logits.type} without the class axis, got {labels.type}"
        )
    shape_of_loss = shape(labels)
    if logits.ndim != 2:
        logits = reshape(logits, (-1, shape(logits)[-1]))
        labels = reshape(labels, (-1,))
    ignored = None if ignore_index is None else eq(labels, ignore_index)
    safe = labels if ignored is None else where(ignored, 0, labels)
    loss = _smoothed(CrossEntropy()(logits, safe), logits, smoothing, 1.0)
    loss = loss if ignored is None else where(ignored, 0.0, loss)
    return loss if len(shape_of_loss) == 1 else reshape(loss, shape_of_loss)


def _smoothed(loss: Any, logits: Variable, smoothing: float, weight: Any) -> Any:
    """(1 - e) loss + e weight times the loss of the uniform distribution."""
    if not smoothing:
        return loss
    uniform = -log_softmax(logits).mean(axis=-1)
    return (1 - smoothing) * loss + smoothing * weight * uniform


def _check_labels(op: str, logits: TensorType, labels: TensorType) -> Dimension:
    """The number of examples."""
    expect_ndim(op, "logits", logits, 2)
    expect_float(op, "logits", logits)
    expect_ndim(op, "labels", labels, 1)
    expect_integer(op, "labels", labels)
    return join_dims(op, "rows of logits and labels", logits.shape[0], labels.shape[0])


def _check_range(labels: Array, classes: int) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        at = int(wrong[0])
        raise IndexError(
            f"cross_entropy: label {labels[at]} of example {at} is out of range "
            f"for {classes} classes"
        )
