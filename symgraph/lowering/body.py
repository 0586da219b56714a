"""The statements of one loop body, each subexpression computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from codegen import ir
from codegen.sizes import Size


class Body:
    """Collects ``Let`` statements; equal work asked for twice is done once.

    With ``inline`` nothing is bound to a name: expressions come back whole, as an
    epilogue needs them.
    """

    def __init__(self, prefix: str = "t", inline: bool = False) -> None:
        self.statements: list[ir.Statement] = []
        self._prefix = prefix
        self._inline = inline
        self._known: dict[Hashable, ir.Expression] = {}

    def let(self, expression: ir.Expression) -> ir.Expression:
        """A name for ``expression`` (itself when it is already a name or number)."""
        if self._inline or isinstance(expression, (ir.Local, ir.Literal, ir.SizeValue)):
            return expression
        local = ir.Local(f"{self._prefix}{len(self.statements)}", expression.dtype)
        self.statements.append(ir.Let(local.name, expression))
        return local

    def once(
        self, key: Hashable, compute: Callable[[], ir.Expression]
    ) -> ir.Expression:
        """``compute()`` bound to a name, the first time ``key`` is seen."""
        if key not in self._known:
            self._known[key] = self.let(compute())
        return self._known[key]

    def load(self, buffer: ir.Buffer, position: Size) -> ir.Expression:
        """``buffer[position]``, read once."""
        return self.once((buffer.name, position), lambda: ir.Load(buffer, position))

    def known(self, key: Hashable, expression: ir.Expression) -> None:
        """Make ``once(key)`` answer ``expression``."""
        self._known[key] = expression

    def store(self, buffer: ir.Buffer, position: Size, value: ir.Expression) -> None:
        """Append ``buffer[position] = value``."""
        self.statements.append(ir.Store(buffer, position, value))


def call(function: str, dtype: str, *arguments: ir.Expression) -> ir.Call:
    """A scalar function applied to expressions."""
    return ir.Call(function, arguments, dtype)


def number(value: float, dtype: str) -> ir.Literal:
    """A literal of ``dtype``."""
    return ir.Literal(value, dtype)
