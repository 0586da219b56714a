"""Batch normalization at inference is one affine map.

Ioffe & Szegedy, "Batch Normalization" (2015), Algorithm 2, step 11.
"""

from __future__ import annotations

from symgraph.graph import Variable
from symgraph.ops.batch_norm import BatchNormInference, BatchNormTraining
from symgraph.ops.exponential import sqrt
from symgraph.rewriting import Rule, node, rewrite, wildcards
from symgraph.rules.affine_map import Map

x, gamma, beta, mean, variance = wildcards("x gamma beta mean variance")


@rewrite(node(BatchNormInference)(x, gamma, beta, mean, variance))
def fold_batch_norm(root, x, gamma, beta, mean, variance):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta  ->  x s + t

    s = gamma / sqrt(variance + epsilon), or gamma where only the mean is normalized,
    and t = beta - mean s. Both are constants where the parameters are, and otherwise
    depend on shared variables alone, so that no call computes them.
    """
    return normalization(root.op, gamma, beta, mean, variance)(x)


def normalization(
    op: BatchNormInference | BatchNormTraining,
    gamma: Variable,
    beta: Variable,
    mean: Variable,
    variance: Variable,
) -> Map:
    """x -> x s + t, as ``fold_batch_norm`` says."""
    scale = gamma if op.mean_only else gamma / sqrt(variance + op.epsilon)
    return Map(op.axes, scale, beta - mean * scale)


BATCH_NORM: tuple[Rule, ...] = (fold_batch_norm,)
