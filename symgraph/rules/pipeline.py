"""The stages that ``function`` runs, in order, and ``rewrite`` to run any by hand.

Sizes and equal nodes come first, so that later patterns see one form of each thing;
stable forms before batch normalization, which becomes affine maps, which go into
weights, in training too; what those moves leave over is simplified. Last, maxima are
kept track of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from symgraph.graph import Apply, Constant, Graph, SharedVariable, Variable, leaves_of
from symgraph.ops.scan_body import Body
from symgraph.rewriting import History, Stage, rewrite_graph
from symgraph.rules.algebra import ALGEBRA
from symgraph.rules.arrangements import ARRANGEMENTS
from symgraph.rules.batch_norm import BATCH_NORM
from symgraph.rules.constant_folding import CONSTANT_FOLDING
from symgraph.rules.fold_affine import FOLD_AFFINE
from symgraph.rules.fold_training import FOLD_TRAINING
from symgraph.rules.merging import merge_equal_nodes
from symgraph.rules.pooling import PLACES, POOLING, POOLING_FIRST
from symgraph.rules.scan_tools import scan_pass
from symgraph.rules.scans import SCANS, merge_scans
from symgraph.rules.sizes import normalize_sizes
from symgraph.rules.stability import STABILITY


@scan_pass("reassociating")
def rewrite_steps(node: Apply, used: set[Variable]) -> Sequence[Variable] | None:
    """scan(body)  ->  scan(body rewritten), by all the stages"""
    op = node.op
    if op.body.settled:
        return None
    graph, history = rewrite_graph(op.body.graph, DEFAULT)
    if not len(history):
        return None
    return Apply(replace(op, body=Body(graph, settled=True)), node.inputs).outputs


_SCANS = (merge_scans, rewrite_steps, *SCANS)
_SIMPLER = (*ALGEBRA, *ARRANGEMENTS, *POOLING, *CONSTANT_FOLDING)

LOOPS = Stage("loops", _SCANS)
CANONICALIZE = Stage("canonicalize", (*_SIMPLER, normalize_sizes, merge_equal_nodes))
STABILIZE = Stage("stability", STABILITY)
BATCH_NORMALIZATION = Stage("batch_norm", (*BATCH_NORM, *CONSTANT_FOLDING))
AFFINE = Stage("fold_affine", (*FOLD_AFFINE, *CONSTANT_FOLDING))
TRAINING = Stage("fold_training", (*FOLD_TRAINING, *CONSTANT_FOLDING))
SIMPLIFY = Stage(
    "simplify",
    (*_SIMPLER, *POOLING_FIRST, normalize_sizes, merge_equal_nodes, *_SCANS),
)
MAXIMA = Stage("places", PLACES)

DEFAULT = (
    LOOPS,
    CANONICALIZE,
    STABILIZE,
    BATCH_NORMALIZATION,
    AFFINE,
    TRAINING,
    SIMPLIFY,
    MAXIMA,
)


class Rewritten(NamedTuple):
    """A graph after rewriting, and what was done to it."""

    graph: Graph
    history: History


def rewrite(
    graph: Graph | Variable | Sequence[Variable], stages: Sequence[Stage] = DEFAULT
) -> Rewritten:
    """The graph after the stages in turn; the one given stays as it is.

    Variables stand for the graph that computes them from everything they depend on.
    """
    if isinstance(graph, Variable):
        graph = [graph]
    if not isinstance(graph, Graph):
        graph = graph_of(graph)
    return Rewritten(*rewrite_graph(graph, stages))


def graph_of(outputs: Sequence[Variable]) -> Graph:
    """The graph of all that ``outputs`` depend on; its inputs in order of first use."""
    known = (Constant, SharedVariable)
    return Graph([v for v in leaves_of(outputs) if not isinstance(v, known)], outputs)
