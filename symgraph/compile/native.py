"""A lowered graph as machine code, called with arrays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from codegen import build
from codegen.sizes import Size, evaluate
from symgraph.compile.agreement import Agreement
from symgraph.compile.profile import Clock
from symgraph.compile.state import Arrays, Snapshot
from symgraph.graph import SharedVariable, Variable
from symgraph.graph.config import config
from symgraph.lowering.lower import Lowered

_empty = np.empty
_PLANS_KEPT = 256  # combinations of run-time sizes whose shapes are remembered


class NativeBackend:
    """Runs the main program, and the prologue when what it depends on has changed."""

    def __init__(
        self,
        name: str,
        lowered: Lowered,
        agreement: Agreement,
        varying: Collection[SharedVariable] = (),
        profile: bool = False,
    ) -> None:
        programs = [lowered.program]
        if lowered.prologue is not None:
            programs.append(lowered.prologue)
        self.name = name
        self.lowered = lowered
        self.agreement = agreement
        self.shared = lowered.shared
        self.module = build.build(programs)
        self.main = self.module[lowered.program.name]
        self.prologue = self.module[programs[1].name] if len(programs) > 1 else None
        self.clock = Clock(lowered.program, self.main) if profile else None
        self._dtypes = [np.dtype(v.dtype) for v in lowered.graph.outputs]
        self._plans: dict[tuple[int, ...], list[tuple[tuple[int, ...], Any]]] = {}
        self._fixed = [i for i, v in enumerate(lowered.shared) if v not in varying]
        self._kept: tuple[object, Arrays] = (None, [])
        self._threads = config.threads

    def __call__(
        self, arrays: Arrays, snapshot: Snapshot, reusable: Sequence[Any] = ()
    ) -> Arrays:
        """The outputs; the last of them in ``reusable`` memory where that fits."""
        given = [*arrays, *snapshot.arrays] if snapshot.arrays else arrays
        sizes = self.sizes(given)
        results = self._results(sizes, reusable)
        if self.prologue is not None:
            given = given + self._invariants(given, snapshot.versions, sizes)
        run = self.main.run if self.clock is None else self.clock.run
        code = run(given + results, sizes, self._threads)
        if code:
            raise self._error(code)
        return results

    def output_shapes(self, sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The outputs' shapes for these sizes; raises where the sizes do not agree."""
        self.agreement.check(*self._known(sizes))
        program = self.lowered.program
        values = dict(zip(program.sizes, sizes, strict=True))
        for need in program.requirements:
            left, right = (evaluate(s, values) for s in (need.left, need.right))
            if left != right:
                raise self._error(need.code, f"{left} and {right}")
        return [shape_at(shape, values) for shape in self.lowered.output_shapes]

    def _known(
        self, sizes: tuple[int, ...]
    ) -> tuple[dict[Variable, tuple[Any, ...]], dict[Variable, int]]:
        """The shapes of the inputs and shared variables, and the scalars' values."""
        arguments = (*self.lowered.graph.inputs, *self.shared)
        shapes = {v: list(v.type.shape) for v in arguments}
        values = {}
        for size, (place, axis) in zip(sizes, self.lowered.sizes, strict=True):
            if axis is None:
                values[arguments[place]] = size
            else:
                shapes[arguments[place]][axis] = size
        return {v: tuple(shape) for v, shape in shapes.items()}, values

    def sizes(self, given: Arrays) -> tuple[int, ...]:
        """The run-time sizes, read off the inputs and shared variables."""
        return tuple(
            [
                int(given[place]) if axis is None else given[place].shape[axis]
                for place, axis in self.lowered.sizes
            ]
        )

    def _results(self, key: tuple[int, ...], reusable: Sequence[Any]) -> Arrays:
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans = {}
            shapes = self.output_shapes(key)
            plan = self._plans[key] = list(zip(shapes, self._dtypes, strict=True))
        if not reusable:
            return [_empty(shape, dtype) for shape, dtype in plan]
        first = len(plan) - len(reusable)
        results = [_empty(shape, dtype) for shape, dtype in plan[:first]]
        for spare, (shape, dtype) in zip(reusable, plan[first:], strict=True):
            fits = spare is not None and spare.shape == shape
            results.append(spare if fits else _empty(shape, dtype))
        return results

    def _invariants(
        self, given: Arrays, versions: tuple[int, ...], key: tuple[int, ...]
    ) -> Arrays:
        """What the prologue computes, kept until a shared variable changes."""
        if len(self._fixed) < len(versions):
            versions = tuple([versions[place] for place in self._fixed])
        kept, arrays = self._kept
        if kept == versions:
            return arrays
        values = dict(zip(self.lowered.program.sizes, key, strict=True))
        arrays = [
            np.empty(shape_at(buffer.shape, values), buffer.dtype)
            for buffer in self.lowered.invariants
        ]
        code = self.prologue.run([*given, *arrays], key, self._threads)  # type: ignore[union-attr]
        if code:
            raise self._error(code)
        self._kept = versions, arrays
        return arrays

    def _error(self, code: int, came: str = "") -> Exception:
        error = self.lowered.failures[code].error()
        if came:
            error.add_note(f"  got {came}")
        error.add_note(f"  in the compiled function {self.name}")
        return error


def shape_at(shape: Sequence[Size], values: dict[str, int]) -> tuple[int, ...]:
    """A shape where every run-time size has a value."""
    return tuple(evaluate(dim, values) for dim in shape)
