"""A correlation as Winograd's filtering has it: in tiles, runs of them, and shares."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import sizes
from codegen.convolution.bands import Bands
from codegen.convolution.geometry import Correlation, blocks
from codegen.convolution.winograd_grid import (
    banded_grid,
    inputs_grid,
    is_transposed,
    outputs_of,
)
from codegen.sizes import Size


@dataclass(frozen=True)
class Winograd:
    """A correlation cut in tiles: units of ``pieces`` of tiles, each a register tile
    with ``vectors`` of output channels; ``group`` vectors go through a unit at once.
    With ``bands`` a unit takes all tiles of one or more bands, or a sample's bands one
    after another. Few tiles are taken by ``shares`` units, each for some of the output
    channels.
    """

    correlation: Correlation
    side: int
    vectors: int
    pieces: tuple[int, ...]
    group: int
    bands: Bands | None = None
    shares: int = 1

    @property
    def points(self) -> int:
        """Products that a tile takes, for each input and output channel."""
        return self.side * self.side

    @property
    def runs(self) -> Size:
        """Runs of tiles that units take, each as many units as there are shares."""
        batch = self.correlation.source.batch
        if self.keeps:
            return batch
        return sizes.floordiv(batch * self.sample_tiles + (self.tiles - 1), self.tiles)

    @property
    def share(self) -> int:
        """Vectors of output channels of a unit."""
        return self.correlation.channels.vectors // self.shares

    @property
    def step(self) -> tuple[int, int]:
        """Rows and columns from one tile to the next."""
        return outputs_of(self.side, self.correlation.rows, self.correlation.columns)

    @property
    def outputs(self) -> tuple[int, int]:
        """Rows and columns of results of a tile."""
        return (self.side, self.side) if self.transposed else self.step

    @property
    def transposed(self) -> bool:
        """Whether tiles are those of the input, and the transforms the transposed."""
        return is_transposed(self.correlation, self.side)

    @property
    def overlaps(self) -> bool:
        """Whether the results of some tiles have to be added up."""
        return self.transposed and self.sample_tiles > 1

    @property
    def patch(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Where the input of the first tile begins, and its extents."""
        if self.transposed:
            return (0, 0), self.step
        first = self.correlation.rows.first, self.correlation.columns.first
        return first, (self.side, self.side)

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles down and across one band, or one sample where there are none."""
        if self.transposed:
            return inputs_grid(self.side, self.correlation)
        rows, columns = self.correlation.rows, self.correlation.columns
        return banded_grid(self.side, rows, columns, self.bands)

    @property
    def keeps(self) -> bool:
        """Whether a unit makes the bands of a sample, and keeps rows between them."""
        return self.bands is not None and self.bands.step > 0

    @property
    def sample_tiles(self) -> int:
        """Tiles of one sample."""
        return self.grid[0] * self.grid[1] * (self.bands.count if self.bands else 1)

    @property
    def tiles(self) -> int:
        """Tiles of a unit."""
        return sum(self.pieces)

    @property
    def input_row(self) -> int:
        """Elements from the input channels of one tile to those of the next."""
        return _spread(blocks(self.correlation.source), self.correlation)

    @property
    def input_step(self) -> int:
        """Elements from one point to the next."""
        return self.tiles * self.input_row + self.correlation.lanes

    @property
    def product_row(self) -> int:
        """Elements from the output channels of one tile to those of the next."""
        return _spread(self.group, self.correlation)

    @property
    def product_step(self) -> int:
        """Elements from one point to the next."""
        return self.tiles * self.product_row + self.correlation.lanes

    @property
    def filter_step(self) -> int:
        """Elements from the filters of one point to those of the next."""
        channels = self.correlation.channels
        return channels.vectors * channels.inputs * channels.lanes


def _spread(vectors: int, c: Correlation) -> int:
    """The elements of ``vectors``, off the powers of two that share cache sets."""
    elements, page = vectors * c.lanes, 4096 // c.item
    return elements + c.lanes if elements % page == 0 else elements
