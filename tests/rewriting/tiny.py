"""A language of a few ops, for testing the engine without the real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symgraph.graph import (
    Constant,
    Graph,
    GraphError,
    Op,
    SharedVariable,
    TensorType,
    Variable,
    leaves_of,
)


@dataclass(frozen=True)
class Plus(Op):
    def infer_type(self, x, y):
        return _same(x, y)

    def reference(self, x, y):
        return x + y


@dataclass(frozen=True)
class Times(Op):
    def infer_type(self, x, y):
        return _same(x, y)

    def reference(self, x, y):
        return x * y


@dataclass(frozen=True)
class Minus(Op):
    def infer_type(self, x):
        return x

    def reference(self, x):
        return -x


@dataclass(frozen=True)
class Power(Op):
    exponent: int = 2

    def infer_type(self, x):
        return x

    def reference(self, x):
        return x**self.exponent


@dataclass(frozen=True)
class Spread(Op):
    """A scalar repeated."""

    length: int

    def infer_type(self, x):
        return x.with_shape((self.length,))

    def reference(self, x):
        return np.repeat(x, self.length)


@dataclass(frozen=True)
class Halves(Op):
    """The two halves of a vector."""

    def infer_type(self, x):
        half = x.with_shape((x.shape[0] // 2,))
        return half, half

    def reference(self, x):
        return tuple(np.split(x, 2))


@dataclass(frozen=True)
class Forget(Op):
    """Loses what was known of a shape."""

    def infer_type(self, x):
        return x.with_shape([None] * x.ndim)

    def reference(self, x):
        return x


def _same(x, y):
    if x != y:
        raise GraphError(f"tiny: {x} and {y} differ")
    return x


def vector(name: str, length: int = 3) -> Variable:
    return Variable(TensorType("float64", (length,)), name=name)


def graph_of(*outputs: Variable) -> Graph:
    """The graph of its outputs' free leaves."""
    leaves = leaves_of(outputs)
    free = [v for v in leaves if not isinstance(v, (Constant, SharedVariable))]
    return Graph(free, outputs)
