"""``function``: from a graph to something that can be called.

Rewrites (``rules``), lowers (``lowering``), builds (``codegen``) and calls; holds the
shared state around a call. Imports every room below it. Read ``function.py`` first,
then ``specification.py`` (what was asked for), ``state.py`` (updates that happen
together or not at all) and ``native.py`` (one call of machine code).
"""

from symgraph.compile.errors import (
    ArgumentError,
    ArgumentTypeError,
    DebugError,
    NativeCodeWarning,
    UnusedInputError,
    UnusedInputWarning,
)
from symgraph.compile.function import Function, function
from symgraph.compile.inputs import In
from symgraph.compile.memory import Memory
from symgraph.compile.mode import Mode
from symgraph.compile.pipeline import Stations, compile_pipeline
from symgraph.compile.profile import Profile
from symgraph.compile.shared import shared

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "DebugError",
    "Function",
    "In",
    "Memory",
    "Mode",
    "NativeCodeWarning",
    "Profile",
    "Stations",
    "UnusedInputError",
    "UnusedInputWarning",
    "compile_pipeline",
    "function",
    "shared",
]
