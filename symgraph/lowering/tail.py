"""What follows a kernel: the chain of pointwise ops that becomes its epilogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from codegen import ir
from codegen.sizes import symbol
from symgraph.graph import Apply, Variable
from symgraph.lowering.body import Body
from symgraph.lowering.values import Index, Split, Stored

Chain: TypeAlias = Callable[[Sequence[Index], ir.Expression, Body], ir.Expression]


@dataclass(frozen=True)
class Pooled:
    """The pooling ``node`` of what ``before`` makes of a kernel's results."""

    node: Apply
    before: Chain | None

    def epilogue(self, index: Sequence[Index], dtype: str) -> ir.Epilogue | None:
        """``before`` as an epilogue of the kernel IR."""
        if self.before is None:
            return None
        value = self.before(index, ir.Result(dtype), Body(inline=True))
        return ir.Epilogue(value)


@dataclass(frozen=True)
class Tail:
    """Where a kernel's results go, and what happens to them first.

    ``apply(index, result, body)`` is the value to store at ``index`` where the kernel
    computed ``result``; ``is_identity`` says that it is ``result`` itself. ``more`` are
    places for values that are made on the way, which are stored too. ``sums`` takes
    statistics of the output, which a kernel may make on the way.
    """

    output: Variable
    apply: Chain
    is_identity: bool
    label: str
    pooled: Pooled | None = None
    more: tuple[tuple[Stored, Chain], ...] = ()
    sums: Apply | None = None

    def epilogue(self, index: Sequence[Index], dtype: str) -> ir.Epilogue | None:
        """The chain as an epilogue of the kernel IR, at the kernel's own symbols.

        Kernels on blocks make zeros of the lanes after the last channel themselves.
        """
        if self.is_identity:
            return None
        body = Body(inline=True)
        value = self.apply(index, ir.Result(dtype), body)
        also = tuple(
            ir.Store(
                place.buffer,
                place.position(index),
                chain(index, ir.Result(dtype), body),
            )
            for place, chain in self.more
        )
        return ir.Epilogue(value, also)


def image_index(block: int) -> tuple[Index, ...]:
    """The index of an element of blocked images in an epilogue's own symbols."""
    channel = Split(symbol("block"), symbol("lane"), block)
    return (symbol("n"), channel, symbol("y"), symbol("x"))
