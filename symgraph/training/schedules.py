"""Learning rates against time.

A schedule is a function of time, in any unit: ``fit`` counts epochs (and parts of
them), an optimizer called directly counts steps. It is an expression, so that one
compiled step serves all of training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi
from typing import TypeAlias

from symgraph.graph import GraphError, Variable
from symgraph.ops.comparison import greater_equal
from symgraph.ops.extrema import minimum
from symgraph.ops.rounding import floor
from symgraph.ops.selection import switch
from symgraph.ops.trigonometric import cos
from symgraph.training.ranges import check_ranges

Schedule: TypeAlias = Callable[[Variable], Variable]


@dataclass(frozen=True)
class Constant:
    """rate."""

    rate: float

    def __post_init__(self) -> None:
        check_ranges("Constant", rate=self.rate)

    def __call__(self, time: Variable) -> Variable:
        return self.rate + 0.0 * time


@dataclass(frozen=True)
class Exponential:
    """rate decay^(time / period); ``staircase``: with whole periods only."""

    rate: float
    decay: float
    period: float = 1.0
    staircase: bool = False

    def __post_init__(self) -> None:
        numbers = {"rate": self.rate, "decay": self.decay, "period": self.period}
        check_ranges("Exponential", **numbers)

    def __call__(self, time: Variable) -> Variable:
        periods = time / self.period
        return self.rate * self.decay ** (floor(periods) if self.staircase else periods)


@dataclass(frozen=True)
class Piecewise:
    """rates[k] where k of the ``boundaries`` lie at or before time."""

    rates: Sequence[float]
    boundaries: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.rates) != len(self.boundaries) + 1:
            raise GraphError(
                f"Piecewise: {len(self.boundaries)} boundaries part "
                f"{len(self.boundaries) + 1} rates, got {len(self.rates)}"
            )
        for rate in self.rates:
            check_ranges("Piecewise", rate=rate)

    def __call__(self, time: Variable) -> Variable:
        rate = self.rates[0] + 0.0 * time
        for boundary, later in zip(self.boundaries, self.rates[1:], strict=True):
            rate = switch(greater_equal(time, boundary), later, rate)
        return rate


@dataclass(frozen=True)
class InverseTime:
    """rate / (1 + decay time)."""

    rate: float
    decay: float

    def __post_init__(self) -> None:
        check_ranges("InverseTime", rate=self.rate, decay=self.decay)

    def __call__(self, time: Variable) -> Variable:
        return self.rate / (1.0 + self.decay * time)


@dataclass(frozen=True)
class Cosine:
    """last + (rate - last) (1 + cos(pi time / length)) / 2, then last.

    Loshchilov & Hutter 2017, eq. 5.
    """

    rate: float
    length: float
    last: float = 0.0

    def __post_init__(self) -> None:
        numbers = {"rate": self.rate, "length": self.length, "last": self.last}
        check_ranges("Cosine", **numbers)

    def __call__(self, time: Variable) -> Variable:
        progress = minimum(time / self.length, 1.0)
        return self.last + 0.5 * (self.rate - self.last) * (1.0 + cos(pi * progress))


@dataclass(frozen=True)
class Warmup:
    """Another schedule, times time / length until ``length`` has passed.

    ``first`` is the part of the rate that is used at time 0.
    """

    schedule: Schedule
    length: float
    first: float = 0.0

    def __post_init__(self) -> None:
        check_ranges("Warmup", length=self.length, first=self.first)

    def __call__(self, time: Variable) -> Variable:
        part = self.first + (1.0 - self.first) * minimum(time / self.length, 1.0)
        return self.schedule(time) * part
