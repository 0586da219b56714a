"""The rewrites themselves, by subject, and the pipeline that ``function`` runs.

May import ``ops`` and ``rewriting``. Read ``algebra.py`` for what a rule looks like,
``batch_norm.py`` and ``fold_affine.py`` for the rewrites this project is about.
"""

from symgraph.rewriting import Stage
from symgraph.rules.algebra import ALGEBRA, REAL_ALGEBRA
from symgraph.rules.arrangements import ARRANGEMENTS
from symgraph.rules.batch_norm import BATCH_NORM
from symgraph.rules.constant_folding import CONSTANT_FOLDING
from symgraph.rules.fold_affine import FOLD_AFFINE
from symgraph.rules.inference import to_inference
from symgraph.rules.merging import merge_equal_nodes
from symgraph.rules.sizes import normalize_sizes
from symgraph.rules.stability import STABILITY

_SIMPLER = (*ALGEBRA, *ARRANGEMENTS, *CONSTANT_FOLDING)

CANONICALIZE = Stage("canonicalize", (*_SIMPLER, normalize_sizes, merge_equal_nodes))
STABILIZE = Stage("stability", STABILITY)
BATCH_NORMALIZATION = Stage("batch_norm", (*BATCH_NORM, *CONSTANT_FOLDING))
AFFINE = Stage("fold_affine", (*FOLD_AFFINE, *CONSTANT_FOLDING))
SIMPLIFY = Stage("simplify", (*_SIMPLER, merge_equal_nodes))

DEFAULT = (CANONICALIZE, STABILIZE, BATCH_NORMALIZATION, AFFINE, SIMPLIFY)

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
    "REAL_ALGEBRA",
    "SIMPLIFY",
    "STABILITY",
    "STABILIZE",
    "merge_equal_nodes",
    "normalize_sizes",
    "to_inference",
]
