"""Loops: what nobody reads is dropped, what is read twice is given once."""

from __future__ import annotations

from symgraph.graph import Variable, clone_with
from symgraph.rules.scan_tools import Draft, scan_pass


@scan_pass("exact")
def drop_unread(node, used):
    """scan  ->  the same without the states, outputs and inputs that nothing reads"""
    draft = Draft.of(node)
    finals = dict(zip(draft.states, node.outputs, strict=False))
    stacks = node.outputs[len(finals) :]
    kept = [y in used for y in stacks]
    unique: dict[Variable, int] = {}
    for y, keep in zip(draft.stacked, kept, strict=True):
        if keep:
            unique.setdefault(y, len(unique))
    live = _live_states(draft, {s for s, v in finals.items() if v in used}, unique)
    ends = [*(draft.new[s] for s in live), *unique]
    read = set(_leaves(draft, ends))
    same = _first_of_equals(draft, read)
    counts = (len(unique), len(live), len(set(same.values())))
    inputs = len(draft.sequences) + len(draft.constants)
    if counts == (len(stacks), len(finals), inputs):
        return None
    merged = {v: kept_one for v, kept_one in same.items() if v is not kept_one}
    ends = clone_with(ends, merged) if merged else ends
    stacked = list(unique)
    draft.states = {s: draft.states[s] for s in live}
    draft.new = dict(zip(live, ends, strict=False))
    draft.stacked = ends[len(live) :]
    draft.sequences = _only(draft.sequences, same)
    draft.constants = _only(draft.constants, same)
    made = draft.applied()
    new = [made.finals.get(s) for s in finals]
    places = {y: made.stacks[i] for i, y in enumerate(stacked)}
    return [*new, *(places.get(y) for y in node.op.stacked)]


def _live_states(draft, wanted, stacked):
    """The states that are read after the loop, or by something that is."""
    live = [s for s in draft.states if s in wanted]
    while True:
        ends = [*stacked, *(draft.new[s] for s in live)]
        read = _leaves(draft, ends)
        more = [s for s in draft.states if s in live or s in read]
        if len(more) == len(live):
            return more
        live = more


def _leaves(draft, ends):
    """The body's inputs that ``ends`` are computed from."""
    inputs = {*draft.sequences, *draft.states, *draft.constants}
    if not ends:
        return set()
    reached = set(ends)
    for one in reversed(draft.nodes):
        if not reached.isdisjoint(one.outputs):
            reached.update(one.inputs)
    return reached & inputs


def _first_of_equals(draft, read):
    """For each input that is read, the first one that is given the same."""
    same = {}
    for part in (draft.sequences, draft.constants):
        first = {}
        for inner, outer in part.items():
            if inner in read:
                same[inner] = first.setdefault(outer, inner)
    kept = set(same.values())
    return {v: one for v, one in same.items() if one in kept}


def _only(part, same):
    return {v: outer for v, outer in part.items() if same.get(v) is v}
