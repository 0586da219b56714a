"""The errors of symgraph: each says who, what was expected, what came."""

from __future__ import annotations


class SymgraphError(Exception):
    """The base of every error that symgraph raises on purpose."""


class GraphError(SymgraphError, ValueError):
    """A graph that cannot be built: wrong rank, shape, value or argument."""


class TypeMismatch(GraphError, TypeError):
    """A graph that cannot be built because a dtype or a kind of object is wrong."""


class MissingValue(SymgraphError, RuntimeError):
    """A shared variable is read before it has a value, such as unlearned statistics."""
