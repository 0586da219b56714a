"""Steps that only move numbers: views, parts, joins, and writing into parts."""

from __future__ import annotations

import symgraph as sg
from symgraph.graph import Variable
from tests.random_graphs.scene import Scene, Unfit


def transposed(scene: Scene) -> Variable:
    """The axes in another order."""
    x, array = scene.pick(lambda a: a.ndim > 1)
    order = list(range(array.ndim))
    for last in range(array.ndim - 1, 0, -1):
        other = scene.number(0, last)
        order[last], order[other] = order[other], order[last]
    return x.transpose(order)


def reshaped(scene: Scene) -> Variable:
    """Two axes joined, or one cut in two; a size may be left to be found."""
    x, array = scene.pick(lambda a: a.ndim > 0 and a.size > 0)
    shape = list(array.shape)
    axis = scene.number(0, array.ndim - 1)
    if axis + 1 < array.ndim and scene.maybe():
        shape[axis : axis + 2] = [shape[axis] * shape[axis + 1]]
    else:
        factors = [n for n in range(1, shape[axis] + 1) if shape[axis] % n == 0]
        factor = scene.choose(factors)
        shape[axis : axis + 1] = [factor, shape[axis] // factor]
    if scene.maybe():
        shape[scene.number(0, len(shape) - 1)] = -1
    return x.reshape(shape)


def sliced(scene: Scene) -> Variable:
    """Some of the rows of each axis, forward or backward, or one of them."""
    x, array = scene.pick(lambda a: a.ndim > 0)
    return x[part_of(scene, array.shape)]


def part_of(scene: Scene, shape: tuple[int, ...]) -> tuple[slice | int, ...]:
    """An index of some axes."""
    index: list[slice | int] = []
    for size in shape[: scene.number(1, len(shape))]:
        kind = scene.choose(["all", "slice", "backward", "one"])
        if kind == "one" and size:
            index.append(scene.number(-size, size - 1))
        elif kind in ("all", "one"):
            index.append(slice(None))
        else:
            ends = ends_of(scene, size)
            step = scene.number(1, 2) * (-1 if kind == "backward" else 1)
            index.append(slice(*ends, step))
    return tuple(index)


def ends_of(scene: Scene, size: int) -> tuple[int | None, int | None]:
    """Where a slice begins and ends, past the array's own ends too."""
    choices = [None, *range(-size - 1, size + 2)]
    return scene.choose(choices), scene.choose(choices)


def flipped(scene: Scene) -> Variable:
    """One axis backward."""
    x, array = scene.pick(lambda a: a.ndim > 0)
    return sg.flip(x, scene.number(0, array.ndim - 1))


def joined(scene: Scene) -> Variable:
    """Two values along an axis, or stacked along a new one."""
    x, array = scene.pick(lambda a: a.ndim > 0)
    axis = scene.number(-array.ndim, array.ndim - 1)
    if scene.maybe():
        y = scene.pick(lambda a: a.shape == array.shape).variable
        return sg.stack([x, y, x], axis=axis)
    rest = without(array.shape, axis)
    y = scene.pick(lambda a: a.ndim == array.ndim and without(a.shape, axis) == rest)
    return sg.concatenate([x, y.variable], axis=axis)


def without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """A shape less one axis."""
    axis %= len(shape)
    return shape[:axis] + shape[axis + 1 :]


def broadcast(scene: Scene) -> Variable:
    """A new first axis, or a new axis of one element."""
    x, array = scene.pick(lambda a: a.ndim < 4)
    if scene.maybe():
        return sg.expand_dims(x, scene.number(0, array.ndim))
    shape = [size if size is not None else x.shape[i] for i, size in known(x)]
    return sg.broadcast_to(x, [scene.number(1, 3), *shape])


def known(x: Variable) -> list[tuple[int, int | None]]:
    """The axes, with their sizes where these are known."""
    return list(enumerate(x.type.shape))


def padded(scene: Scene) -> Variable:
    """A border of a constant."""
    x, array = scene.pick(lambda a: a.ndim > 0)
    widths = [(scene.number(0, 1), scene.number(0, 2)) for _ in array.shape]
    return sg.pad(x, widths, 0.5)


def taken(scene: Scene) -> Variable:
    """Rows by an array of positions, some of them twice."""
    x, array = scene.pick(lambda a: a.ndim > 0 and a.size > 0)
    axis = scene.number(0, array.ndim - 1)
    size = array.shape[axis]
    positions = [scene.number(-size, size - 1) for _ in range(scene.number(1, 4))]
    return sg.take(x, positions, axis=axis)


def written(scene: Scene) -> Variable:
    """A part set to, or increased by, what is computed from it."""
    x, array = scene.pick(lambda a: a.ndim > 0)
    index = part_of(scene, array.shape)
    if array[index].size == 0:
        raise Unfit
    write = scene.choose([sg.set_subtensor, sg.inc_subtensor])
    return write(x[index], sg.sin(x[index]) * 0.5)


STEPS = [
    transposed,
    reshaped,
    sliced,
    flipped,
    joined,
    broadcast,
    padded,
    taken,
    written,
]
