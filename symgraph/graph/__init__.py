"""The graph itself: types, variables, applications, ops as an interface, graphs.

Imports nothing of the project. Read ``types.py``, then ``variable.py`` and ``op.py``
(what a graph is made of), then ``graph.py`` and ``traversal.py`` (how one is walked
and rebuilt). Graphs are values: nothing here changes one in place.
"""

from symgraph.graph.config import ConfigError, config
from symgraph.graph.dtypes import (
    DTYPES,
    KINDS,
    dtype_name,
    is_bool,
    is_float,
    is_integer,
    promote,
    result_dtype,
)
from symgraph.graph.errors import GraphError, MissingValue, SymgraphError, TypeMismatch
from symgraph.graph.evaluate import evaluate
from symgraph.graph.graph import Graph
from symgraph.graph.op import Apply, Op, argument_lines
from symgraph.graph.printing import debugprint, describe
from symgraph.graph.sites import Site, current_site, inherit_site, scope
from symgraph.graph.traversal import (
    ancestors,
    applies_between,
    clients_of,
    clone_with,
    leaves_of,
    toposort,
)
from symgraph.graph.types import TensorType
from symgraph.graph.variable import Constant, SharedVariable, Variable, constant
from symgraph.graph.weak import is_weak, weak_dtype, weak_type

__all__ = [
    "DTYPES",
    "KINDS",
    "Apply",
    "ConfigError",
    "Constant",
    "Graph",
    "GraphError",
    "MissingValue",
    "Op",
    "SharedVariable",
    "Site",
    "SymgraphError",
    "TensorType",
    "TypeMismatch",
    "Variable",
    "ancestors",
    "applies_between",
    "argument_lines",
    "clients_of",
    "clone_with",
    "config",
    "constant",
    "current_site",
    "debugprint",
    "describe",
    "dtype_name",
    "evaluate",
    "inherit_site",
    "is_bool",
    "is_float",
    "is_integer",
    "is_weak",
    "leaves_of",
    "promote",
    "result_dtype",
    "scope",
    "toposort",
    "weak_dtype",
    "weak_type",
]
