"""Products that leave a loop: one large product for many small ones.

Stacks of T matrices of B rows are matrices of T B rows, so that

    x_t W for each t        =  (x W) at t
    sum over t of a_t' b_t  =  a' b        a, b with the rows of all steps

and the larger product runs near the machine's limit where the small ones do not.
"""

from __future__ import annotations

from symgraph.graph import Apply, Variable, clone_with
from symgraph.ops.arithmetic import Add
from symgraph.ops.linalg import MatMul
from symgraph.ops.reduce import Sum
from symgraph.ops.reshaping import product, reshape, swapaxes
from symgraph.ops.shape import Transpose, shape
from symgraph.rewriting import GraphPass
from symgraph.rules.scan_tools import Draft, scan_pass


@scan_pass("reassociating")
def multiply_before_loop(node, used):
    """x_t W inside, W the same in each step  ->  x W before the loop"""
    draft = Draft.of(node)
    new, branches = {}, draft.in_branches
    for one in draft.nodes:
        if not _is_plain_product(one) or one in branches:
            continue
        x, w = draft.sequences.get(one.inputs[0]), draft.constants.get(one.inputs[1])
        if x is not None and w is not None:
            inner = Variable(one.outputs[0].type)
            draft.sequences[inner] = rows_times(x, w)
            new[one.outputs[0]] = inner
    return _replaced(draft, new)


@scan_pass("reassociating")
def multiply_after_loop(node, used):
    """stack of a_t W, W the same in each step  ->  (stack of a_t) W"""
    draft = Draft.of(node)
    count = len(draft.states)
    inside = _read_inside(draft)
    later = {}
    for place, y in enumerate(draft.stacked):
        one = y.owner
        if one not in draft.nodes or not _is_plain_product(one) or y in inside:
            continue
        if one.inputs[1] in draft.constants and node.outputs[count + place] in used:
            later[place] = one.inputs
    if not later:
        return None
    for place, (a, _) in later.items():
        draft.stacked[place] = a
    made = draft.applied()
    for place, (_, w) in later.items():
        made.stacks[place] = rows_times(made.stacks[place], draft.constants[w])
    return made.outputs


@scan_pass("reassociating")
def sum_after_loop(node, used):
    """s + a_t' b_t, or s + sum of a_t, in each step  ->  s + a' b, or s + sum of a"""
    draft = Draft.of(node)
    later = {}
    for state, new in draft.new.items():
        term = _term(draft, state, new)
        if term is not None:
            later[state] = term
    if not later:
        return None
    start = dict(draft.states)
    order = list(draft.states)
    first, places = len(draft.stacked), {}
    for state, term in later.items():
        del draft.states[state], draft.new[state]
        places[state] = range(len(draft.stacked), len(draft.stacked) + len(term.inputs))
        draft.stacked += term.inputs if _is_sum(term) else _factors(term)
    made = draft.applied()
    finals = []
    for state in order:
        if state in later:
            stacks = [made.stacks[i] for i in places[state]]
            finals.append(start[state] + _summed(later[state], stacks))
        else:
            finals.append(made.finals[state])
    return [*finals, *made.stacks[:first]]


def rows_times(x: Variable, w: Variable) -> Variable:
    """x W for a stack x of matrices, as one product."""
    flat = MatMul()(reshape(x, (_rows(x), shape(x)[-1])), w)
    return reshape(flat, (*shape(x)[:-1], shape(w)[-1]))


def _rows(x: Variable):
    return product(shape(x)[:-1])


def _is_plain_product(one: Apply) -> bool:
    return isinstance(one.op, MatMul) and one.outputs[0].ndim == 2


def _is_sum(one: Apply) -> bool:
    return isinstance(one.op, Sum)


def _read_inside(draft: Draft) -> set[Variable]:
    """What the body's nodes and the next step read."""
    return {v for one in draft.nodes for v in one.inputs} | set(draft.new.values())


def _term(draft: Draft, state: Variable, new: Variable) -> Apply | None:
    """What each step adds to a state that nothing else reads, if it can wait."""
    add = new.owner
    if add not in draft.nodes or not isinstance(add.op, Add):
        return None
    if state not in add.inputs or add.inputs[0] is add.inputs[1]:
        return None
    other = add.inputs[1] if add.inputs[0] is state else add.inputs[0]
    readers = [one for one in draft.nodes if state in one.inputs]
    ends = [*draft.new.values(), *draft.stacked]
    if readers != [add] or state in ends or ends.count(new) > 1:
        return None
    if any(new in one.inputs for one in draft.nodes):
        return None
    term = other.owner
    if term not in draft.nodes:
        return None
    is_product = _is_plain_product(term) and _left_is_turned(term)
    return term if is_product or _is_sum(term) else None


def _left_is_turned(one: Apply) -> bool:
    left = one.inputs[0].owner
    return left is not None and isinstance(left.op, Transpose)


def _factors(term: Apply) -> list[Variable]:
    """a_t and b_t of the product a_t' b_t."""
    turned = term.inputs[0].owner
    assert turned is not None
    return [turned.inputs[0], term.inputs[1]]


def _summed(term: Apply, stacks: list[Variable]) -> Variable:
    """The sum over all steps of what each step added."""
    if _is_sum(term):
        return Sum((0, *(axis + 1 for axis in term.op.axes)))(stacks[0])
    a, b = (reshape(x, (_rows(x), shape(x)[-1])) for x in stacks)
    return MatMul()(swapaxes(a, 0, 1), b)


def _replaced(draft: Draft, new):
    if not new:
        return None
    ends = clone_with(draft.outputs, new)
    draft.new = dict(zip(draft.new, ends, strict=False))
    draft.stacked = ends[len(draft.new) :]
    return draft.applied().outputs


SCAN_PRODUCTS: tuple[GraphPass, ...] = (
    multiply_before_loop,
    sum_after_loop,
    multiply_after_loop,
)
