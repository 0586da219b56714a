"""Images between the plain order and blocked ones."""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import text
from codegen.convolution.geometry import blocks, plane
from codegen.emission import Emission, Phase
from codegen.errors import CodegenError
from codegen.ir import Image, Reorder
from codegen.scalars import C_TYPES
from codegen.sizes import Size, symbol
from codegen.target import Target

PIXELS = 16  # pixels whose channels are turned at once


def emit_reorder(step: Reorder, target: Target) -> Emission:
    """target = source in another order; a unit is one block of one sample.

    The wider of the two blocks is turned, ``PIXELS`` pixels at a time, through a
    small array in the first-level cache.
    """
    source, to = step.source, step.target
    shapes = [(i.batch, i.channels, i.height, i.width) for i in (source, to)]
    if shapes[0] != shapes[1]:
        raise CodegenError(f"reorder: source is {shapes[0]}, target is {shapes[1]}")
    if source.block != 1 and to.block not in (1, source.block):
        raise CodegenError(f"reorder: from block {source.block} to block {to.block}")
    wide = max(source.block, to.block)
    number = -(-source.channels // wide)
    area = source.height * source.width
    body = [
        *text.decode("unit", [("sample", source.batch), ("block", number)]),
        *_blocks_of_pixels(step, wide, area),
    ]
    lines = text.block("for (int64_t unit = begin; unit < end; unit++)", body)
    buffers = (source.buffer, to.buffer)
    units = source.batch * number
    phase = Phase(tuple(lines), buffers, units, 0, area * wide)
    return Emission((phase,), headers=("vectors.h",))


def _blocks_of_pixels(step: Reorder, wide: int, area: Size) -> list[str]:
    ctype = C_TYPES[step.source.buffer.dtype]
    inside = [
        f"const int64_t pixels = sg_min({sizes.text(area)} - first, {PIXELS});",
        f"{ctype} turned[{PIXELS}][{wide}] = {{{{0}}}};",
        # a whole block is written out, so that the compiler turns it by shuffles
        *text.block(f"if (pixels == {PIXELS})", _turned(step, wide, PIXELS)),
        *text.block("else", _turned(step, wide, symbol("pixels"))),
    ]
    head = f"for (int64_t first = 0; first < {sizes.text(area)}; first += {PIXELS})"
    return text.block(head, inside)


def _turned(step: Reorder, wide: int, pixels: Size) -> list[str]:
    return [
        *_moved(step.source, wide, pixels, "turned[pixel][lane] = {};"),
        *_moved(step.target, wide, pixels, "{} = turned[pixel][lane];"),
    ]


def _moved(image: Image, wide: int, pixels: Size, form: str) -> list[str]:
    """The loops that move ``pixels`` pixels of an image, along its own order."""
    unrolled = "SG_UNROLL " if isinstance(pixels, int) else ""
    start = symbol("sample") * blocks(image) * plane(image)
    pixel = symbol("first") + symbol("pixel")
    left = image.channels - symbol("block") * wide
    if image.block == 1:
        channel = symbol("block") * wide + symbol("lane")
        at = start + channel * plane(image) + pixel
        moved = [form.format(f"{image.buffer.name}[{sizes.text(at)}]")]
        return text.loop(
            "lane",
            sizes.minimum(left, wide),
            text.block(f"{unrolled}{text.count('pixel', pixels)}", moved),
        )
    at = start + symbol("block") * plane(image) + pixel * wide + symbol("lane")
    moved = [form.format(f"{image.buffer.name}[{sizes.text(at)}]")]
    lanes = text.block(f"{unrolled}{text.count('lane', wide)}", moved)
    return text.block(f"{unrolled}{text.count('pixel', pixels)}", lanes)
