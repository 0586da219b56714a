"""Which back end runs a function: native code, the reference, or both."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from codegen.build import build, reload
from codegen.errors import ToolchainError
from codegen.setting import prepare, setting_of
from symgraph.compile.agreement import Agreement
from symgraph.compile.compilation import Compilation
from symgraph.compile.debug import DebugBackend
from symgraph.compile.errors import NativeCodeWarning
from symgraph.compile.fingerprint import fingerprint
from symgraph.compile.mode import Mode
from symgraph.compile.native import NativeBackend
from symgraph.compile.profile import Clock
from symgraph.compile.recipe import keep, recall, recipe_of
from symgraph.compile.reference import ReferenceBackend
from symgraph.compile.state import Arrays, Snapshot
from symgraph.graph import SharedVariable


class Backend(Protocol):
    """What computes a graph's outputs from its inputs and shared variables."""

    shared: tuple[SharedVariable, ...]

    def __call__(
        self, arrays: Arrays, snapshot: Snapshot, reusable: Sequence[Any] = ()
    ) -> Arrays:
        """The outputs, in fresh arrays or, the last of them, in ``reusable`` ones."""


def build_backend(
    compilation: Compilation, profile: bool
) -> tuple[Backend, NativeBackend | None, Mode]:
    """The back end for the mode, the native code in it, and the mode it came to be.

    Where there is no C compiler the reference runs instead, and a warning says once
    how to get native code.
    """
    specification, mode = compilation.specification, compilation.mode
    agreement = Agreement(specification.name, specification.graph)
    if mode.backend == "numpy":
        return ReferenceBackend(compilation.graph, agreement), None, mode
    try:
        native = _native(compilation, agreement, profile)
    except ToolchainError as error:
        _Fallback.warn(error)
        native = None
    if mode.backend == "debug":
        source = ReferenceBackend(specification.graph, agreement)
        return DebugBackend(source, compilation, native), native, mode
    if native is None:
        reference = ReferenceBackend(compilation.graph, agreement)
        return reference, None, replace(mode, backend="numpy")
    return native, native, mode


def _native(
    compilation: Compilation, agreement: Agreement, profile: bool
) -> NativeBackend:
    specification, mode = compilation.specification, compilation.mode
    graph, varying = specification.graph, specification.updates
    name, setting = None, setting_of()
    if mode.backend == "c" and not profile:  # else the programs are needed anyway
        name = fingerprint(graph, varying, mode.stages, setting.conditions)
    recipe = recall(name, graph) if name is not None else None
    module = reload(recipe.key, recipe.interfaces) if recipe else None
    if recipe is None or module is None:
        from symgraph.lowering.linalg import foreseen

        prepare(setting, foreseen(graph))  # while the graph is lowered
        lowered = compilation.lowered
        module = build(lowered.programs, lowered.target)
        recipe = recipe_of(lowered, module)
        if name is not None:
            keep(name, recipe, graph)
    native = NativeBackend(
        specification.name, graph, recipe, module, agreement, varying
    )
    if profile:
        native.clock = Clock(compilation.lowered.program, native.main)
    return native


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
