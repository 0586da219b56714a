"""The rewrites themselves, by subject, and the pipeline that ``function`` runs.

May import ``ops`` and ``rewriting``. Read ``algebra.py`` for what a rule looks like,
``batch_norm.py`` and ``fold_affine.py`` for the rewrites this project is about, and
``pipeline.py`` for the order in which all of them run.
"""

from symgraph.rules.algebra import ALGEBRA
from symgraph.rules.arrangements import ARRANGEMENTS
from symgraph.rules.batch_norm import BATCH_NORM
from symgraph.rules.constant_folding import CONSTANT_FOLDING
from symgraph.rules.fold_affine import FOLD_AFFINE
from symgraph.rules.fold_training import FOLD_TRAINING
from symgraph.rules.inference import to_inference
from symgraph.rules.merging import merge_equal_nodes
from symgraph.rules.pipeline import (
    AFFINE,
    BATCH_NORMALIZATION,
    CANONICALIZE,
    DEFAULT,
    SIMPLIFY,
    STABILIZE,
    TRAINING,
    Rewritten,
    rewrite,
)
from symgraph.rules.real_algebra import REAL_ALGEBRA
from symgraph.rules.sizes import normalize_sizes
from symgraph.rules.stability import STABILITY

__all__ = [
    "AFFINE",
    "ALGEBRA",
    "ARRANGEMENTS",
    "BATCH_NORM",
    "BATCH_NORMALIZATION",
    "CANONICALIZE",
    "CONSTANT_FOLDING",
    "DEFAULT",
    "FOLD_AFFINE",
    "FOLD_TRAINING",
    "REAL_ALGEBRA",
    "SIMPLIFY",
    "STABILITY",
    "STABILIZE",
    "TRAINING",
    "Rewritten",
    "merge_equal_nodes",
    "normalize_sizes",
    "rewrite",
    "to_inference",
]
