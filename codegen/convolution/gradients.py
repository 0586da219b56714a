"""How the gradient of results is read: where it lies, or unpooled on the way.

Where results were pooled 2 by 2, a band of rows is made from the gradient of the pooled
ones and from the places of the maxima, in this thread's scratch, just before it is
used: the whole image is never in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.geometry import plane, position
from codegen.convolution.weight_tiles import WeightTile
from codegen.ir import ConvolutionBackwardWeights, Image
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size, symbol

SAMPLES = "for (int64_t sample = base; sample < after; sample++)"


@dataclass(frozen=True)
class Gradient:
    """dy as the pixels of a tile read it: in place, or unpooled to the scratch.

    In the array ``base``, row ``row`` of the first vector of ``sample`` begins at
    ``start``, and each further vector ``plane`` elements on; ``unpool`` are the lines
    that fill the scratch, ``scratch`` its bytes.
    """

    base: str
    start: Size
    plane: Size
    unpool: tuple[str, ...] = ()
    scratch: Size = 0


def unpooled(step: ConvolutionBackwardWeights) -> Image:
    """The image of the gradient before any pooling."""
    dy = step.dy
    if step.places is None:
        return dy
    return replace(dy, height=dy.height * 2, width=dy.width * 2)


def gradient_of(
    step: ConvolutionBackwardWeights, tile: WeightTile, most: Size, used: Size
) -> Gradient:
    """How dy is read, ``most`` rows at a time; ``used`` of the scratch is taken."""
    dy, row = step.dy, symbol("row")
    if step.places is None:
        bundle = symbol("bundle") * tile.vectors
        return Gradient(
            dy.buffer.name, position(dy, symbol("sample"), bundle, row, 0), plane(dy)
        )
    pitch = dy.width * 2 * dy.block
    start = (symbol("sample") - symbol("base")) * tile.vectors * (most * pitch)
    item = np.dtype(dy.buffer.dtype).itemsize
    ctype = C_TYPES[dy.buffer.dtype]
    lines = [
        f"{ctype} *const unpooled = ({ctype} *)(scratch + {sizes.text(used)});",
        *text.block(SAMPLES, _pairs_of_rows(step, tile, start, most * pitch)),
    ]
    return Gradient(
        "unpooled",
        start + (row - symbol("top")) * pitch,
        most * pitch,
        tuple(lines),
        most * pitch * tile.vectors * item,
    )


def _pairs_of_rows(
    step: ConvolutionBackwardWeights, tile: WeightTile, start: Size, each: Size
) -> list[str]:
    """The rows of a band for the vectors of a bundle, ``each`` elements of one."""
    dy, places, pair = step.dy, step.places, symbol("pair")
    assert places is not None
    pitch = dy.width * 2 * dy.block
    to = start + symbol("k") * each + (pair * 2 - symbol("top")) * pitch
    vector = symbol("bundle") * tile.vectors + symbol("k")
    at = sizes.text(position(dy, symbol("sample"), vector, pair, 0))
    call = (
        f"sg_unpool_{suffix(dy.buffer.dtype)}(unpooled + {sizes.text(to)}, "
        f"{sizes.text(pitch)}, {dy.buffer.name} + {at}, {places.name} + {at}, "
        f"{sizes.text(dy.width)});"
    )
    pairs = "for (int64_t pair = top / 2; pair < bottom / 2; pair++)"
    return text.loop("k", tile.vectors, text.block(pairs, [call]))
