"""Random words: each block of Philox is computed once, in any order.

word i = block(i div w)[i mod w], w the words (pairs of words for 64 bits) of a block
"""

from __future__ import annotations

from codegen import ir
from codegen.schedule import elementwise
from codegen.sizes import Size, floordiv, mod, product
from symgraph.graph import Apply
from symgraph.lowering.body import Body, call, number
from symgraph.lowering.builder import Builder

_BITS = {"uint32": 32, "uint64": 64}
_BLOCK = 128  # bits


def lower_random_bits(builder: Builder, node: Apply) -> None:
    """A sweep over the whole blocks, and one over what is used of the last."""
    target = builder.allocate(node.outputs[0])
    total = product(target.shape)
    each = _BLOCK // _BITS[target.dtype]
    whole, rest = floordiv(total, each), mod(total, each)

    def stores(block: Size, word: Size, body: Body) -> None:
        value = _word(builder, node, block, word, body)
        body.store(target.buffer, block * each + word, value)

    def all_of_one(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        body = Body()
        for word in range(each):
            stores(indices[0], word, body)
        return tuple(body.statements)

    def part_of_the_last(indices: tuple[Size, ...]) -> tuple[ir.Statement, ...]:
        body = Body()
        stores(whole, indices[0], body)
        return tuple(body.statements)

    if whole != 0:
        builder.emit(elementwise((whole,), all_of_one))
    if rest != 0:
        builder.emit(elementwise((rest,), part_of_the_last), "the last words")


def _word(
    builder: Builder, node: Apply, block: Size, word: Size, body: Body
) -> ir.Expression:
    """A word of 32 bits, or one of 64: the low half and the high half beside it."""
    dtype = node.outputs[0].dtype
    if dtype == "uint32":
        return _half(builder, node, block, word, body)
    low = call("cast", dtype, _half(builder, node, block, word * 2, body))
    high = call("cast", dtype, _half(builder, node, block, word * 2 + 1, body))
    shifted = call("left_shift", dtype, high, number(32, dtype))
    return body.let(call("bitwise_or", dtype, low, shifted))


def _half(
    builder: Builder, node: Apply, block: Size, word: Size, body: Body
) -> ir.Expression:
    """32 bits of a block: counter (block, stream, calls), key from the state.

    The C compiler sees that the words of one block share all of its rounds.
    """
    state = builder.contiguous(node.inputs[0])
    key, calls = state.at((0,), body), state.at((1,), body)
    low = call("cast", "uint64", ir.SizeValue(block + (node.op.stream << 32)))
    which = call("cast", "uint32", ir.SizeValue(word))
    return body.let(call("philox4x32", "uint32", key, calls, low, which))
