"""Random words: each element computes its own block of Philox, in any order."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import ir
from codegen.sizes import Size, floordiv, mod
from symgraph.graph import Apply
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder
from symgraph.lowering.values import Index, linear_index


def random_bits(
    builder: Builder, node: Apply, index: Sequence[Index], body: Body
) -> ir.Expression:
    """Word i mod 4 of block i div 4 for 32 bits; two words of it for 64."""
    place = linear_index(index, builder.shape(node.outputs[0]))
    dtype = node.outputs[0].dtype
    if dtype == "uint32":
        return _word(builder, node, floordiv(place, 4), mod(place, 4), body)
    block, first = floordiv(place, 2), mod(place, 2) * 2
    low = call("cast", dtype, _word(builder, node, block, first, body))
    high = call("cast", dtype, _word(builder, node, block, first + 1, body))
    shifted = call("left_shift", dtype, high, number(32, dtype))
    return body.let(call("bitwise_or", dtype, low, shifted))


def _word(
    builder: Builder, node: Apply, block: Size, word: Size, body: Body
) -> ir.Expression:
    """One word of a block: counter (block, stream, calls), key from the state."""
    state = builder.contiguous(node.inputs[0])
    key, calls = state.at((0,), body), state.at((1,), body)
    low = call("cast", "uint64", ir.SizeValue(block + (node.op.stream << 32)))
    which = call("cast", "uint32", ir.SizeValue(word))
    return body.let(call("philox4x32", "uint32", key, calls, low, which))
