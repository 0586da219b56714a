"""What can go wrong when a function is made or called."""

from __future__ import annotations

from symgraph.graph import GraphError, SymgraphError


class ArgumentError(SymgraphError, ValueError):
    """A call with a wrong number of arguments, a wrong rank, shape or value."""


class ArgumentTypeError(SymgraphError, TypeError):
    """A call with an argument of a wrong dtype or kind, or of an unknown name."""


class UnusedInputError(GraphError):
    """An input that no output and no update depends on."""


class UnusedInputWarning(UserWarning):
    """The same, where ``on_unused_input="warn"`` asked for a warning."""


class NativeCodeWarning(UserWarning):
    """No C compiler was found: the NumPy reference runs instead of native code."""


class DebugError(SymgraphError, AssertionError):
    """``mode="debug"`` found two values that should agree and do not."""
