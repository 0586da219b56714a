"""Tiles of Winograd's filtering, counted through all samples, and their patches."""

from __future__ import annotations

from codegen import sizes
from codegen.convolution import ahead, text
from codegen.convolution.geometry import position
from codegen.ir import Image
from codegen.scalars import C_TYPES
from codegen.sizes import Size, symbol


def place(grid: tuple[int, int], outputs: tuple[int, int], index: str) -> list[str]:
    """Which tile of which sample ``index`` is, and the corner of its outputs."""
    down, across = grid
    return [
        f"const int64_t index = {index};",
        f"const int64_t sample = index / {down * across};",
        f"const int64_t row = index / {across} % {down} * {outputs[0]};",
        f"const int64_t column = index % {across} * {outputs[1]};",
    ]


def patch(
    image: Image,
    block: Size,
    corner: tuple[Size, Size],
    shape: tuple[int, int],
    call: str,
) -> list[str]:
    """``call`` with the place and the row step of a patch of ``sample``.

    A patch that reaches outside the image is copied first, with zeros there.
    """
    lanes, name = image.block, image.buffer.name
    at = sizes.text(position(image, symbol("sample"), block, *corner))
    start = sizes.text(position(image, symbol("sample"), block, 0, 0))
    within = " && ".join(
        f"{sizes.text(first)} >= 0 && {sizes.text(first + size)} <= {sizes.text(most)}"
        for first, size, most in zip(
            corner, shape, (image.height, image.width), strict=True
        )
    )
    fields = [image.height, image.width, *corner, *shape]
    window = ", ".join(sizes.text(field) for field in fields)
    direct = call.format(f"{name} + {at}", sizes.text(image.width * lanes))
    copied = [
        f"{C_TYPES[image.buffer.dtype]} patch[{shape[0] * shape[1] * lanes}];",
        f"const sg_window window = {{{window}}};",
        f"sg_copy_plane((char *)patch, (const char *)({name} + {start}),",
        f"              {lanes} * sizeof *patch, window);",
        call.format("patch", shape[1] * lanes),
    ]
    return [
        *text.block(f"if ({within})", [direct]),
        *text.block("else", copied),
    ]


def asked(
    image: Image, block: Size, corner: tuple[Size, Size], shape: tuple[int, int]
) -> list[str]:
    """Ask for what is under a patch of ``sample``, to read it later."""
    at = position(image, symbol("sample"), block, *corner)
    place = f"{image.buffer.name} + {sizes.text(at)}"
    return [ahead.asked_rows(place, image, shape, ahead.READ)]
