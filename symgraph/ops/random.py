"""Random numbers as a function of an explicit state.

A ``RandomStream`` owns a state, the shared variable uint64[2] of (key, calls). Each
draw in a graph has its own static number; each call of a compiled function adds one to
``calls``, through the state's ``default_update``. With ``philox.py`` this fixes every
bit: the same seed gives the same numbers on every machine, thread count and back end.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

import numpy as np

from symgraph.graph import (
    GraphError,
    SharedVariable,
    TypeMismatch,
    Variable,
    config,
    constant,
    dtype_name,
    is_integer,
)
from symgraph.ops.arguments import as_size, split_sizes
from symgraph.ops.arithmetic import add
from symgraph.ops.cast import cast
from symgraph.ops.comparison import lt
from symgraph.ops.draws import STATE, RandomBits, RandomDraw, RandomUniform
from symgraph.ops.exponential import log1p, sqrt
from symgraph.ops.logical import bitwise_and, right_shift
from symgraph.ops.sorting import argsort
from symgraph.ops.trigonometric import cos

SizeLike = int | Variable
ShapeLike = SizeLike | Sequence[SizeLike]
Number = float | Variable


class RandomStream:
    """Independent draws that change from call to call, from one seed.

    >>> stream = RandomStream(seed=1)
    >>> stream.uniform((2, 3)).type.shape
    (2, 3)

    The seed is an int in [0, 2^64). Two streams of one seed give the same draws.
    """

    def __init__(self, seed: int, name: str = "random_state") -> None:
        self.state = SharedVariable(_state_of(seed), name, STATE)
        step = constant(np.array([0, 1], np.uint64))
        self.state.default_update = add(self.state, step)
        self.draws = 0

    def seed(self, seed: int) -> None:
        """Start again from a seed, as if no call had been made."""
        self.state.set_value(_state_of(seed))

    def bits(self, shape: ShapeLike = (), dtype: str = "uint32") -> Variable:
        """Uniformly random words of ``shape``, uint32 or uint64."""
        return self._draw(RandomBits, dtype, shape)

    def uniform(
        self,
        shape: ShapeLike = (),
        low: Number = 0.0,
        high: Number = 1.0,
        dtype: str | None = None,
    ) -> Variable:
        """low + (high - low) u with u uniform in [0, 1).

        u has 24 random bits in float32, 53 in float64; rounding can reach ``high``.
        """
        unit = self._draw(RandomUniform, dtype or config.floatX, shape)
        if _is(low, 0.0) and _is(high, 1.0):
            return unit
        return low + (high - low) * unit

    def normal(
        self,
        shape: ShapeLike = (),
        mean: Number = 0.0,
        std: Number = 1.0,
        dtype: str | None = None,
    ) -> Variable:
        """mean + std sqrt(-2 log(1 - u)) cos(2 pi v), u and v uniform in [0, 1).

        Box & Muller (1958). In float32 |z| is at most sqrt(48 log 2) = 5.77.
        """
        radius = self.uniform(shape, dtype=dtype)
        angle = self.uniform(shape, dtype=dtype)
        z = sqrt(-2.0 * log1p(-radius)) * cos((2.0 * pi) * angle)
        return z if _is(mean, 0.0) and _is(std, 1.0) else mean + std * z

    def bernoulli(
        self, shape: ShapeLike = (), p: Number = 0.5, dtype: str = "bool"
    ) -> Variable:
        """One with probability ``p`` (to 2^-24), else zero."""
        hit = lt(self._draw(RandomUniform, "float32", shape), p)
        return hit if dtype == "bool" else cast(hit, dtype)

    def integers(
        self,
        low: int,
        high: int | None = None,
        shape: ShapeLike = (),
        dtype: str = "int64",
    ) -> Variable:
        """Integers uniform in [low, high), or in [0, low) without ``high``.

        Of 64 random bits w each is low + floor(w (high - low) / 2^64), so that no
        value is favoured by more than (high - low) / 2^64. The range is at most 2^32.
        """
        low, high = (0, low) if high is None else (low, high)
        dtype = dtype_name("integers", dtype)
        span = _check_range(low, high, dtype)
        words = self.bits(shape, "uint64")
        upper = right_shift(words, 32) * _word(span)
        lower = right_shift(bitwise_and(words, _word(0xFFFFFFFF)) * _word(span), 32)
        offset = cast(right_shift(upper + lower, 32), "int64")
        return cast(offset + constant(np.int64(low)), dtype)

    def permutation(self, count: SizeLike) -> Variable:
        """The numbers 0..count-1 in a random order, int64[count].

        The order that sorts 64-bit random keys: each of the count! orders is equally
        likely but for ties, of probability below count^2 / 2^65.
        """
        return argsort(self.bits((count,), "uint64"))

    def _draw(self, draw: type[RandomDraw], dtype: str, shape: ShapeLike) -> Variable:
        """A draw of this stream, under the next static number."""
        given = [shape] if isinstance(shape, (int, Variable)) else shape
        sizes = [as_size("random", size) for size in given]
        static, symbolic = split_sizes(sizes)
        number, self.draws = self.draws, self.draws + 1
        name = dtype_name("random", dtype)
        result: Variable = draw(name, static, number)(self.state, *symbolic)
        return result


def _state_of(seed: int) -> Any:
    integer = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not integer or not 0 <= seed < 1 << 64:
        raise GraphError(f"RandomStream: seed must be in [0, 2^64), got {seed!r}")
    return np.array([seed, 0], np.uint64)


def _check_range(low: int, high: int, dtype: str) -> int:
    """The number of values, where the range is not empty and fits the dtype."""
    if not is_integer(dtype):
        raise TypeMismatch(f"integers: dtype must be an integer one, got {dtype}")
    if not 0 < high - low <= 1 << 32:
        raise GraphError(
            f"integers: expected 1 to 2^32 values, got the range [{low}, {high})"
        )
    info = np.iinfo(dtype)
    if low < info.min or high - 1 > min(info.max, np.iinfo("int64").max):
        raise GraphError(f"integers: [{low}, {high}) does not fit {dtype}")
    return high - low


def _word(value: int) -> Variable:
    return constant(np.uint64(value))


def _is(number: Number, value: float) -> bool:
    return not isinstance(number, Variable) and number == value
