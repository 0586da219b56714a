"""Rows that pass by twos are asked for some steps before they are wanted.

A processor follows a stream by itself as far as it goes on without a break. Where each
row of results reads or writes more than one row anew, as strides have it, these rows
are as many streams that break off at their ends. So each step asks for its share of
them, in the order of memory, and what is asked for is one stream.
"""

from __future__ import annotations

import numpy as np

from codegen import sizes
from codegen.convolution.geometry import LINE_BYTES, position
from codegen.ir import Image
from codegen.sizes import Size, symbol

BYTES_AHEAD = 8 << 10
MOST_LINES = 16  # of a step; the rows of larger ones are streams of their own


def asked(
    image: Image,
    stride: tuple[int, int],
    step: Size,
    count: Size,
    written: bool = False,
) -> list[str]:
    """Ask for the share of ``step`` among ``count`` in the rows further on.

    A step is as many columns of as many rows as ``stride`` says.
    """
    rows, columns = stride
    after = step - count
    if rows == 1 or (isinstance(after, int) and after >= 0):
        return []
    item = np.dtype(image.buffer.dtype).itemsize
    each = rows * columns * image.block
    at = position(image, symbol("sample"), symbol("bundle"), symbol("row") * rows, 0)
    at = at + step * each + BYTES_AHEAD // item
    lines = range(0, each, LINE_BYTES // item)
    if len(lines) > MOST_LINES:
        return []
    return [
        f"__builtin_prefetch({image.buffer.name} + {sizes.text(at + line)},"
        f" {int(written)}, 3);"
        for line in lines
    ]
