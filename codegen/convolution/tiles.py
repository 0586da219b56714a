"""Register tiles: how many vectors of channels by how many pixels at once.

A tile of V vectors by P pixels keeps V P sums in registers and, for each input
channel and tap, loads V vectors of filters and P input numbers for its V P
multiply-adds. The best one is found by trying all that fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codegen.sizes import Size
from codegen.target import Target

MOST_VECTORS = 4
LATENCY = 8  # independent sums that keep the multipliers busy
FETCH = 5  # cycles to bring a vector of filters from the second-level cache
LOAD = 0.6  # what else a vector of filters costs


@dataclass(frozen=True)
class Pieces:
    """How an axis is cut: (size, stop) pairs, each size repeated as far as its stop."""

    pairs: tuple[tuple[int, Size], ...]


@dataclass(frozen=True)
class Tiling:
    """``vectors`` of output channels by the pieces of rows and of columns."""

    vectors: int
    rows: Pieces
    columns: Pieces


def even_pieces(length: int, most: int) -> list[int]:
    """``length`` cut in the fewest pieces of at most ``most``, as even as can be."""
    number = -(-length // most)
    return [length // number + (i < length % number) for i in range(number)]


def pieces(sizes: list[int]) -> Pieces:
    """The pieces of these descending sizes."""
    pairs = {size: (len(sizes) - sizes[::-1].index(size)) for size in sizes}
    return Pieces(tuple((size, sum(sizes[:end])) for size, end in pairs.items()))


def open_pieces(length: Size, most: int) -> Pieces:
    """An axis known only at the call: ``most``, then smaller powers of two."""
    chosen = [most, *(size for size in (8, 4, 2, 1) if size < most)]
    return Pieces(tuple((size, length) for size in chosen))


def most_pixels(vectors: int, target: Target) -> int:
    """Pixels whose sums fit in registers beside the filters and one input."""
    return (target.registers - vectors - 1) // vectors


def step_cost(vectors: int, pixels: int, target: Target) -> float:
    """Rough cycles of one channel and tap.

    AVX-512 spreads an input number over the lanes inside the multiply-add itself.
    """
    spread = 0.05 if target.vector_bytes == 64 else 0.3
    busy = max(vectors * pixels, LATENCY, FETCH * vectors)
    return busy + LOAD * vectors + spread * pixels


def choose(
    rows: Size, columns: Size, group_vectors: int, depth: int, target: Target
) -> Tiling:
    """The tiling of least cost for ``depth`` steps a tile."""
    if not isinstance(rows, int) or not isinstance(columns, int):
        return _open(columns, group_vectors, target)
    fixed = 12 / max(depth, 1)  # of a tile, spread over its steps
    found = min(
        _candidates(rows, columns, group_vectors, target),
        key=lambda c: _cost(c, group_vectors, fixed, target),
    )
    vectors, heights, widths = found
    return Tiling(vectors, pieces(heights), pieces(widths))


def _open(columns: Size, group_vectors: int, target: Target) -> Tiling:
    vectors = 2 if group_vectors % 2 == 0 else 1
    most = min(most_pixels(vectors, target), 16)
    return Tiling(vectors, Pieces(((1, 1),)), open_pieces(columns, most))


Candidate = tuple[int, list[int], list[int]]


def _candidates(
    rows: int, columns: int, group_vectors: int, target: Target
) -> Iterator[Candidate]:
    for vectors in range(1, min(group_vectors, MOST_VECTORS) + 1):
        if group_vectors % vectors:
            continue
        most = most_pixels(vectors, target)
        for width in range(1, min(most, columns) + 1):
            widths = even_pieces(columns, width)
            yield vectors, [1] * rows, widths
        for height in range(2, min(most // max(columns, 1), rows) + 1):
            yield vectors, even_pieces(rows, height), [columns]


def _cost(
    candidate: Candidate, group_vectors: int, fixed: float, target: Target
) -> float:
    vectors, heights, widths = candidate
    tiles = sum(
        step_cost(vectors, height * width, target) + fixed
        for height in heights
        for width in widths
    )
    return tiles * (group_vectors / vectors)
