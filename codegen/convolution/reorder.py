"""Images between the plain order and blocked ones.

Where a block is a vector, squares of as many pixels are turned in registers; the pixels
that are left, and blocks of another width, are copied number by number.
"""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import helpers, text
from codegen.convolution.geometry import blocks, plane
from codegen.emission import Emission, Helper, Phase
from codegen.errors import CodegenError
from codegen.ir import Image, Reorder
from codegen.sizes import Size, symbol
from codegen.target import Target

HEADERS = ("vectors.h", "squares.h")


def emit_reorder(step: Reorder, target: Target) -> Emission:
    """target = source in another order; a unit is one block of one sample."""
    source, to = step.source, step.target
    shapes = [(i.batch, i.channels, i.height, i.width) for i in (source, to)]
    if shapes[0] != shapes[1]:
        raise CodegenError(f"reorder: source is {shapes[0]}, target is {shapes[1]}")
    if source.block != 1 and to.block not in (1, source.block):
        raise CodegenError(f"reorder: from block {source.block} to block {to.block}")
    wide = max(source.block, to.block)
    number = -(-source.channels // wide)
    area = source.height * source.width
    helper = _helper(step, wide, target)
    body = [
        *text.decode("unit", [("sample", source.batch), ("block", number)]),
        *(_lanes(source, wide) if 1 in (source.block, to.block) else []),
        "int64_t pixel = 0;",
        *(_squares(step, wide, helper) if helper else []),
        *text.block(f"for (; pixel < {sizes.text(area)}; pixel++)", _pixel(step, wide)),
    ]
    phase = Phase(
        tuple(text.block("for (int64_t unit = begin; unit < end; unit++)", body)),
        (source.buffer, to.buffer),
        source.batch * number,
        0,
        area * wide,
        helpers=(helper,) if helper else (),
    )
    return Emission((phase,), headers=HEADERS)


def _helper(step: Reorder, wide: int, target: Target) -> Helper | None:
    """What turns squares, where there are squares to turn."""
    dtype = step.source.buffer.dtype
    if dtype not in ("float32", "float64") or wide != target.lanes(dtype):
        return None
    return helpers.turn(dtype) if 1 in (step.source.block, step.target.block) else None


def _lanes(image: Image, wide: int) -> list[str]:
    """The channels of a block that there are; its other lanes are zero."""
    left = sizes.minimum(image.channels - symbol("block") * wide, wide)
    return [f"const int64_t lanes = {sizes.text(left)};"]


def _squares(step: Reorder, wide: int, helper: Helper) -> list[str]:
    """Turn ``wide`` pixels at a time."""
    ends = []
    for image in (step.source, step.target):
        rows = "lanes" if image.block == 1 else str(wide)
        ends.append((f"{image.buffer.name} + {_at(image, wide, 0)}", rows))
    (source, high), (to, many) = ends
    down, across = (
        sizes.text(plane(image) if image.block == 1 else wide)
        for image in (step.source, step.target)
    )
    area = sizes.text(step.source.height * step.source.width)
    return [
        f"for (; pixel + {wide} <= {area}; pixel += {wide})",
        f"    {helper.name}({source}, {down}, {high},",
        f"        {to}, {across}, {many});",
    ]


def _pixel(step: Reorder, wide: int) -> list[str]:
    """One pixel, lane by lane."""
    source, to = (
        f"{image.buffer.name}[{_at(image, wide, symbol('lane'))}]"
        for image in (step.source, step.target)
    )
    if step.source.block == 1 and step.target.block != 1:
        copied = f"{to} = lane < lanes ? {source} : 0;"
        return text.loop("lane", wide, [copied])
    stop: Size = symbol("lanes") if step.target.block == 1 else wide
    return text.loop("lane", stop, [f"{to} = {source};"])


def _at(image: Image, wide: int, lane: Size) -> str:
    """Where a lane of the block is at the pixel."""
    start = symbol("sample") * blocks(image) * plane(image)
    if image.block == 1:
        channel = symbol("block") * wide + lane
        return sizes.text(start + channel * plane(image) + symbol("pixel"))
    at = start + symbol("block") * plane(image) + symbol("pixel") * wide
    return sizes.text(at + lane)
