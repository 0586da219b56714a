"""Whether a convolution had better pool its own results, or store them all.

Against the pass over memory that is saved stand the rows that two bands compute, and
tiles that fit bands less well than whole images.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codegen.convolution import forward, winograd
from codegen.convolution.geometry import Correlation
from codegen.convolution.plan import plan
from codegen.ir import Convolution, Image
from codegen.target import Target

NEAR_BYTES = 1 << 20  # of results that are still in a cache when they are pooled
FAR, NEAR = 2.5, 24.0  # bytes a cycle to memory and back, and to that cache
EQUAL = 1.02  # costs that differ by less are equal, and pooling takes less memory


def pools_faster(
    step: Convolution, whole: Image, target: Target, quick: bool, ready: bool
) -> bool:
    """Whether ``step`` had better pool its results than store the ``whole`` image.

    ``quick`` says that Winograd's filtering may be used, and ``ready`` that the
    transform of the filters is no part of the cost.
    """
    c = forward.correlation_of(step, target)
    if not c.banded or c.empty:
        return True
    alone = replace(step, y=whole, pool=None, before=None, places=None)
    unpooled = forward.correlation_of(alone, target)
    ours, theirs = (_cost(one, target, quick, ready) for one in (c, unpooled))
    return ours <= EQUAL * theirs + _passing(unpooled)


def _cost(c: Correlation, target: Target, quick: bool, ready: bool) -> float:
    """Rough cycles of one sample the quickest way; infinite where no band fits."""
    chosen = plan(c, target)
    fits = chosen.held is None or chosen.held.fits(c, chosen.tiling.vectors)
    direct = chosen.cost if fits else np.inf
    costs = winograd.costs_of(c, direct, target, ready) if quick else {0: direct}
    return min(costs.values())


def _passing(c: Correlation) -> float:
    """Rough cycles in which the results of one sample are stored, and read again."""
    each = c.rows.lengths[0] * c.columns.lengths[0] * c.result.channels * c.item
    batch = c.source.batch if isinstance(c.source.batch, int) else 1
    return each / (NEAR if each * batch <= NEAR_BYTES else FAR)
