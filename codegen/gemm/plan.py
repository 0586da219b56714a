"""Which way a product is computed, and in which blocks.

``Way.ROW`` and ``Way.DOTS`` are bound by memory and pack nothing. ``Way.TILES`` keeps
a tile of rows by two vectors in registers while k runs; the blocks are those of
Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008),
here with the left panel in the first-level cache and the right block in the second.
No choice depends on the number of threads, so results do not either.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen import sizes
from codegen.gemm.chunks import chunks_of
from codegen.gemm.product import Product
from codegen.gemm.ways import Tile, Way, at_most, strips, tile_of
from codegen.scalars import is_float
from codegen.sizes import Size
from codegen.target import Target

TINY = 512  # multiplications; fewer are not worth a call
DEPTH_BYTES = 2048  # of one row of the left panel
BLOCK_BYTES = 1 << 19  # of a packed right block: half of a second-level cache
FAR_DEPTH, FAR_BYTES = 4096, 1 << 22  # the same where tiles ask for the next panel
FEW_BYTES = 1 << 18  # of all columns of one depth, packed, that need no asking
NEAR_BYTES = 1 << 19  # of all columns of one depth that stay in that cache
BEFORE = 1 << 25  # bytes of an operand small enough to be packed as a whole
PANEL_BYTES = 1 << 14  # of a right block that stays in the first-level cache
GROUP = 8  # strips of rows that go over a larger block together; gemm.h knows it too
COPIES = 5  # of a left panel, one for each block; more are worth packing before
ALIAS = 2048  # rows at multiples of it crowd into few cache sets
MANY_WAYS = 12  # of a set of the cache: one for each row of the tallest tile
CROWDED = 512  # the same for single lines read across all rows
SMALL_BYTES = 1 << 19  # of a right block read in place if k may be anything
FEW = 4  # columns so few that k is the better direction for vectors
UNITS = 16  # the units that columns are cut up to reach


@dataclass(frozen=True)
class Plan:
    """The way, the product as that way sees it, and the blocks of TILES.

    With ``rows_first`` the units of one strip of rows follow each other, so that shares
    are alike where blocks of columns are not, and no two threads write to one row.
    """

    way: Way
    product: Product
    tile: Tile
    chunks: Size = 1  # of k, summed in order afterwards
    pack_right: bool = False
    right_before: bool = False  # packed once for all threads, by a phase or a step
    copy_left: bool = False
    left_before: bool = False
    on_the_way: bool = False  # tiles copy both operands while they multiply
    rows_first: bool = False
    strips: int = 1  # of rows that go over the right block together
    depth: int = 0  # of one block of k
    blocks: Size = 1  # of columns

    @property
    def item(self) -> int:
        """The bytes of a number."""
        return 8 if self.product.dtype == "float64" else 4


def plan_of(product: Product, target: Target) -> Plan:
    """The plan for ``product``; every choice is from sizes known now."""
    tile = tile_of(target, product.dtype)
    if product.packed:
        return _tiles(product, tile, target)
    multiplications = product.m * product.n * product.k
    if not is_float(product.dtype) or at_most(multiplications, TINY):
        return Plan(Way.PLAIN, product, tile)
    turned = product.transposed
    for way, fits in ((Way.DOTS, _suits_dots), (Way.ROW, _suits_row)):
        for candidate in (product, turned):
            if fits(candidate, tile):
                chunks = chunks_of(candidate, tile, way, target.units)
                return Plan(way, candidate, tile, chunks)
    if at_most(product.n, tile.lanes // 2) and turned.right.across == 1:
        product = turned
    return _tiles(product, tile, target)


def _suits_dots(product: Product, tile: Tile) -> bool:
    long = not at_most(product.k, 2 * tile.lanes)  # else summing lanes costs more
    known = isinstance(product.n, int)  # the columns are in the name of a function
    few = known and at_most(product.n, FEW) and (product.n == 1 or product.m != 1)
    return long and few and product.left.across == 1


def _suits_row(product: Product, tile: Tile) -> bool:
    return product.m == 1 and product.right.across == 1


def _tiles(product: Product, tile: Tile, target: Target) -> Plan:
    item = 8 if product.dtype == "float64" else 4
    pack = product.packed or _packs(product, tile, item)
    copy = _copies(product, tile, item, target.ways)
    copies = (pack or copy) and not product.packed
    on_the_way = copies and _copies_on_the_way(product, tile)
    pack = pack or on_the_way
    copy = copy and not on_the_way
    far = pack and tile.together and not at_most(product.n * DEPTH_BYTES, FEW_BYTES)
    copy = copy or far
    row, block = (FAR_DEPTH, FAR_BYTES) if far else (DEPTH_BYTES, BLOCK_BYTES)
    depth = even(product.k, row // item, tile.lanes if on_the_way else 8)
    widest = max(block // item // depth // tile.panel, 1)
    small = _before(product, product.k * product.n * item)
    before = product.packed or (pack and small and not on_the_way)
    near = at_most(product.n * (depth * item), NEAR_BYTES)
    rows_first = near and (before or on_the_way or not pack)
    panels = sizes.floordiv(product.n + (tile.panel - 1), tile.panel)
    needed = sizes.floordiv(panels + (widest - 1), widest)
    blocks = sizes.minimum(panels, sizes.maximum(needed, _shares(product, tile)))
    chunks = chunks_of(product, tile, Way.TILES, target.units)
    together = GROUP if far else _grouped(product, tile, depth * item, pack)
    again = copy and chunks == 1 and (pack or together == 1)
    worth = again and not far and not at_most(blocks, COPIES)
    left_before = worth and _before(product, product.m * product.k * item)
    return Plan(
        Way.TILES,
        product,
        tile,
        chunks,
        pack,
        before,
        copy,
        left_before,
        on_the_way,
        rows_first,
        1 if left_before else together,
        depth,
        blocks,
    )


def _copies_on_the_way(product: Product, tile: Tile) -> bool:
    """Whether tiles can copy what they read: whole vectors of k and whole panels.

    Only tall tiles have steps long enough to copy beside them, and two panels would not
    make up for the copy of the left operand. Asked where one operand is copied anyway.
    """
    rows = product.left.across == product.right.across == 1
    whole = _is_multiple(product.k, tile.lanes) and _is_multiple(product.n, tile.panel)
    return tile.best and rows and whole and not at_most(product.n, 2 * tile.panel)


def _before(product: Product, numbers: Size) -> bool:
    """Whether an operand of so many bytes is packed for all threads at once."""
    return product.batch == 1 and at_most(numbers, BEFORE)


def _grouped(product: Product, tile: Tile, column: int, pack: bool) -> int:
    """How many strips share a panel; ``column`` is the bytes of one of its columns.

    A narrow tile multiplies so little with each number of the right operand that the
    second-level cache hardly keeps up: most strips read them from the first level.
    Strips of a transposed left operand share the lines that they lie in. A packed block
    of few columns is the exception, measured: its panels come in one stream. Narrow
    tiles of columns gain by a group all the same.
    """
    small = at_most(product.n * column, PANEL_BYTES)
    turned = product.left.across != 1
    wanted = (tile.together and turned) if pack else (tile.together or turned)
    return GROUP if wanted and not small else 1


def _shares(product: Product, tile: Tile) -> int:
    """Blocks of columns that make units enough of the strips that there are."""
    high = strips(product.m, tile)
    if not isinstance(high, int):
        return 2
    return -(-UNITS // max(high, 1))


def _packs(product: Product, tile: Tile, item: int) -> bool:
    """Whether the right operand is packed."""
    if product.right.across != 1:
        return True
    if not tile.masks and not _is_multiple(product.n, tile.lanes):
        return True
    if at_most(product.m, tile.short):
        return False
    line = tile.panel * item  # bytes of a panel's row; few of them waste less of a set
    if isinstance(product.k, int):
        lines = 2048 if tile.together else 8192
        small = at_most(product.k * product.n * item, line * lines)
    else:  # packed again by every thread, for every piece of its work
        small = at_most(product.n * DEPTH_BYTES, SMALL_BYTES)
    return not small or _is_multiple(product.n * item, line * 16)


def _copies(product: Product, tile: Tile, item: int, ways: int) -> bool:
    """Whether each thread copies panels of the left operand.

    Rows that all fall into one set of the cache crowd it, unless it has many ways.
    Columns of a transposed operand are read in place by tall tiles, which take most of
    each line that they touch, unless those lines crowd into few sets of the cache.
    """
    if at_most(product.n, 2 * tile.panel):
        return False
    step = product.left.across
    if step == 1:
        crowded = not isinstance(product.k, int) or product.k * item % ALIAS == 0
        return crowded and ways < MANY_WAYS
    return tile.together or not isinstance(step, int) or step * item % CROWDED == 0


def even(k: Size, most: int, step: int) -> int:
    """The depth of equal blocks of k, at most ``most``, in whole steps."""
    if not isinstance(k, int) or k == 0:
        return most
    blocks = -(-k // most)
    return min(most, -(-k // blocks // step) * step)


def _is_multiple(size: Size, step: int) -> bool:
    return sizes.mod(size, step) == 0
