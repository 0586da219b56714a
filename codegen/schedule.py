"""Good loop trees for elementwise work, and the arranging of axes that all share.

    elementwise(extents, body)    one parallel, vectorized sweep
    parallel(extents, body)       a parallel nest around a body with its own loops

``extents`` are in memory order, the contiguous axis last. A body is a function from
one index (a ``Size``) for each axis to statements. Axes that every array steps
through as one are merged into one long loop; a short last axis is unrolled; where
some array is read along another axis than the last, both are cut in tiles.
Sums and extrema over axes are in ``reductions``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codegen import sizes
from codegen.ir import Kind, Loop, Statement
from codegen.sizes import Size
from codegen.traverse import reads, sizes_of, substituted, walk

Body = Callable[[tuple[Size, ...]], tuple[Statement, ...]]
Statements = tuple[Statement, ...]

SHORT = 3  # a last axis up to this long is unrolled inside the one before it
BLOCK = 4096  # iterations of a vector loop that make one unit of work
TILE = 32  # rows and columns of a tile where an array is read across


@dataclass(frozen=True)
class Axis:
    """A loop that is still being arranged."""

    index: str
    extent: Size


def elementwise(extents: Sequence[Size], body: Body, prefix: str = "i") -> Loop:
    """``body`` once for every index; its iterations are independent."""
    axes, indices = opened(extents, prefix)
    axes, statements = merged(axes, body(indices))
    return swept(axes, statements)


def parallel(extents: Sequence[Size], body: Body, prefix: str = "i") -> Loop:
    """``body``, with loops of its own, once for every index, in parallel."""
    axes, indices = opened(extents, prefix)
    return nest(axes, body(indices), Kind.PARALLEL)


def opened(extents: Sequence[Size], prefix: str) -> tuple[list[Axis], tuple[Size, ...]]:
    """An axis for each extent but 1, and the index along every extent."""
    axes = [Axis(f"{prefix}{place}", extent) for place, extent in enumerate(extents)]
    indices = (0 if a.extent == 1 else sizes.symbol(a.index) for a in axes)
    return [axis for axis in axes if axis.extent != 1], tuple(indices)


def nest(axes: Sequence[Axis], body: Statements, kind: Kind) -> Loop:
    """Loops over ``axes``, all of one kind, around ``body``; at least one loop."""
    for axis in reversed(axes[1:]):
        body = (Loop(axis.index, 0, axis.extent, body, kind),)
    outer = axes[0] if axes else Axis("once", 1)
    return Loop(outer.index, 0, outer.extent, body, kind)


def merged(
    axes: Sequence[Axis],
    statements: Statements,
    alike: Callable[[Axis, Axis], bool] = lambda outer, inner: True,
) -> tuple[list[Axis], Statements]:
    """Neighbours that every size steps through as one axis, made one axis.

    Where a size is c*B*a + c*b + rest, b being below B, the pair (a, b) is the one
    index B*a + b. Only axes that are ``alike`` may merge.
    """
    kept: list[Axis] = []
    for axis in axes:
        outer = kept[-1] if kept else None
        if outer and alike(outer, axis) and _as_one(outer, axis, statements):
            statements = substituted(statements, outer.index, 0)
            kept[-1] = Axis(axis.index, outer.extent * axis.extent)
        else:
            kept.append(axis)
    return kept, statements


def swept(axes: Sequence[Axis], statements: Statements) -> Loop:
    """The nest of an elementwise body: outer axes parallel, the last in vectors."""
    if not axes or _has_loops(statements):
        return nest(axes, statements, Kind.PARALLEL)
    *outer, last = axes
    if outer and _is_short(last) and not _is_unrolled(statements):
        unrolled = Loop(last.index, 0, last.extent, statements, Kind.UNROLL)
        return swept(outer, (unrolled,))
    across = _read_across(axes, statements)
    if across is not None:
        return _tiled(
            [axis for axis in outer if axis != across], across, last, statements
        )
    if not outer:
        return nest([last], statements, Kind.PARALLEL)
    blocks, start, stop = span(last, BLOCK)
    inner = Loop(last.index, start, stop, statements, Kind.SIMD)
    return nest([*outer, *blocks], (inner,), Kind.PARALLEL)


def span(axis: Axis, length: int) -> tuple[list[Axis], Size, Size]:
    """The blocks of ``length`` that ``axis`` is cut into, and the range of one."""
    if isinstance(axis.extent, int) and axis.extent <= length:
        return [], 0, axis.extent
    block = Axis(f"{axis.index}_block", ceiling(axis.extent, length))
    start = sizes.symbol(block.index) * length
    return [block], start, sizes.minimum(start + length, axis.extent)


def ceiling(extent: Size, length: Size) -> Size:
    """How many blocks of ``length`` cover ``extent``."""
    return sizes.floordiv(extent + length - 1, length)


def _tiled(
    outer: Sequence[Axis], across: Axis, last: Axis, statements: Statements
) -> Loop:
    """Tiles small enough that what is read across them stays in the cache."""
    columns, start, stop = span(last, TILE)
    inner = Loop(last.index, start, stop, statements, Kind.SIMD)
    rows, start, stop = span(across, TILE)
    tile = Loop(across.index, start, stop, (inner,), Kind.SERIAL)
    return nest([*outer, *rows, *columns], (tile,), Kind.PARALLEL)


def _read_across(axes: Sequence[Axis], statements: Statements) -> Axis | None:
    """The axis, not the last, along which some array is read contiguously."""
    *outer, last = axes
    for read in reads(*statements):
        if sizes.coefficient(read.position, last.index) in (0, 1):
            continue
        for axis in outer:
            if sizes.coefficient(read.position, axis.index) == 1:
                return axis
    return None


def _as_one(outer: Axis, inner: Axis, statements: Statements) -> bool:
    for size in sizes_of(*statements):
        step = sizes.coefficient(size, inner.index)
        if step is None or sizes.coefficient(size, outer.index) != step * inner.extent:
            return False
    return True


def _is_short(axis: Axis) -> bool:
    return isinstance(axis.extent, int) and axis.extent <= SHORT


def _is_unrolled(statements: Statements) -> bool:
    """Whether an axis was unrolled already: another would multiply the C."""
    return any(isinstance(inner, Loop) for inner in statements)


def _has_loops(statements: Statements) -> bool:
    loops = (inner for inner in walk(*statements) if isinstance(inner, Loop))
    return any(loop.kind is not Kind.UNROLL for loop in loops)
