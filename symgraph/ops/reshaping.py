"""Builders that give an array other dimensions: reshape, transpose and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from symgraph.graph import GraphError, Variable, argument_lines
from symgraph.ops.arguments import Size, TensorLike, as_size, as_variable, split_sizes
from symgraph.ops.checks import check_axis, normalize_axes
from symgraph.ops.shape import Reshape, Transpose, broadcast_to, dim, shape
from symgraph.ops.shape import shape as _sizes

Axes = int | Sequence[int]


def reshape(x: TensorLike, shape: Size | Sequence[Size]) -> Variable:
    """The elements of ``x`` in row-major order under another shape.

    Sizes are ints or integer scalars; one of them may be -1, for what remains.
    """
    x = as_variable(x)
    wanted = [shape] if isinstance(shape, (int, Variable)) else list(shape)
    sizes = _resolved(x, [as_size("reshape", size) for size in wanted])
    if [_key(size) for size in sizes] == [_key(size) for size in _sizes(x)]:
        return x
    static, inputs = split_sizes(sizes)
    return Reshape(static)(x, *inputs)


def transpose(x: TensorLike, axes: Sequence[int] | None = None) -> Variable:
    """``x`` with its dimension ``axes[d]`` as dimension d; reversed by default."""
    x = as_variable(x)
    order = tuple(reversed(range(x.ndim))) if axes is None else tuple(axes)
    for axis in order:
        check_axis("transpose", axis, x.ndim)
    normal = tuple(axis % x.ndim for axis in order)
    if sorted(normal) != list(range(x.ndim)):
        raise GraphError(
            f"transpose: axes {order} are not a permutation of the {x.ndim} axes of "
            f"{x.type}\n{argument_lines([x])}"
        )
    return x if normal == tuple(range(x.ndim)) else Transpose(normal)(x)


def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Variable:
    """``x`` with two dimensions exchanged."""
    x = as_variable(x)
    check_axis("swapaxes", axis1, x.ndim)
    check_axis("swapaxes", axis2, x.ndim)
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transpose(x, order)


def moveaxis(x: TensorLike, source: Axes, destination: Axes) -> Variable:
    """``x`` with some dimensions at other places; the rest keep their order."""
    x = as_variable(x)
    origin, target = _axes("moveaxis", source, x), _axes("moveaxis", destination, x)
    if len(origin) != len(target):
        raise GraphError(
            f"moveaxis: expected as many destinations as sources, got {source} and "
            f"{destination}"
        )
    order = [axis for axis in range(x.ndim) if axis not in origin]
    for place, axis in sorted(zip(target, origin, strict=True)):
        order.insert(place, axis)
    return transpose(x, order)


def expand_dims(x: TensorLike, axis: Axes) -> Variable:
    """``x`` with dimensions of size 1 put in at these axes of the result."""
    x = as_variable(x)
    count = 1 if isinstance(axis, int) else len(axis)
    new = normalize_axes("expand_dims", axis, x.ndim + count)
    old = iter(shape(x))
    return reshape(x, [1 if a in new else next(old) for a in range(x.ndim + count)])


def squeeze(x: TensorLike, axis: Axes | None = None) -> Variable:
    """``x`` without these dimensions of size 1; by default all that are known to be."""
    x = as_variable(x)
    if axis is None:
        gone = tuple(a for a, size in enumerate(x.type.shape) if size == 1)
    else:
        gone = normalize_axes("squeeze", axis, x.ndim)
    for a in gone:
        if x.type.shape[a] not in (1, None):
            raise GraphError(
                f"squeeze: dimension {a} of {x.type} is not 1\n{argument_lines([x])}"
            )
    return reshape(x, [size for a, size in enumerate(shape(x)) if a not in gone])


def flatten(x: TensorLike, ndim: int = 1, start: int | None = None) -> Variable:
    """``x`` with ``ndim`` dimensions: the first ndim - 1 kept, the rest made one.

    ``start`` says instead which axis is the first of those that are made one.
    """
    x = as_variable(x)
    first = ndim - 1 if start is None else start
    if not 0 <= first <= x.ndim:
        raise GraphError(f"flatten: cannot keep {first} dimensions of {x.type}")
    return reshape(x, [*shape(x)[:first], product(shape(x)[first:])])


def ravel(x: TensorLike) -> Variable:
    """``x`` with one dimension."""
    return flatten(x)


def dimshuffle(x: TensorLike, *pattern: int | str | Sequence[int | str]) -> Variable:
    """``x`` with its dimensions in the order of ``pattern``; "x" puts in a new one.

    Dimensions that the pattern leaves out must be 1.
    """
    x = as_variable(x)
    if len(pattern) == 1 and isinstance(pattern[0], (list, tuple)):
        pattern = tuple(pattern[0])
    kept = [_pattern_axis(x, entry) for entry in pattern if entry != "x"]
    if len(set(kept)) < len(kept):
        raise GraphError(f"dimshuffle: a dimension is given twice in {pattern}")
    gone = [axis for axis in range(x.ndim) if axis not in kept]
    rank = {axis: place for place, axis in enumerate(sorted(kept))}
    ordered = transpose(squeeze(x, gone), [rank[axis] for axis in kept])
    return expand_dims(ordered, [i for i, entry in enumerate(pattern) if entry == "x"])


def flip(x: TensorLike, axis: Axes | None = None) -> Variable:
    """``x`` in reverse order along these axes; along all by default."""
    x = as_variable(x)
    axes = range(x.ndim) if axis is None else normalize_axes("flip", axis, x.ndim)
    reverse, whole = slice(None, None, -1), slice(None)
    return x[tuple(reverse if a in axes else whole for a in range(x.ndim))]


def atleast_1d(x: TensorLike) -> Variable:
    """``x``, a scalar as a vector of one element."""
    x = as_variable(x)
    return x if x.ndim else reshape(x, (1,))


def tile(x: TensorLike, reps: Axes) -> Variable:
    """``x`` repeated ``reps[d]`` times along dimension d."""
    x = as_variable(x)
    times = [reps] if isinstance(reps, int) else list(reps)
    ndim = max(x.ndim, len(times))
    times = [1] * (ndim - len(times)) + times
    sizes = (1,) * (ndim - x.ndim) + shape(x)
    pairs = list(zip(times, sizes, strict=True))
    split = reshape(x, [part for _, size in pairs for part in (1, size)])
    wide = broadcast_to(split, [part for pair in pairs for part in pair])
    return reshape(wide, [time * size for time, size in pairs])


def repeat(x: TensorLike, repeats: int, axis: int | None = None) -> Variable:
    """Each element of ``x`` ``repeats`` times along ``axis``; flattened without one."""
    x = as_variable(x)
    if axis is None:
        return repeat(flatten(x), repeats, 0)
    check_axis("repeat", axis, x.ndim)
    if isinstance(repeats, int) and repeats < 0:
        raise GraphError(f"repeat: repeats must be >= 0, got {repeats}")
    place = axis % x.ndim
    before, size, after = shape(x)[:place], dim(x, place), shape(x)[place + 1 :]
    wide = broadcast_to(expand_dims(x, place + 1), [*before, size, repeats, *after])
    return reshape(wide, [*before, size * repeats, *after])


def product(sizes: Sequence[Size]) -> Size:
    """The product of sizes, an int where all are known."""
    known = prod(size for size in sizes if isinstance(size, int))
    unknown = [size for size in sizes if isinstance(size, Variable)]
    if not unknown:
        return known
    return prod(unknown[1:], start=unknown[0] if known == 1 else unknown[0] * known)


def _resolved(x: Variable, wanted: Sequence[Size]) -> list[Size]:
    """The sizes with -1 replaced by what remains."""
    rest = [size for size in wanted if not _is_minus_one(size)]
    if len(rest) == len(wanted):
        return rest
    if len(rest) < len(wanted) - 1:
        raise GraphError(f"reshape: more than one -1 in {list(wanted)}")
    remaining = _quotient(x, rest)
    return [remaining if _is_minus_one(size) else size for size in wanted]


def _quotient(x: Variable, rest: Sequence[Size]) -> Size:
    """x.size / prod(rest), sizes that both have cancelled."""
    above, below = list(shape(x)), []
    for size in rest:
        same = [i for i, mine in enumerate(above) if _key(mine) == _key(size)]
        if same:
            del above[same[0]]
        else:
            below.append(size)
    known = prod(size for size in above if isinstance(size, int))
    divisor = product(below)
    if not isinstance(divisor, int):
        return product(above) // divisor
    unknown = [size for size in above if isinstance(size, Variable)]
    if divisor and known % divisor == 0:
        return product([known // divisor, *unknown])
    if divisor and unknown:
        return product(above) // divisor
    raise GraphError(
        f"reshape: the elements of {x.type} are no multiple of {divisor}"
        f"\n{argument_lines([x])}"
    )


def _key(size: Size) -> object:
    """Equal for sizes that are equal beyond doubt."""
    if isinstance(size, Variable) and size.owner is not None:
        return (size.owner.op, size.owner.inputs)
    return size


def _is_minus_one(size: Size) -> bool:
    return isinstance(size, int) and size == -1


def _axes(name: str, axes: Axes, x: Variable) -> list[int]:
    given = [axes] if isinstance(axes, int) else list(axes)
    for axis in given:
        check_axis(name, axis, x.ndim)
    normal = [axis % x.ndim for axis in given]
    if len(set(normal)) < len(normal):
        raise GraphError(f"{name}: an axis is given twice in {axes}")
    return normal


def _pattern_axis(x: Variable, entry: int | str | Sequence[int | str]) -> int:
    if not isinstance(entry, int):
        raise GraphError(f'dimshuffle: expected axes and "x", got {entry!r}')
    check_axis("dimshuffle", entry, x.ndim)
    return entry % x.ndim
