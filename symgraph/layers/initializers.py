"""Where parameters start: values drawn from a seeded generator, or given.

An initializer is called with the shape of a parameter, its ``Fans`` (how many inputs
feed one output, and how many outputs one input feeds) and a ``Draws``, and returns an
array of float64. Every class states the distribution it draws from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[Any]


class Fans(NamedTuple):
    """How many inputs feed one output, and how many outputs one input feeds."""

    inputs: int
    outputs: int


class Draws:
    """Random numbers that depend on a seed and a path of names, and nothing else.

    Only the generator's raw bits are used: NumPy promises that those, unlike its
    distributions, stay the same from version to version.
    """

    def __init__(self, seed: int, path: Sequence[str]) -> None:
        key = [seed, *".".join(path).encode()]
        self._bits = np.random.Philox(np.random.SeedSequence(key))

    def integer(self) -> int:
        """One integer in [0, 2^63)."""
        return int(self._bits.random_raw()) >> 1

    def uniform(self, shape: tuple[int, ...]) -> Array:
        """Uniform in (0, 1): the middle of one of 2^53 equal intervals."""
        raw = self._bits.random_raw(prod(shape)) >> np.uint64(11)
        return ((raw.astype(np.float64) + 0.5) * 2.0**-53).reshape(shape)

    def normal(self, shape: tuple[int, ...]) -> Array:
        """Standard normal: Box and Muller (1958), one number of each pair."""
        radius = np.sqrt(-2.0 * np.log(self.uniform(shape)))
        return radius * np.cos(2.0 * np.pi * self.uniform(shape))


Initializer: TypeAlias = Callable[[tuple[int, ...], Fans, Draws], Array]


@dataclass(frozen=True)
class Constant:
    """Every element is ``value``."""

    value: float

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        return np.full(shape, self.value, dtype=np.float64)


@dataclass(frozen=True)
class Uniform:
    """U(low, high)."""

    low: float
    high: float

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        return self.low + (self.high - self.low) * draws.uniform(shape)


@dataclass(frozen=True)
class Normal:
    """N(mean, deviation^2)."""

    deviation: float
    mean: float = 0.0

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        return self.mean + self.deviation * draws.normal(shape)


@dataclass(frozen=True)
class GlorotUniform:
    """U(-a, a), a = gain sqrt(6 / (inputs + outputs)). Glorot & Bengio 2010, eq. 16."""

    gain: float = 1.0

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        bound = self.gain * sqrt(6.0 / (fans.inputs + fans.outputs))
        return bound * (2.0 * draws.uniform(shape) - 1.0)


@dataclass(frozen=True)
class GlorotNormal:
    """N(0, 2 gain^2 / (inputs + outputs)). Glorot & Bengio 2010, eq. 12."""

    gain: float = 1.0

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        deviation = self.gain * sqrt(2.0 / (fans.inputs + fans.outputs))
        return deviation * draws.normal(shape)


@dataclass(frozen=True)
class HeUniform:
    """U(-a, a), a = gain sqrt(3 / inputs). He et al. 2015; gain sqrt(2) for relu."""

    gain: float = sqrt(2.0)

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        bound = self.gain * sqrt(3.0 / fans.inputs)
        return bound * (2.0 * draws.uniform(shape) - 1.0)


@dataclass(frozen=True)
class HeNormal:
    """N(0, gain^2 / inputs). He et al. 2015, eq. 10; gain sqrt(2) for relu."""

    gain: float = sqrt(2.0)

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        return self.gain / sqrt(fans.inputs) * draws.normal(shape)


@dataclass(frozen=True)
class Orthogonal:
    """gain Q, with orthonormal rows or columns, whichever are fewer. Saxe et al. 2014.

    A tensor of rank above 2 is the matrix of its first dimension by all the others.
    """

    gain: float = 1.0

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        rows, columns = shape[0], prod(shape[1:])
        tall = draws.normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        q = q * np.sign(np.diag(r))  # makes the factorization, and the draw, unique
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


@dataclass(frozen=True)
class Blocks:
    """``count`` equal blocks of columns, each drawn by ``initializer`` on its own."""

    initializer: Initializer
    count: int

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        block = (*shape[:-1], shape[-1] // self.count)
        parts = [self.initializer(block, fans, draws) for _ in range(self.count)]
        return np.concatenate(parts, axis=-1)


@dataclass(frozen=True)
class Raised:
    """What ``initializer`` gives, equal blocks of it raised by the numbers ``by``."""

    initializer: Initializer
    by: tuple[float, ...]

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        rise = np.repeat(self.by, shape[-1] // len(self.by))
        return np.asarray(self.initializer(shape, fans, draws)) + rise


@dataclass(frozen=True, eq=False)
class Values:
    """The values themselves, checked to have the parameter's shape."""

    values: ArrayLike

    def __call__(self, shape: tuple[int, ...], fans: Fans, draws: Draws) -> Array:
        array = np.asarray(self.values)
        if array.shape != shape:
            raise ValueError(f"expected initial values {shape}, got {array.shape}")
        return array


ZEROS = Constant(0.0)
ONES = Constant(1.0)
HE_UNIFORM = HeUniform()
