"""Register tiles: how many vectors of channels by how many pixels at once.

A tile of V vectors by P pixels keeps V P sums in registers and, for each input
channel and tap, loads V vectors of filters and P input numbers for its V P
multiply-adds. The best tiling is found by trying all that fit.

Where windows reach outside the image there are two ways. The rows can be copied with
their zeros, and multiplied like others. Or tiles are a row high, and at each tap take
only the columns whose input exists (``spans``): nothing is copied, no zero multiplied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from codegen.convolution.geometry import LINE_BYTES, Axis
from codegen.convolution.strips import Strip, spans, strips_of
from codegen.sizes import Size
from codegen.target import Target

MOST_VECTORS = 4
FETCH = 5.5  # cycles to bring a line of filters in, where several streams run
LOAD = 1.0  # what else a vector of filters costs
AGAIN = 1.3  # to read it anew for a pixel
COPY = 1.03  # what copying with zeros costs beside the sums


@dataclass(frozen=True)
class Tiling:
    """``vectors`` of output channels by rows of some ``heights`` by strips of columns.

    ``clipped`` says that taps outside the image are left out rather than zero. In tiles
    of more than ``full`` pixels the last vector of filters has no register.
    """

    vectors: int
    heights: tuple[int, ...]
    strips: tuple[Strip, ...]
    clipped: bool = False
    full: int = 64


Found = tuple[float, Tiling]
Cuts = Callable[[int, int, int], Iterator[tuple[list[int], list[int]]]]


def writes_out(vector_bytes: int) -> bool:
    """Whether some steps of an inner loop follow one another without it: AVX2's.

    Its tiles have few multiply-adds for each step, beside which counting and moving
    pointers take a part of what a core starts in a cycle. SSE2's sums would leave their
    registers: there, a product needs one of its own.
    """
    return vector_bytes == LINE_BYTES // 2


def even_pieces(length: int, most: int) -> list[int]:
    """``length`` cut in the fewest pieces of at most ``most``, as even as can be."""
    number = -(-length // most)
    return [length // number + (i < length % number) for i in range(number)]


def most_pixels(vectors: int, target: Target) -> int:
    """Pixels whose sums fit in registers beside the filters and one input."""
    return (target.registers - vectors - 1) // vectors


def widest(vectors: int, target: Target) -> int:
    """The same where one vector of filters may be read anew for each pixel.

    AVX2's multiply-adds take an operand from memory, for no more than a load.
    """
    spared = 1 if target.vector_bytes == 32 and vectors > 1 else 0
    return (target.registers - vectors - 1 + spared) // vectors


def step_cost(vectors: int, pixels: int, target: Target, again: float = 0) -> float:
    """Rough cycles of one channel and tap, one multiply-add a cycle.

    AVX-512 spreads an input number over the lanes inside the multiply-add itself.
    Narrower vectors need a load for each, and two begin while two multiply-adds do.
    Filters without a register are loaded ``again``.
    """
    rest = loads(vectors, pixels, target)
    if target.vector_bytes == LINE_BYTES:
        return busy(vectors, pixels, target) + rest
    fetch = FETCH * vectors * target.vector_bytes / LINE_BYTES if vectors > 1 else 0
    fed = max(fetch, vectors + pixels + again)
    return max(vectors * pixels, latency(target), fed) + rest


def loads(vectors: int, pixels: int, target: Target) -> float:
    """What the loads of a tile cost beside its multiply-adds."""
    spread = 0.05 if target.vector_bytes == 64 else 0.3
    return LOAD * vectors + spread * pixels


def busy(vectors: int, pixels: int, target: Target) -> float:
    """What the multiply-adds of a tile take, and at least what feeds them."""
    fetch = FETCH * vectors if vectors > 1 else 0
    return max(vectors * pixels, latency(target), fetch)


def latency(target: Target) -> int:
    """How many independent sums keep the multipliers busy."""
    return 4 if target.vector_bytes == 64 else 8


def choose(
    rows: Axis,
    columns: Axis,
    group_vectors: int,
    depth: int,
    target: Target,
    clippable: bool,
    pool: bool = False,
) -> Found:
    """The tiling of least cost where a tile sums over ``depth`` inputs a tap.

    With ``pool``, tiles are two rows by an even number of columns. The cost is in
    rough cycles for one input channel of a sample.
    """
    if not (rows.known and columns.known):
        return 0, _open(columns.count, group_vectors, target)
    cuts = _pooled_cuts if pool else _cuts
    found = list(_whole(rows, columns, group_vectors, depth, target, cuts))
    if clippable and not (rows.inside and columns.inside):
        found = [(cost * COPY, tiling) for cost, tiling in found]
        found += _clipped(rows, columns, group_vectors, depth, target)
    return min(found, key=lambda one: one[0])


def _open(columns: Size, group_vectors: int, target: Target) -> Tiling:
    """For sizes known only at the call: wide tiles, then smaller powers of two."""
    vectors = 2 if group_vectors % 2 == 0 else 1
    most = min(most_pixels(vectors, target), 16)
    widths = [most, *(size for size in (8, 4, 2, 1) if size < most)]
    return Tiling(vectors, (1,), tuple(Strip(width, columns) for width in widths))


def vectors_of(group_vectors: int) -> Iterator[int]:
    """Numbers of vectors that make up those of a group."""
    for vectors in range(1, min(group_vectors, MOST_VECTORS) + 1):
        if group_vectors % vectors == 0:
            yield vectors


def _fixed(depth: int, taps: int) -> float:
    """What a tile costs at its beginning and end, spread over its steps."""
    return 12 / max(depth * taps, 1)


def _cuts(height: int, width: int, most: int) -> Iterator[tuple[list[int], list[int]]]:
    """Heights and widths of tiles of at most ``most`` pixels, one row or whole rows."""
    for most_width in range(1, min(most, width) + 1):
        yield [1] * height, even_pieces(width, most_width)
    for most_height in range(2, min(most // width, height) + 1):
        yield even_pieces(height, most_height), [width]


def _pooled_cuts(
    height: int, width: int, most: int
) -> Iterator[tuple[list[int], list[int]]]:
    """The same for tiles of two rows by an even number of columns."""
    for most_width in range(1, min(most // 4, width // 2) + 1):
        widths = [2 * piece for piece in even_pieces(width // 2, most_width)]
        yield [2] * (height // 2), widths


def _whole(
    rows: Axis,
    columns: Axis,
    group_vectors: int,
    depth: int,
    target: Target,
    cuts: Cuts,
) -> Iterator[Found]:
    """Tilings where every tap is there."""
    height, width = rows.lengths[0], columns.lengths[0]
    taps = len(rows.taps) * len(columns.taps)
    for vectors in vectors_of(group_vectors):
        most = most_pixels(vectors, target)
        for heights, widths in cuts(height, width, most):
            tiles = ((h, w) for h in set(heights) for w in set(widths))
            steps = sum(
                heights.count(h)
                * widths.count(w)
                * (step_cost(vectors, h * w, target) + _fixed(depth, taps))
                for h, w in tiles
            )
            strips = strips_of(columns, widths, clipped=False)
            tiling = Tiling(vectors, tuple(dict.fromkeys(heights)), strips)
            yield steps * taps * group_vectors / vectors, tiling


def _clipped(
    rows: Axis, columns: Axis, group_vectors: int, depth: int, target: Target
) -> Iterator[Found]:
    """Tilings that leave out what is outside the image."""
    height, width = rows.lengths[0], columns.lengths[0]
    used = sum(high - low for low, high in spans(rows, 0, height))
    taps = len(rows.taps) * len(columns.taps)
    for vectors in vectors_of(group_vectors):
        full = most_pixels(vectors, target)
        for widths in _clipped_cuts(width, widest(vectors, target)):
            strips = strips_of(columns, widths, clipped=True)
            steps = sum(_strip_cost(s, vectors, columns, target) for s in strips)
            steps += len(strips) * len(columns.taps) * _fixed(depth, taps)
            tiling = Tiling(vectors, (1,), strips, clipped=True, full=full)
            yield steps * used * group_vectors / vectors, tiling


def _clipped_cuts(width: int, most: int) -> Iterator[list[int]]:
    """Widths of tiles of at most ``most``: even, or wide at the ends.

    There taps see but a part of a tile, and its sums might wait for each other.
    """
    for piece in range(1, most + 1):
        yield even_pieces(width, piece)
        if width > 2 * piece:
            yield [piece, *even_pieces(width - 2 * piece, piece), piece]


def _strip_cost(strip: Strip, vectors: int, columns: Axis, target: Target) -> float:
    def cost(width: int) -> float:
        full = strip.width <= most_pixels(vectors, target)
        return step_cost(vectors, width, target, 0 if full else AGAIN * width)

    if strip.spans:
        return sum(cost(high - low) for low, high in strip.spans if high > low)
    number = len(columns.taps) * (strip.length // strip.width)
    return number * cost(strip.width)
