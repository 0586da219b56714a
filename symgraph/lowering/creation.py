"""Arrays made of nothing but their shape."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import ir
from codegen.reductions import cast
from symgraph.graph import Apply
from symgraph.lowering.body import Body
from symgraph.lowering.builder import Builder
from symgraph.lowering.values import Index, flat


def arange(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """The index itself."""
    return cast(ir.SizeValue(flat(index[0])), node.outputs[0].dtype)
