"""Patterns: expressions with holes, of the same form as the graphs they match.

    x, filters, scale, shift = wildcards("x filters scale shift")
    conv = node(Conv2D, dilation=(1, 1))(x, filters)
    node(Affine, axes=(0, 2, 3))(conv.once(), scale, shift)

A ``Wildcard`` matches any variable and gives it a name; where a name stands twice
both must be the same variable. ``node(SomeOp)`` matches an application of that op;
static fields that are not mentioned are free, and a wildcard in the place of a field
binds its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from symgraph.graph import Apply, Constant, GraphError, Op, Variable


class Pattern:
    """What a variable must look like."""

    __slots__ = ()

    def variants(self) -> Iterator[Pattern]:
        """The ordered patterns this one stands for (two where an op commutes)."""
        yield self


@dataclass(frozen=True, eq=False)
class Wildcard(Pattern):
    """Any variable that ``test`` accepts, to be known as ``name``."""

    name: str
    test: Callable[[Variable], bool] | None = None
    meaning: str = "anything"

    def where(self, test: Callable[[Variable], bool], meaning: str) -> Wildcard:
        """This wildcard restricted; ``meaning`` says to what, for explanations."""
        return replace(self, test=test, meaning=meaning)

    def __str__(self) -> str:
        return self.name if self.test is None else f"{self.name} ({self.meaning})"


def wildcards(names: str) -> tuple[Wildcard, ...]:
    """One wildcard for each name.

    >>> [str(w) for w in wildcards("x gamma beta")]
    ['x', 'gamma', 'beta']
    """
    return tuple(Wildcard(name) for name in names.split())


@dataclass(frozen=True, eq=False)
class Filled(Pattern):
    """A constant all of whose elements are ``value``, however it was spread out.

    ``through`` lists the ops that only repeat or rearrange their first input's
    elements, so that a broadcast one is still a one.
    """

    value: float
    through: tuple[type[Op], ...] = ()

    def holds_for(self, variable: Variable) -> bool:
        """Whether ``variable`` is such a constant."""
        while variable.owner is not None and isinstance(
            variable.owner.op, self.through
        ):
            variable = variable.owner.inputs[0]
        if not isinstance(variable, Constant) or variable.data.size == 0:
            return False
        # The first element rules out most large constants at once.
        data = variable.data
        return bool(data.flat[0] == self.value and np.all(data == self.value))

    def __str__(self) -> str:
        return f"{self.value:g}"


@dataclass(frozen=True, eq=False)
class NodePattern(Pattern):
    """An application of one of ``ops`` to inputs that match ``inputs`` in turn.

    With ``more`` any further inputs may follow. The pattern matches the application's
    output number ``index``; ``single_use`` asks that nothing else uses that output,
    and ``test`` what else must hold of the application.
    """

    ops: tuple[type[Op], ...]
    static: Mapping[str, object]
    inputs: tuple[Pattern, ...]
    more: bool = False
    label: str | None = None
    index: int = 0
    single_use: bool = False
    commutes: bool = False
    test: Callable[[Apply], bool] | None = None
    meaning: str = ""

    def named(self, name: str) -> NodePattern:
        """The same, the ``Apply`` matched being given to the rule as ``name``."""
        return replace(self, label=name)

    def where(self, test: Callable[[Apply], bool], meaning: str) -> NodePattern:
        """The same, for applications that pass a test; ``meaning`` says which."""
        return replace(self, test=test, meaning=meaning)

    def once(self) -> NodePattern:
        """The same, but the rule declines when the output has other users."""
        return replace(self, single_use=True)

    def output(self, index: int) -> NodePattern:
        """The same, for output number ``index`` of an op that has several."""
        return replace(self, index=index)

    def variants(self) -> Iterator[NodePattern]:
        for inputs in product(*(pattern.variants() for pattern in self.inputs)):
            yield replace(self, inputs=inputs, commutes=False)
            if self.commutes:
                yield replace(self, inputs=inputs[::-1], commutes=False)

    def __str__(self) -> str:
        static = ", ".join(f"{key}={value}" for key, value in self.static.items())
        name = " or ".join(op.__name__ for op in self.ops)
        head = f"{name}[{static}]" if static else name
        inputs = [*(str(p) for p in self.inputs), *(["..."] if self.more else [])]
        meaning = f" ({self.meaning})" if self.meaning else ""
        return f"{head}({', '.join(inputs)}){meaning}"


@dataclass(frozen=True)
class _Head:
    """An op with its static fields, waiting for its inputs."""

    ops: tuple[type[Op], ...]
    static: Mapping[str, object]
    commutes: bool

    def __call__(self, *inputs: Pattern | Any) -> NodePattern:
        more = bool(inputs) and inputs[-1] is ...
        inputs = inputs[:-1] if more else inputs
        for pattern in inputs:
            if not isinstance(pattern, Pattern):
                raise GraphError(f"node: expected patterns as inputs, got {pattern!r}")
        if self.commutes and len(inputs) != 2:
            raise GraphError(
                f"commutative: expected 2 inputs, got {len(inputs)} for {self.ops}"
            )
        return NodePattern(self.ops, self.static, inputs, more, commutes=self.commutes)


def node(*ops: type[Op], **static: object) -> _Head:
    """``node(SomeOp, field=value)(pattern, ...)``: an application of ``SomeOp``.

    A static field may be a value, to be equal to, or a wildcard, to be bound. Several
    classes mean any of them; subclasses are included; ``...`` as the last input means
    any further inputs.
    """
    for op in ops:
        known = {f.name for f in fields(op)} if is_dataclass(op) else set[str]()
        unknown = sorted(set(static) - known)
        if unknown:
            raise GraphError(
                f"node: {op.__name__} has the fields {sorted(known)}, not {unknown}"
            )
    return _Head(ops, static, commutes=False)


def commutative(*ops: type[Op], **static: object) -> _Head:
    """As ``node``, for an op of two inputs that match in either order."""
    return replace(node(*ops, **static), commutes=True)
