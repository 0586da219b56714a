"""``function``, and the ``Function`` that it makes: something that can be called."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property, partial
from typing import Any, NoReturn

from codegen.roofline import roofline
from symgraph.compile.arguments import Arguments
from symgraph.compile.backend import Backend, build_backend
from symgraph.compile.compilation import Compilation
from symgraph.compile.inputs import In, bind
from symgraph.compile.memory import Memory, memory_of
from symgraph.compile.mode import Mode, as_mode
from symgraph.compile.native import NativeBackend
from symgraph.compile.pipeline import c_source
from symgraph.compile.profile import Profile
from symgraph.compile.quick import quick_way
from symgraph.compile.specification import Specification, specify
from symgraph.compile.state import State
from symgraph.compile.updates import Pairs
from symgraph.graph import Apply, Graph, GraphError, SharedVariable, Variable
from symgraph.rewriting import GraphPass, History, Rule, explain
from symgraph.rewriting.explain import Explanation


def function(
    inputs: Sequence[Variable | In],
    outputs: Any = None,
    updates: Pairs = None,
    givens: Pairs = None,
    mode: Mode | str | None = None,
    *,
    name: str | None = None,
    profile: bool = False,
    on_unused_input: str = "raise",
    no_default_updates: bool | Collection[SharedVariable] = False,
    allow_input_downcast: bool = False,
) -> Function:
    """A callable that computes ``outputs`` from ``inputs``.

    ``outputs`` is a variable, a list, tuple or dict of variables, or None; a call
    gives fresh arrays back in the same structure. ``updates`` are pairs (shared
    variable, new value): all new values are computed from the old ones and replace
    them together after the outputs are known. A shared variable's ``default_update``
    applies unless ``updates`` has another or ``no_default_updates`` names it.
    ``givens`` are pairs (variable, what stands for it in this function).

    An input that nothing depends on is an error unless ``on_unused_input`` is "warn"
    or "ignore". With ``allow_input_downcast`` arrays of a wider dtype are cast to the
    input's. With ``profile`` every call is timed, kernel by kernel, for
    ``fn.profile()``.
    """
    specification = specify(
        inputs,
        outputs,
        updates,
        givens,
        name=name or "function",
        no_default_updates=no_default_updates,
        on_unused_input=on_unused_input,
    )
    return Function(specification, as_mode(mode), profile, allow_input_downcast)


class Function:
    """A compiled function; safe to call from several threads at once.

    ``graph`` is what runs, ``source_graph`` what was asked for, and ``history`` the
    rewrites between the two, all made when first asked for where the native code is
    on disk already. Outputs come first in both graphs, then the new values
    of ``updates``. ``mode.backend`` is "numpy" where there is no C compiler.
    """

    def __init__(
        self,
        specification: Specification,
        mode: Mode,
        profile: bool = False,
        downcast: bool = False,
    ) -> None:
        self.name = specification.name
        self.outputs: tuple[Variable, ...] = specification.outputs.variables
        self.updates = specification.updates
        self.source_graph = specification.graph
        self._compilation = Compilation(specification, mode)
        self._backend: Backend
        self._native: NativeBackend | None
        self._backend, self._native, self.mode = build_backend(
            self._compilation, profile
        )
        self._arguments = Arguments(self.name, specification.inputs, downcast)
        self.inputs = self._arguments.with_defaults()
        self._state = State(self.name, self._backend.shared, self.updates)
        alone = self._native if self._backend is self._native else None
        self._quick = quick_way(alone, self._state)
        self._pack = specification.outputs.pack

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs for these arguments, in the structure that was asked for."""
        quick = self._quick
        if quick is not None and not kwargs:
            results = quick.call(*args)
            if results is not None:
                return self._pack(results)
        if kwargs or len(args) != len(self.inputs):
            arrays = self._arguments(bind(self.name, self.inputs, args, kwargs))
        else:
            arrays = self._arguments(args)
        results, snapshot = self._state.run(partial(self._backend, arrays))
        if quick is not None:
            quick.learn(args, arrays, snapshot)
        return self._pack(results)

    @property
    def graph(self) -> Graph:
        """What runs: the source graph after the rewrites of ``history``."""
        return self._compilation.graph

    @property
    def history(self) -> History:
        """Every rewrite that fired: rule, theorem, before, after, where."""
        return self._compilation.history

    @cached_property
    def c_source(self) -> str:
        """The C that runs; what would run, where the back end is another."""
        text = self._native.module.c_source if self._native is not None else None
        return text or c_source(self._compilation.lowered)

    def explain(
        self, rule: Rule | GraphPass | str, node: Apply | Variable
    ) -> Explanation:
        """Why ``rule`` fired, or did not, at a node of the source or final graph."""
        chosen = self.mode.rule(rule) if isinstance(rule, str) else rule
        return explain(chosen, node, self.graph, self.history, self.source_graph)

    def profile(self) -> Profile:
        """Where the time of all calls so far went; needs ``function(profile=True)``.

        The machine's peak and bandwidth are measured the first time, in half a second.
        """
        native = self._native
        clock = native.clock if native is not None else None
        if native is None or clock is None:
            raise GraphError(
                f"{self.name}.profile: nothing was timed; make native code with "
                "function(..., profile=True)"
            )
        stages = {**self._compilation.seconds, **native.module.seconds}
        return clock.profile(self.name, roofline(native.threads), stages)

    def memory(self, **shapes: Any) -> Memory:
        """The bytes of a call, known before it; unknown shapes by the inputs' names."""
        if self._native is None:
            raise GraphError(f"{self.name}.memory: only native code has a memory plan")
        updates = tuple(self.updates)
        return memory_of(self._native, self._compilation, self.inputs, updates, shapes)

    def __repr__(self) -> str:
        taken = ", ".join(map(repr, self.inputs))
        given = ", ".join(str(variable.type) for variable in self.outputs)
        updates = f", {len(self.updates)} updates" if self.updates else ""
        return f"<{self.name}({taken}) -> ({given}){updates}, {self.mode.backend}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self.name}: a compiled function cannot be pickled or copied; save the "
            "values of its shared variables and make it again"
        )
