"""Affine maps go into the weights before or behind them, and are gone.

A map is folded into the convolution or matrix product before it, through what lies
between; else into all of those behind it. It moves only where every step to such a
place is certain, so a map that has nowhere to go stays where it is and becomes the
epilogue of the kernel before it. Moves are one op at a time, each a theorem of its own.
"""

from __future__ import annotations

from symgraph.graph import Apply, Variable
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.arithmetic import Add, Div, Mul, Sub
from symgraph.ops.conv import Conv2D
from symgraph.ops.linalg import MatMul
from symgraph.ops.shape import BroadcastTo
from symgraph.rewriting import Context, Declined, Rule, node, rewrite, wildcards
from symgraph.rules.absorb import absorb_after, absorb_before
from symgraph.rules.affine_map import (
    Map,
    elementwise_map,
    is_bias,
    is_map,
    is_movable,
    map_of,
)
from symgraph.rules.carry import PASSABLE, PASSABLE_BACK, carry_back, carry_forward
from symgraph.rules.settle import settles_before, settles_behind
from symgraph.rules.values import ONE, ZERO

x, scale, shift, weights = wildcards("x scale shift weights")
any_map = node(Affine, AddBias)(...)


def _has_map(n: Apply) -> bool:
    return any(v.owner is not None and is_map(v.owner) for v in n.inputs)


def _has_broadcast(n: Apply) -> bool:
    return any(
        v.owner is not None and isinstance(v.owner.op, BroadcastTo) for v in n.inputs
    )


@rewrite(node(Affine)(x, ONE, shift), label="exact")
def drop_unit_scale(root, x, shift):
    """x 1 + t  ->  x + t"""
    return AddBias(root.op.axes)(x, shift)


@rewrite(node(AddBias)(x, ZERO), label="exact")
def drop_zero_shift(x):
    """x + 0  ->  x"""
    return x


@rewrite(node(Affine, AddBias)(any_map.named("inner").once(), ...))
def merge_maps(root, inner):
    """(x s + t) s' + t'  ->  x (s s') + (t s' + t')

    A shift that differs along more axes than the scale behind it goes behind the
    scale, which may then go into the weights before both.
    """
    x, shape = inner.inputs[0], inner.inputs[0].type.shape
    first, second = map_of(inner), map_of(root)
    both = first.then(second, shape)
    if both is None:
        return Declined(f"a size of {x.type} is not known")
    scaled_alike = first.scale is not None or second.scale is None
    if scaled_alike or set(second.axes) <= set(first.axes):
        return both(x)
    scaled = Map(second.axes, second.scale, None)(x)
    return Map(both.axes, None, both.shift)(scaled)


@rewrite(
    node(Affine)(node(Conv2D)(x, weights).named("producer").once(), scale, shift),
)
def fold_affine_into_conv_before(root, producer, context):
    """conv(x, w) s + t  ->  conv(x, w s) + t"""
    return absorb_before(producer, map_of(root), context)


@rewrite(
    node(Affine)(node(MatMul)(x, weights).named("producer").once(), scale, shift),
)
def fold_affine_into_matmul_before(root, producer, context):
    """(x w) s + t  ->  x (w s) + t"""
    return absorb_before(producer, map_of(root), context)


@rewrite(node(Conv2D)(any_map.named("inner"), weights))
def fold_affine_into_conv_behind(root, inner, context):
    """conv(x s + t, w)  ->  conv(x, s w) + sum of t w over channels and taps"""
    return _fold_behind(root, inner, context)


@rewrite(node(MatMul)(any_map.named("inner"), weights))
def fold_affine_into_matmul_behind(root, inner, context):
    """(x s + t) w  ->  x (s w) + t w"""
    return _fold_behind(root, inner, context)


@rewrite(
    node(Affine, AddBias)(node(*PASSABLE_BACK)(...).named("inner").once(), ...),
)
def move_affine_before(root, inner, context):
    """f(x) s + t  ->  f(x s' + t'), towards weights that it can go into

    f is a max-pool (s > 0), average-pool, reshape, transpose or join, or a relu (s > 0
    and t = 0).
    """
    if isinstance(root.op, AddBias) and is_bias(root, context):
        return Declined("the map is the bias of the kernel before it")
    maps = carry_back(inner, map_of(root))
    if isinstance(maps, Declined):
        return maps
    moved = list(inner.inputs)
    for position, map in enumerate(maps):
        problem = settles_before(inner.inputs[position], map, context)
        if problem is not None:
            return problem
        moved[position] = map(inner.inputs[position])
    return inner.op(*moved)


@rewrite(node(*PASSABLE)(...).where(_has_map, "of an affine map"))
def move_affine_behind(root, context):
    """f(x s + t)  ->  f(x) s' + t', towards weights that it can go into

    f is a max-pool (s > 0), average-pool, reshape, transpose, join, slice or sum; or a
    relu, f(x s + t) = s f(x + t / s) for s > 0.
    """
    places = [i for i, v in enumerate(root.inputs) if is_movable(v, context)]
    if not places:
        return Declined("the map is the bias of the kernel before it")
    moved = list(root.inputs)
    for place in places:
        inner = context.owner(root.inputs[place])
        problem = settles_behind(*_ends(inner), map_of(inner), context)
        if problem is not None:
            return problem
        moved[place] = inner.inputs[0]
    first = context.owner(root.inputs[places[0]])
    carried = carry_forward(root, places[0], map_of(first), context)
    if isinstance(carried, Declined):
        return carried
    if carried.before is not None:
        moved[places[0]] = carried.before(moved[places[0]])
    return carried.after(root.op(*moved))


@rewrite(node(Add, Sub, Mul, Div)(...).where(_has_broadcast, "with a broadcast input"))
def write_as_affine(root, context):
    """x p + q, p and q shared along some axes  ->  affine(x, p, q)

    Done where the map can then be folded into weights before or behind it.
    """
    reason = Declined("no input is spread from parameters that no call changes")
    for position, x in enumerate(root.inputs):
        map = elementwise_map(root, position, context)
        if map is None:
            continue
        before = settles_before(x, map, context)
        behind = before and settles_behind(root.outputs[0], x, map, context)
        if before is None or behind is None:
            return map(x)
        reason = Declined(f"before it: {before}; behind it: {behind}")
    return reason


FOLD_AFFINE: tuple[Rule, ...] = (
    drop_zero_shift,
    drop_unit_scale,
    merge_maps,
    fold_affine_into_conv_before,
    fold_affine_into_matmul_before,
    move_affine_before,
    fold_affine_into_conv_behind,
    fold_affine_into_matmul_behind,
    move_affine_behind,
    write_as_affine,
)


def _fold_behind(root: Apply, inner: Apply, context: Context) -> Variable | Declined:
    if not is_movable(inner.outputs[0], context):
        return Declined("the map is the bias of the kernel before it")
    map, x = map_of(inner), inner.inputs[0]
    problem = settles_behind(*_ends(inner), map, context)
    return problem or absorb_after(root, 0, map, x, context)


def _ends(map: Apply) -> tuple[Variable, Variable]:
    return map.outputs[0], map.inputs[0]
