"""What a unit of Winograd's filtering has in its thread's scratch.

The transformed inputs come first, then the products; where results are pooled from
bands, the results of a band, and the rows that are kept of them for the next one; where
tiles overlap, a plane of their sums.
"""

from __future__ import annotations

from codegen.convolution import bands, kept
from codegen.convolution.winograd_cut import Winograd
from codegen.convolution.winograd_overlaps import plane_bytes
from codegen.memory import aligned
from codegen.sizes import Size


def _used(w: Winograd) -> Size:
    """The bytes of the transformed inputs and the products of a unit."""
    elements = w.points * (w.input_step + w.product_step)
    return aligned(elements * w.correlation.item)


def _kept_at(w: Winograd) -> Size:
    """Where in the scratch rows are kept for other bands, in bytes."""
    held = w.bands.held_bytes(w.correlation, 1) if w.bands else plane_bytes(w)
    return _used(w) + aligned(held)


def scratch_bytes(w: Winograd) -> Size:
    """Bytes of scratch that a unit uses."""
    rows = kept.kept_bytes(w.correlation, w.bands) if w.bands and w.keeps else 0
    return _kept_at(w) + rows


def memory_lines(w: Winograd) -> list[str]:
    """What a unit holds of results, and keeps of them."""
    if w.overlaps:
        return [bands.held(w.correlation, _used(w), "plane")]
    if w.bands is None:
        return []
    lines = [bands.held(w.correlation, _used(w))]
    if w.keeps:
        lines.append(bands.held(w.correlation, _kept_at(w), "kept"))
    return lines
