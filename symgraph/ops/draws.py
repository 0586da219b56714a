"""Draws: arrays of random numbers as a function of a state.

Every bit is fixed by ``philox.py``; what differs between a draw and another of the
same program is a static number, its ``stream``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from symgraph.graph import GraphError, Op, TensorType, TypeMismatch
from symgraph.ops.arguments import fill_sizes
from symgraph.ops.cast import cast
from symgraph.ops.checks import expect_sizes
from symgraph.ops.logical import right_shift
from symgraph.ops.philox import random_words

STATE = TensorType("uint64", (2,))


@dataclass(frozen=True)
class RandomDraw(Op):
    """What the draws share: dtype, shape, and the number of the draw.

    Inputs the state uint64[2] and one int64 scalar for each None of ``shape``.
    """

    dtype: str
    shape: tuple[int | None, ...]
    stream: int

    def infer_type(self, state, *sizes):
        """``dtype`` and ``shape``."""
        self._check_dtype()
        if not STATE.accepts(state):
            raise TypeMismatch(f"random: a state must be {STATE}, got {state}")
        if not 0 <= self.stream < 1 << 32:
            raise GraphError(f"random: stream must fit 32 bits, got {self.stream}")
        expect_sizes("random", sizes, self.shape.count(None))
        return TensorType(self.dtype, self.shape)

    def infer_shape(self, shapes, values):
        """``shape``, its unknown dimensions from the values of the sizes."""
        return fill_sizes(self.shape, values[1:])

    def vjp(self, inputs, outputs, cotangents):
        """Nothing: a draw is a constant of the state."""
        return [None] * len(inputs)

    def _bits(self, state: Any, sizes: Sequence[Any], width: int) -> Any:
        """Random words of ``width`` bits, in the shape of the draw."""
        shape = tuple(int(n) for n in self.infer_shape((), (state, *sizes)))
        if width == 32:
            return random_words(state, self.stream, prod(shape)).reshape(shape)
        words = random_words(state, self.stream, 2 * prod(shape)).astype(np.uint64)
        return (words[0::2] | words[1::2] << np.uint64(32)).reshape(shape)

    def _check_dtype(self) -> None:
        raise NotImplementedError(f"{type(self).__name__}._check_dtype")


class RandomBits(RandomDraw):
    """Uniformly random words, uint32 or uint64, by Philox4x32-10."""

    def reference(self, state, *sizes):
        """The words themselves."""
        return self._bits(state, sizes, 32 if self.dtype == "uint32" else 64)

    def _check_dtype(self) -> None:
        if self.dtype not in ("uint32", "uint64"):
            raise TypeMismatch(
                f"random bits: dtype must be uint32 or uint64, got {self.dtype}"
            )


class RandomUniform(RandomDraw):
    """Uniform in [0, 1): float32 from 24 bits / 2^24, float64 from 53 bits / 2^53.

    The bits are the high ones of one 32-bit, or one 64-bit word an element.
    """

    def reference(self, state, *sizes):
        """The high bits of each word, as a fraction."""
        if self.dtype == "float32":
            bits = self._bits(state, sizes, 32) >> np.uint32(8)
            return bits.astype(np.float32) * np.float32(2.0**-24)
        bits = self._bits(state, sizes, 64) >> np.uint64(11)
        return bits.astype(np.float64) * 2.0**-53

    def expand(self, state, *sizes):
        """The same from ``RandomBits``."""
        words, drop, scale = {
            "float32": ("uint32", 8, 2.0**-24),
            "float64": ("uint64", 11, 2.0**-53),
        }[self.dtype]
        bits = RandomBits(words, self.shape, self.stream)(state, *sizes)
        return cast(right_shift(bits, drop), self.dtype) * scale

    def _check_dtype(self) -> None:
        if self.dtype not in ("float32", "float64"):
            raise TypeMismatch(
                f"random uniform: dtype must be float32 or float64, got {self.dtype}"
            )
