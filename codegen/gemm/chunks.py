"""Into how many parts the k of a product is cut, which are summed in order afterwards.

No choice depends on the number of threads, so results do not either.
"""

from __future__ import annotations

from codegen import sizes
from codegen.gemm.product import Product
from codegen.gemm.ways import Tile, Way, at_most, strips
from codegen.sizes import Size

ROW_BLOCK = 4096  # columns of one unit of a single row: its output stays near
LEAST_HALF, FEW_SUMS = 192, 1 << 16  # of k; shared by all halves
# the least k worth a chunk of its own
CHUNK = {Way.ROW: 128, Way.DOTS: 512, Way.TILES: 512}


def chunks_of(product: Product, tile: Tile, way: Way, units: int) -> Size:
    """Into how many parts k is cut so that there are ``units``, or half as many.

    Where k is far longer than rows and columns it is cut in two all the same: each
    half is then read by the same threads that made it, instead of all by all.
    """
    if units == 1:
        return 1
    wide = ROW_BLOCK if way is Way.ROW else tile.panel
    columns = sizes.floordiv(product.n + (wide - 1), wide)
    parts = strips(product.m, tile) * columns * product.batch
    if not isinstance(parts, int) or parts > units // 2:
        return _halves(product) if way is Way.TILES and product.batch == 1 else 1
    chunks = sizes.floordiv(product.k, CHUNK[way])
    return sizes.maximum(1, sizes.minimum(units // parts, chunks))


def _halves(product: Product) -> Size:
    """2 where both halves of k are longer than the sums, which are few; else 1."""
    m, n, k = product.m, product.n, product.k
    known = [2 * size for size in (m, n) if isinstance(size, int)]
    if at_most(k, max([LEAST_HALF, *known]) - 1):
        return 1
    few = sizes.floordiv(FEW_SUMS, sizes.maximum(m * n, 1))
    if at_most(few, 1):
        return 1
    long = sizes.floordiv(k, sizes.maximum(sizes.maximum(m, n) * 2, LEAST_HALF))
    return sizes.maximum(1, sizes.minimum(2, sizes.minimum(long, few)))
