"""The gradient of a scan: a scan that runs the other way.

For s', y = body(x, s, c) the cotangents obey, from the last step to the first,

    ds, dx, dc_t = body's own vjp at (x, s, c), of (ds', dy),   dc = sum of the dc_t

so ds and dc are what the backward scan carries, dx what it stacks. The values of the
forward steps that it reads are stacked by the forward scan; what is cheap (a size, a
reshape, a broadcast), the same in each step, or part of a branch that a step may not
take, is computed anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from symgraph.graph import Apply, Graph, Variable, clone_with, is_float
from symgraph.graph.guards import guards_of
from symgraph.graph.pull_back import pulled_back
from symgraph.ops.branch_gradients import Branches
from symgraph.ops.creation import zeros, zeros_like
from symgraph.ops.elementwise import Elementwise
from symgraph.ops.extrema import minimum
from symgraph.ops.join import concatenate
from symgraph.ops.scan_body import Body, captured
from symgraph.ops.selection import where
from symgraph.ops.shape import BroadcastTo, Dim, Reshape, Transpose, shape

if TYPE_CHECKING:
    from symgraph.ops.scan import Scan

CHEAP = (Dim, BroadcastTo, Reshape, Transpose)

Cotangents = Sequence[Variable | None]


@dataclass(frozen=True)
class Backward:
    """One step back: cotangents in and out, in the variables of the forward body.

    ``dstates`` and ``dstacked`` come in, by the place of what they are cotangents of;
    the others go out; a ``dconstants`` is what one step adds.
    """

    dstates: dict[int, Variable]
    dstacked: dict[int, Variable]
    new_dstates: dict[int, Variable]
    dsequences: dict[int, Variable]
    dconstants: dict[int, Variable]

    @property
    def outputs(self) -> list[Variable]:
        """All that a step back computes."""
        parts = (self.new_dstates, self.dconstants, self.dsequences)
        return [v for part in parts for v in part.values()]


def scan_vjp(
    op: Scan,
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    cotangents: Cotangents,
) -> Cotangents:
    """The cotangents of a scan's inputs."""
    step = _step_back(op, cotangents)
    body = op.split(op.body.graph.inputs)
    given = op.split(inputs)
    needed = _needed(op, step)
    saved = [v for v in needed if v not in body.sequences and v not in body.constants]
    stacks = dict(zip(saved, _saved(op, inputs, saved), strict=True))
    stacks.update(zip(body.sequences, given.sequences, strict=True))
    outer = dict(zip(body.constants, given.constants, strict=True))
    read = [v for v in needed if v in stacks]
    constants = [v for v in needed if v in outer]
    graph = _graph_back(step, read, constants)
    sequences = [cotangents[op.states + m] for m in step.dstacked]
    sequences += [stacks[v] for v in read]
    starts = [_or_zeros(cotangents[k], outputs[k]) for k in step.dstates]
    starts += [zeros_like(given.constants[n]) for n in step.dconstants]
    found = _run(op, graph, inputs, sequences, starts, [outer[v] for v in constants])
    return _arranged(op, inputs, step, found)


def _step_back(op: Scan, cotangents: Cotangents) -> Backward:
    """The vjp of the body, at cotangents that are inputs of their own."""
    body = op.split(op.body.graph.inputs)
    floats = [k for k, v in enumerate(op.new_states) if is_float(v.dtype)]
    dstates = {k: Variable(body.states[k].type) for k in floats}
    dstacked = {
        m: Variable(y.type)
        for m, y in enumerate(op.stacked)
        if cotangents[op.states + m] is not None
    }
    seeds: dict[Variable, Variable] = {}
    pairs = [(op.new_states[k], d) for k, d in dstates.items()]
    pairs += [(op.stacked[m], d) for m, d in dstacked.items()]
    for end, cotangent in pairs:
        seeds[end] = seeds[end] + cotangent if end in seeds else cotangent
    wrt = [v for v in op.body.graph.inputs if is_float(v.dtype)]
    found = pulled_back(seeds, wrt, values=Branches(seeds, wrt))
    return Backward(
        dstates,
        dstacked,
        {k: found.get(body.states[k], zeros_like(d)) for k, d in dstates.items()},
        {i: found[v] for i, v in enumerate(body.sequences) if v in found},
        {i: found[v] for i, v in enumerate(body.constants) if v in found},
    )


def _graph_back(
    step: Backward, read: Sequence[Variable], constants: Sequence[Variable]
) -> Graph:
    """The body of the backward scan, in variables of its own.

    Beside the cotangents of the states it carries the sums of those of constants.
    """
    totals = [Variable(dc.type) for dc in step.dconstants.values()]
    pairs = zip(totals, step.dconstants.values(), strict=True)
    sums = [total + dc for total, dc in pairs]
    states = [*step.dstates.values(), *totals]
    given = [*step.dstacked.values(), *read, *states, *constants]
    ends = [*step.new_dstates.values(), *sums, *step.dsequences.values()]
    fresh = {v: Variable(v.type, name=v.name) for v in given}
    return Graph(list(fresh.values()), clone_with(ends, fresh))


