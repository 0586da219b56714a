"""What follows a kernel: the chain of pointwise ops that becomes its epilogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from codegen import ir
from symgraph.graph import Variable
from symgraph.lowering.body import Body
from symgraph.lowering.builder import masked
from symgraph.lowering.values import Index, Stored


@dataclass(frozen=True)
class Tail:
    """Where a kernel's results go, and what happens to them first.

    ``apply(index, result, body)`` has the values to store at ``index`` where the kernel
    computed ``result``: that of ``output``, and of each variable in ``more``;
    ``is_identity`` says that it is ``result`` itself. With ``pool``, results are the
    largest of 2 by 2.
    """

    output: Variable
    apply: Callable[
        [Sequence[Index], ir.Expression, Body], Mapping[Variable, ir.Expression]
    ]
    is_identity: bool
    label: str
    pool: bool = False
    more: Mapping[Variable, Stored] = field(default_factory=dict)

    def epilogue(
        self, index: Sequence[Index], dtype: str, target: Stored
    ) -> ir.Epilogue | None:
        """The chain as an epilogue of the kernel IR, at the kernel's own symbols."""
        if self.is_identity:
            return None
        values = self.apply(index, ir.Result(dtype), Body(inline=True))
        also = tuple(
            ir.Store(place.buffer, place.position(index), values[variable])
            for variable, place in self.more.items()
        )
        return ir.Epilogue(masked(values[self.output], target, index), also)
