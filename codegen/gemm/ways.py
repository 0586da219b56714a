"""The ways in which a product is computed, and the register tile of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from codegen import sizes
from codegen.sizes import Size
from codegen.target import Target


class Way(Enum):
    """How a product is computed."""

    PLAIN = "plain"  # loops of the IR
    ROW = "row"  # one row times a matrix
    DOTS = "dots"  # few columns, vectors along k
    TILES = "tiles"  # register tiles


@dataclass(frozen=True)
class Tile:
    """The register tile of ``include/gemm.h`` for one target and dtype."""

    rows: int  # of a full tile
    group: int  # rows are dealt out in groups of this many
    lanes: int
    together: bool  # whether panels of the right operand must stay near for some rows
    masks: bool  # whether part of a vector loads at full speed

    @property
    def best(self) -> bool:
        """Whether tiles are tall and have masks, which is AVX-512."""
        return self.masks and not self.together

    @property
    def edges(self) -> bool:
        """Whether there are tiles for up to four last columns."""
        return self.masks and self.lanes >= 8

    @property
    def panel(self) -> int:
        """Columns of a full tile."""
        return 2 * self.lanes

    @property
    def short(self) -> int:
        """Rows too few for packing the right operand to pay; tall tiles reuse more."""
        return 2 * self.rows * self.rows


def tile_of(target: Target, dtype: str) -> Tile:
    """The register tile that ``include/gemm.h`` has for ``target``."""
    wide = target.registers >= 32
    return Tile(
        12 if wide else 6,
        4 if wide else 2,
        target.lanes(dtype),
        not wide,
        target.vector_bytes >= 32,
    )


def strips(m: Size, tile: Tile) -> Size:
    """How many strips of up to a tile's rows there are in ``m`` rows."""
    return sizes.floordiv(m + (tile.rows - 1), tile.rows)


def at_most(size: Size, most: int) -> bool:
    """Whether a size is known to be no more than ``most``."""
    bound = sizes.bound(size)
    return bound is not None and bound <= most
