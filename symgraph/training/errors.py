"""What can go wrong while a network learns."""

from __future__ import annotations

from symgraph.graph import SymgraphError


class DataError(SymgraphError, ValueError):
    """Data that cannot be learned from: empty, of a wrong shape, not finite."""


class LearningError(SymgraphError, RuntimeError):
    """A statistic that cannot be learned, or that was not."""


class Diverged(SymgraphError, ArithmeticError):
    """The loss is no longer a finite number."""
