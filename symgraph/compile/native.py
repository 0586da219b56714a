"""A lowered graph as machine code, called with arrays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import repeat
from operator import is_not
from typing import Any

import numpy as np

from codegen.build import Module
from codegen.runtime import Failed
from codegen.sizes import Size, evaluate
from symgraph.compile.agreement import Agreement
from symgraph.compile.profile import Clock
from symgraph.compile.recipe import Recipe
from symgraph.compile.state import Arrays, Snapshot
from symgraph.graph import Graph, SharedVariable, Variable
from symgraph.graph.config import config

_empty = np.empty
_PLANS_KEPT = 256  # combinations of run-time sizes whose shapes are remembered


class NativeBackend:
    """Runs the main program, and the prologue when what it depends on has changed."""

    def __init__(
        self,
        name: str,
        graph: Graph,
        recipe: Recipe,
        module: Module,
        agreement: Agreement,
        varying: Collection[SharedVariable] = (),
    ) -> None:
        programs = [module[interface.name] for interface in recipe.interfaces]
        self.name = name
        self.graph = graph
        self.recipe = recipe
        self.module = module
        self.agreement = agreement
        self.shared = recipe.shared
        self.main = programs[0]
        self.prologue = programs[1] if len(programs) > 1 else None
        self.clock: Clock | None = None
        self._names = self.main.interface.sizes
        self._dtypes = [np.dtype(v.dtype) for v in graph.outputs]
        unsteady = [i for i, v in enumerate(graph.outputs) if None in v.type.shape]
        self._unsteady = unsteady[-1] if unsteady else -1  # outputs after it fit always
        self._plans: dict[tuple[int, ...], list[tuple[tuple[int, ...], Any]]] = {}
        self.fixed = [i for i, v in enumerate(self.shared) if v not in varying]
        self._kept: tuple[object, Arrays] = (None, [])
        self.threads = config.threads

    def __call__(
        self, arrays: Arrays, snapshot: Snapshot, reusable: Sequence[Any] = ()
    ) -> Arrays:
        """The outputs; the last of them in ``reusable`` memory where that fits."""
        given = [*arrays, *snapshot.arrays] if snapshot.arrays else arrays
        sizes = self.sizes(given)
        results = self._results(sizes, reusable)
        if self.prologue is not None:
            given = given + self.invariants(given, snapshot.versions, sizes)
        run = self.main.run if self.clock is None else self.clock.run
        code = run(given + results, sizes, self.threads)
        if code:
            raise self.error(code)
        return results

    def output_shapes(self, sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The outputs' shapes for these sizes; raises where the sizes do not agree."""
        self.agreement.check(*self._known(sizes))
        values = self.values(sizes)
        for need in self.recipe.requirements:
            left, right = (evaluate(s, values) for s in (need.left, need.right))
            if left != right:
                raise self.error(need.code, f"{left} and {right}")
        return [shape_at(shape, values) for shape in self.recipe.output_shapes]

    def _known(
        self, sizes: tuple[int, ...]
    ) -> tuple[dict[Variable, tuple[Any, ...]], dict[Variable, int]]:
        """The shapes of the inputs and shared variables, and the scalars' values."""
        arguments = (*self.graph.inputs, *self.shared)
        shapes = {v: list(v.type.shape) for v in arguments}
        values = {}
        for size, (place, axis) in zip(sizes, self.recipe.sizes, strict=True):
            if axis is None:
                values[arguments[place]] = size
            else:
                shapes[arguments[place]][axis] = size
        return {v: tuple(shape) for v, shape in shapes.items()}, values

    def values(self, sizes: tuple[int, ...]) -> dict[str, int]:
        """What each run-time size is called in the programs, and its value."""
        return dict(zip(self._names, sizes, strict=True))

    def sizes(self, given: Arrays) -> tuple[int, ...]:
        """The run-time sizes, read off the inputs and shared variables."""
        return tuple(
            [
                int(given[place]) if axis is None else given[place].shape[axis]
                for place, axis in self.recipe.sizes
            ]
        )

    def planned(self, sizes: tuple[int, ...]) -> list[tuple[tuple[int, ...], Any]]:
        """Shape and dtype of each output for these sizes, checked to agree."""
        plan = self._plans.get(sizes)
        if plan is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans = {}
            shapes = self.output_shapes(sizes)
            plan = self._plans[sizes] = list(zip(shapes, self._dtypes, strict=True))
        return plan

    def _results(self, key: tuple[int, ...], reusable: Sequence[Any]) -> Arrays:
        plan = self.planned(key)
        if not reusable:
            return [_empty(shape, dtype) for shape, dtype in plan]
        first = len(plan) - len(reusable)
        results = [_empty(shape, dtype) for shape, dtype in plan[:first]]
        if self._unsteady < first and all(map(is_not, reusable, repeat(None))):
            return results + list(reusable)
        return results + [
            spare
            if spare is not None and spare.shape == shape
            else _empty(shape, dtype)
            for spare, (shape, dtype) in zip(reusable, plan[first:], strict=True)
        ]

    def invariants(
        self, given: Arrays, versions: tuple[int, ...], key: tuple[int, ...]
    ) -> Arrays:
        """What the prologue computes, kept until a shared variable changes."""
        if len(self.fixed) < len(versions):
            versions = tuple([versions[place] for place in self.fixed])
        kept, arrays = self._kept
        if kept == versions:
            return arrays
        values = self.values(key)
        arrays = [
            np.empty(shape_at(shape, values), dtype)
            for dtype, shape in self.recipe.invariants
        ]
        code = self.prologue.run([*given, *arrays], key, self.threads)  # type: ignore[union-attr]
        if code:
            raise self.error(code)
        self._kept = versions, arrays
        return arrays

    def error(self, code: int, came: str = "") -> Exception:
        """The exception behind a code that is not 0."""
        found = code.found if isinstance(code, Failed) else ()
        error = self.recipe.failures[code].error(found)
        if came:
            error.add_note(f"  got {came}")
        error.add_note(f"  in the compiled function {self.name}")
        return error


def shape_at(shape: Sequence[Size], values: dict[str, int]) -> tuple[int, ...]:
    """A shape where every run-time size has a value."""
    return tuple(evaluate(dim, values) for dim in shape)
