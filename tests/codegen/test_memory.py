"""The arena: no two things that live at once overlap, and little is wasted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codegen import sizes
from codegen.emission import Emission, Phase
from codegen.ir import Buffer, Role
from codegen.memory import ALIGNMENT, THREADS, Slot, plan, slots

n = sizes.symbol("n")


def overlapping(one, other, offsets, lengths):
    live = one.first <= other.last and other.first <= one.last
    a, b = offsets[one.name], offsets[other.name]
    return live and a < b + lengths[other.name] and b < a + lengths[one.name]


@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, 20), st.integers(0, 6)),
        max_size=30,
    )
)
def test_slots_that_live_together_do_not_overlap(drawn):
    found = [
        Slot(f"s{place}", length, first, first + more)
        for place, (length, first, more) in enumerate(drawn)
    ]
    result = plan(found, {})
    lengths = {slot.name: slot.bytes for slot in found}
    offsets = {s.name: o for s, o in zip(found, result.offsets, strict=True)}
    assert all(offset % ALIGNMENT == 0 for offset in result.offsets)
    for place, slot in enumerate(found):
        assert offsets[slot.name] + lengths[slot.name] <= result.total
        for other in found[:place]:
            assert not overlapping(slot, other, offsets, lengths)


def test_a_chain_needs_two_slots():
    chain = [Slot(f"s{k}", n * 4, k, k + 1) for k in range(9)]
    assert plan(chain, {"n": 1024}).total == 2 * 4096


def test_sizes_decide_at_the_call():
    found = [Slot("a", n * 4, 0, 1), Slot("b", n * n, 1, 2)]
    assert plan(found, {"n": 16}).total == 64 + 256
    assert plan(found, {"n": 0}).total == 0


def emission(*buffers, shared=0, scratch=0):
    phase = Phase((), buffers, 1, scratch)
    return Emission((phase,), shared)


def test_temporaries_live_from_first_to_last_use():
    a, b = Buffer("a", "float32", (n,)), Buffer("b", "float64", (3, 5))
    given_by_caller = Buffer("x", "float32", (n,), Role.ARGUMENT)
    found = slots([emission(a, given_by_caller), emission(b), emission(a, b)])
    assert found == (Slot("a", n * 4, 0, 2), Slot("b", 120, 1, 2))


def test_shared_memory_and_scratch_live_in_their_kernel():
    found = slots([emission(), emission(shared=100, scratch=n * 4)])
    shared, scratch = found
    assert (shared.bytes, shared.first, shared.last) == (100, 1, 1)
    values = {"n": 20, THREADS: 3}
    assert sizes.evaluate(scratch.bytes, values) == 3 * 128
    assert plan(found, values).total == 128 + 384