def _needed(op: Scan, step: Backward) -> list[Variable]:
    """The variables of the forward body that a step back reads."""
    varying, graph = _varying(op), op.body.graph
    forward, branches = set(graph.nodes), guards_of(graph.nodes, graph.outputs)

    def is_inside(node: Apply) -> bool:
        if node not in forward:
            return True
        anew = isinstance(node.op, CHEAP) or node in branches or _counts(node)
        return anew or node not in varying

    own = [*step.dstates.values(), *step.dstacked.values()]
    return captured(step.outputs, own, is_inside)


def _counts(node: Apply) -> bool:
    """Whether an integer is computed from integers: sizes must not become data."""
    numbers = (*node.inputs, *node.outputs)
    single = all(v.ndim == 0 and not is_float(v.dtype) for v in numbers)
    return single and isinstance(node.op, Elementwise)


def _varying(op: Scan) -> set[Apply]:
    """The nodes of the body that differ from step to step."""
    body = op.split(op.body.graph.inputs)
    changing = {*body.sequences, *body.states}
    nodes = set()
    for node in op.body.graph.nodes:
        if not changing.isdisjoint(node.inputs):
            nodes.add(node)
            changing.update(node.outputs)
    return nodes


def _saved(
    op: Scan, inputs: Sequence[Variable], saved: Sequence[Variable]
) -> Sequence[Variable]:
    """Stacks of what the forward steps compute on their way."""
    if not saved:
        return []
    graph = op.body.graph
    more = op.with_body(graph.inputs, [*graph.outputs, *saved])
    return Apply(more, inputs).outputs[len(graph.outputs) :]


def _run(
    op: Scan,
    graph: Graph,
    inputs: Sequence[Variable],
    sequences: Sequence[Any],
    starts: Sequence[Variable],
    constants: Sequence[Variable],
) -> Sequence[Variable]:
    """The backward scan, over the last steps where the gradient is truncated."""
    length: Any = op.steps(inputs)
    if op.truncate >= 0:
        taken = _fewer(op, length)
        sequences = [_last(op, x, length, taken) for x in sequences]
        length = taken
    static = length if isinstance(length, int) else None
    back = replace(
        op,
        body=Body(graph),
        sequences=len(sequences),
        states=len(starts),
        length=static,
        reverse=not op.reverse,
        truncate=-1,
        name=f"gradient of {op.name}",
    )
    size = () if static is not None else (length,)
    return Apply(back, [*sequences, *starts, *constants, *size]).outputs


def _arranged(
    op: Scan, inputs: Sequence[Variable], step: Backward, found: Sequence[Variable]
) -> Cotangents:
    """What the backward scan gives, in the order of the forward scan's inputs."""
    results: list[Variable | None] = [None] * len(inputs)
    length: Any = op.steps(inputs)
    rest = iter(found)
    for k in step.new_dstates:
        results[op.sequences + k] = _kept(op, next(rest), length)
    for n in step.dconstants:
        results[op.sequences + op.states + n] = next(rest)
    for i in step.dsequences:
        results[i] = _whole(op, next(rest), inputs[i], length)
    return results


# --- truncation -------------------------------------------------------------------


def _fewer(op: Scan, length: Any) -> Any:
    if isinstance(length, int):
        return min(length, op.truncate)
    return minimum(length, op.truncate)


def _last(op: Scan, x: Variable, length: Any, taken: Any) -> Variable:
    """The part of a stack that the last ``taken`` steps belong to."""
    return x[:taken] if op.reverse else x[length - taken :]


def _kept(op: Scan, ds: Variable, length: Any) -> Variable:
    """The cotangent of an initial state, zero where it is out of reach."""
    if op.truncate < 0:
        return ds
    if isinstance(length, int):
        return ds if length <= op.truncate else zeros_like(ds)
    return where(length <= op.truncate, ds, zeros_like(ds))


def _whole(op: Scan, dx: Variable, x: Variable, length: Any) -> Variable:
    """The cotangent of a sequence, zeros at the steps out of reach."""
    if op.truncate < 0:
        return dx
    missing = zeros((length - _fewer(op, length), *shape(x)[1:]), x.dtype)
    return concatenate([dx, missing] if op.reverse else [missing, dx])


def _or_zeros(cotangent: Variable | None, like: Variable) -> Variable:
    return zeros_like(like) if cotangent is None else cotangent
