"""Strips of tiles along a row, and which columns of a tile a tap sees."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import sizes
from codegen.convolution.geometry import Axis
from codegen.sizes import Size

Span = tuple[int, int]


@dataclass(frozen=True)
class Strip:
    """Tiles of ``width`` columns, side by side as far as ``stop``.

    With ``spans``, one tile that begins at ``start``: ``spans[s]`` are the columns of
    the tile, from the first to the last + 1, whose input exists at tap ``s``.
    """

    width: int
    stop: Size
    start: int = 0
    spans: tuple[Span, ...] = ()

    @property
    def length(self) -> int:
        """Columns of a strip that ends at a known column."""
        return sizes.evaluate(self.stop, {}) - self.start


def spans(axis: Axis, start: int, width: int) -> tuple[Span, ...]:
    """For each tap, the outputs of ``start .. start + width`` whose input exists.

    Output ``start + j`` is there at tap t where ``0 <= first + stride (start + j)
    + dilation t < extent``.
    """
    found, extent = [], axis.lengths[1]
    for tap in range(len(axis.taps)):
        at = axis.first + axis.stride * start + axis.dilation * tap
        low = min(max(-(at // axis.stride), 0), width)
        high = -((at - extent) // axis.stride)
        found.append((low, max(min(high, width), low)))
    return tuple(found)


def strips_of(columns: Axis, widths: list[int], clipped: bool) -> tuple[Strip, ...]:
    """Tiles side by side; equal neighbours that miss nothing in one strip."""
    strips: list[Strip] = []
    start = 0
    for width in widths:
        seen = spans(columns, start, width) if clipped else ()
        stop = start + width
        if all(span == (0, width) for span in seen):
            last = strips[-1] if strips else None
            if last and last.width == width and not last.spans:
                strips[-1] = Strip(width, stop, last.start)
            else:
                strips.append(Strip(width, stop, start))
        else:
            strips.append(Strip(width, stop, start, seen))
        start = stop
    return tuple(strips)
