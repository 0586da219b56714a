"""Which back end runs a function: native code, the reference, or both."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from codegen.errors import ToolchainError
from symgraph.compile.agreement import Agreement
from symgraph.compile.debug import DebugBackend
from symgraph.compile.errors import NativeCodeWarning
from symgraph.compile.mode import Mode
from symgraph.compile.native import NativeBackend
from symgraph.compile.pipeline import lower_graph
from symgraph.compile.reference import ReferenceBackend
from symgraph.compile.specification import Specification
from symgraph.compile.state import Arrays, Snapshot
from symgraph.graph import Graph, SharedVariable
from symgraph.rewriting import History


class Backend(Protocol):
    """What computes a graph's outputs from its inputs and shared variables."""

    shared: tuple[SharedVariable, ...]

    def __call__(
        self, arrays: Arrays, snapshot: Snapshot, reusable: Sequence[Any] = ()
    ) -> Arrays:
        """The outputs, in fresh arrays or, the last of them, in ``reusable`` ones."""


def build_backend(
    specification: Specification,
    graph: Graph,
    history: History,
    mode: Mode,
    profile: bool,
) -> tuple[Backend, NativeBackend | None, Mode]:
    """The back end for ``mode``, the native code in it, and the mode it came to be.

    Where there is no C compiler the reference runs instead, and a warning says once
    how to get native code.
    """
    agreement = Agreement(specification.name, specification.graph)
    if mode.backend == "numpy":
        return ReferenceBackend(graph, agreement), None, mode
    native = _native(specification, graph, agreement, profile)
    if mode.backend == "debug":
        source = ReferenceBackend(specification.graph, agreement)
        return DebugBackend(source, history, native), native, mode
    if native is None:
        reference = ReferenceBackend(graph, agreement)
        return reference, None, replace(mode, backend="numpy")
    return native, native, mode


def _native(
    specification: Specification, graph: Graph, agreement: Agreement, profile: bool
) -> NativeBackend | None:
    name, varying = specification.name, specification.updates
    lowered = lower_graph(graph, varying)
    try:
        return NativeBackend(name, lowered, agreement, varying, profile)
    except ToolchainError as error:
        _Fallback.warn(error)
        return None


class _Fallback:
    """The one warning of a program that there is no native code."""

    warned = False

    @classmethod
    def warn(cls, error: ToolchainError) -> None:
        """Say it, unless it was said."""
        if not cls.warned:
            cls.warned = True
            warnings.warn(
                f"{error}; until then NumPy computes, correctly but slowly",
                NativeCodeWarning,
                stacklevel=2,
            )
