"""Loops: what need not be in one is moved out; two that run alike become one.

What is the same in each step is computed once, before the loop. A product of what
comes from a sequence by a matrix that stays is one product of the whole sequence;
a sum of products over the steps is one product after the loop. These are passes, for
the reason that ``scan_tools`` gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symgraph.graph import (
    Apply,
    Constant,
    Graph,
    Variable,
    clone_with,
    inherit_site,
)
from symgraph.ops.scan import Scan
from symgraph.ops.scan_body import Body
from symgraph.ops.shape import BroadcastTo, Dim
from symgraph.ops.subtensor import At, Range, Subtensor
from symgraph.rewriting import GraphPass, graph_pass
from symgraph.rules.scan_products import SCAN_PRODUCTS
from symgraph.rules.scan_reads import drop_unread
from symgraph.rules.scan_tools import Draft, is_used, scan_pass


@graph_pass("exact")
def merge_scans(graph: Graph) -> Mapping[Variable, Variable]:
    """scan(body, x) and scan(body', x) with the same states  ->  one scan of both

    A gradient's forward scan, which stacks more than the one it belongs to, is so
    computed once.
    """
    found: dict[Variable, Variable] = {}
    groups: dict[object, list[Apply]] = {}
    for node in graph.find(Scan):
        groups.setdefault(_loop_key(node), []).append(node)
    for nodes in groups.values():
        if len(nodes) > 1:
            found.update(_merged(nodes))
    return {old: new for old, new in found.items() if is_used(graph, old)}


def _loop_key(node: Apply) -> object:
    """Equal for scans whose states take the same values."""
    op, graph = node.op, node.op.body.graph
    loop = Body(Graph(graph.inputs, op.new_states))
    kinds = (op.sequences, op.states, op.length, op.reverse)
    return loop, kinds, node.inputs


def _merged(nodes: Sequence[Apply]) -> dict[Variable, Variable]:
    first = nodes[0]
    inputs, states = first.op.body.graph.inputs, first.op.states
    ends = list(first.op.body.outputs)
    places = []
    for node in nodes:
        mine = node.op.body.applied(inputs)[states:]
        places.append(range(len(ends), len(ends) + len(mine)))
        ends += mine
    with inherit_site(first.site):
        found = first.op.with_body(inputs, ends)(*first.inputs)
    replaced: dict[Variable, Variable] = {}
    for node, place in zip(nodes, places, strict=True):
        replaced.update(zip(node.outputs[:states], found[:states], strict=True))
        stacks = (found[i] for i in place)
        replaced.update(zip(node.outputs[states:], stacks, strict=True))
    return replaced


@scan_pass("exact")
def hoist_invariants(node, used):
    """f(c) inside, c the same in each step  ->  f(c) before the loop

    So are the sizes of what the body is given. What is merely repeated stays inside,
    where it costs nothing and rules about constants see it.
    """
    draft = Draft.of(node)
    outer = _outside(draft)
    inside = [n for n in draft.nodes if n.outputs[0] not in outer or _is_repeat(n)]
    read = {v for one in inside for v in one.inputs} | set(draft.outputs)
    needed = [v for v in outer if v in read and not _is_repeat(v.owner)]
    if not needed:
        return None
    inner = {v: Variable(v.type, name=v.name) for v in needed}
    draft.constants |= {inner[v]: outer[v] for v in needed}
    ends = clone_with(draft.outputs, inner)
    draft.new = dict(zip(draft.new, ends, strict=False))
    draft.stacked = ends[len(draft.new) :]
    return draft.applied().outputs


def _outside(draft):
    """What is the same in each step, and the same computed before the loop."""
    outer = {}
    for one in draft.nodes:
        if _is_size_of_input(draft, one):
            outer[one.outputs[0]] = _outer_size(draft, one)
        elif one.inputs and all(
            v in outer or v in draft.constants or isinstance(v, Constant)
            for v in one.inputs
        ):
            given = [outer.get(v, draft.constants.get(v, v)) for v in one.inputs]
            with inherit_site(one.site):
                moved = Apply(one.op, given).outputs
            outer.update(zip(one.outputs, moved, strict=True))
    return outer


def _is_repeat(one):
    return isinstance(one.op, BroadcastTo)


def _is_size_of_input(draft, one):
    inputs = (draft.sequences, draft.states, draft.constants)
    return isinstance(one.op, Dim) and any(one.inputs[0] in part for part in inputs)


def _outer_size(draft, one):
    (v,), axis = one.inputs, one.op.axis
    if v in draft.sequences:
        return Dim(axis + 1)(draft.sequences[v])
    return Dim(axis)(draft.states.get(v, draft.constants.get(v)))


@graph_pass("exact")
def keep_last_only(graph: Graph) -> Mapping[Variable, Variable]:
    """the stack of s' at the last step  ->  the state s after the loop

    Of a loop of no steps this is the value before the first one, where the stack has
    no last element at all.
    """
    found = {}
    for n in graph.find(Subtensor):
        (x, *scalars), (entry, *rest) = n.inputs, n.op.index
        scan = x.owner
        if scan is None or x in graph.inputs or not isinstance(scan.op, Scan):
            continue
        place = x.index - scan.op.states
        if place < 0 or not _is_last(scan.op, entry):
            continue
        if not _are_whole(x, rest, scalars):
            continue
        y = scan.op.stacked[place]
        if y in scan.op.new_states:
            state = scan.outputs[scan.op.new_states.index(y)]
            if n.outputs[0].type.accepts(state.type):
                found[n.outputs[0]] = state
    return found


def _is_last(op, entry):
    if not isinstance(entry, At) or op.length == 0:
        return False
    if op.reverse:
        return entry.position == 0
    return entry.position == -1 or entry.position == (op.length or 0) - 1


def _are_whole(x, rest, scalars):
    """Whether all of each dimension but the first is read.

    A size that is not known must be asked of x itself.
    """
    unknown = iter(scalars)
    for axis, entry in enumerate(rest, start=1):
        if not isinstance(entry, Range) or (entry.start, entry.step) != (0, 1):
            return False
        if entry.size is None:
            size = next(unknown).owner
            if size is None or size.op != Dim(axis) or size.inputs[0] is not x:
                return False
        elif entry.size != x.type.shape[axis]:
            return False
    return True


@scan_pass("exact")
def read_sequence_itself(node, used):
    """stack of x_t  ->  x"""
    draft = Draft.of(node)
    stacks = node.outputs[len(draft.states) :]
    found = [
        x
        if (x := draft.sequences.get(y)) is not None and old.type.accepts(x.type)
        else None
        for y, old in zip(draft.stacked, stacks, strict=True)
    ]
    return [*[None] * len(draft.states), *found]


SCANS: tuple[GraphPass, ...] = (
    hoist_invariants,
    keep_last_only,
    *SCAN_PRODUCTS,
    read_sequence_itself,
    drop_unread,
)
