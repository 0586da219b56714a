"""Tiles of Winograd's filtering, counted through all samples, and their patches."""

from __future__ import annotations

from codegen import sizes
from codegen.convolution.geometry import position
from codegen.emission import Helper
from codegen.ir import Image
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
    helper: Helper,
    image: Image,
    first: Size,
    number: Size,
    corner: tuple[Size, Size],
    shape: tuple[int, int],
    to: tuple[str, Size],
) -> list[str]:
    """``helper`` on a patch of ``sample`` in each of ``number`` blocks from ``first``.

    Patches have that ``shape`` from ``corner`` on. Their points stand ``to`` that place
    and that step apart, block beside block.
    """
    start = sizes.text(position(image, symbol("sample"), first, 0, 0))
    fields = (image.height, image.width, *corner, *shape)
    window = ", ".join(sizes.text(field) for field in fields)
    place, step = to
    pointer = f"{image.buffer.name} + {start}"
    return [
        f"const sg_window window = {{{window}}};",
        f"{helper.name}({pointer}, {sizes.text(number)}, &window, {place},",
        f"    {sizes.text(step)});",
    ]
