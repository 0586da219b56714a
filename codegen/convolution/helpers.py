"""The large functions of Winograd's filtering: each form that a file needs, once.

``winograd.h`` and ``products.h`` have them as macros, as their loops unroll where the
extents are constants.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codegen import sizes
from codegen.convolution.tiles import writes_out
from codegen.emission import Helper
from codegen.scalars import C_TYPES, suffix
from codegen.sizes import Size

ALONG, ACROSS = "along", "across"


def _helper(stage: str, dtype: str, *numbers: int) -> Helper:
    kind, extents = suffix(dtype), [*map(str, numbers)]
    name = "_".join(["sg", stage, *extents, kind])
    parameters = ", ".join([C_TYPES[dtype], kind, *extents])
    return Helper(name, f"SG_{stage.upper()}", parameters)


def inputs(dtype: str, side: int, outputs: int) -> Helper:
    """B' d B at side by side points; tiles are ``outputs`` columns apart."""
    return _helper("winograd_input", dtype, side, outputs)


def filters(dtype: str, side: int, taps: tuple[int, int]) -> Helper:
    """G g G' at side by side points, of rows by columns of taps."""
    return _helper("winograd_filter", dtype, side, *taps)


def gradients(dtype: str, side: int, extents: tuple[int, int]) -> Helper:
    """The same of tiles of dy, rows by columns, which calls ``filters`` for them."""
    return _helper("winograd_gradient", dtype, side, *extents)


def outputs(dtype: str, side: int, extents: tuple[int, int]) -> Helper:
    """A' z A from side by side points, to rows by columns of outputs."""
    return _helper("winograd_output", dtype, side, *extents)


def spread(dtype: str, side: int, extents: tuple[int, int]) -> Helper:
    """A d A' at side by side points, of rows by columns."""
    return _helper("winograd_spread", dtype, side, *extents)


def seen(dtype: str, side: int) -> Helper:
    """B z B' from side by side points, to as many rows and columns."""
    return _helper("winograd_seen", dtype, side)


def products(
    dtype: str, vectors: int, pieces: Sequence[int], order: str, lanes: int
) -> Helper:
    """Sums of products in tiles of ``vectors`` by the longest piece.

    The pieces are even: the others have one number less. ``order`` says where inputs
    lie side by side: ALONG the turns of a sum or ACROSS its width.
    """
    stage = "products"
    if writes_out(lanes * np.dtype(dtype).itemsize):
        stage += f"_{order}"
    return _helper(stage, dtype, vectors, pieces[0], max(pieces[0] - 1, 1))


def channel_sums(dtype: str, squares: bool) -> Helper:
    """Records of sums added up: means and variances, or the totals of two sums."""
    return _helper("moments" if squares else "totals", dtype)


def sum_shares(dtype: str) -> Helper:
    """Shares added up, and their vectors transposed."""
    return _helper("sum_shares", dtype)


def turn(dtype: str) -> Helper:
    """A square of numbers, its rows as columns."""
    return _helper("turn", dtype)


def products_call(
    helper: Helper,
    pieces: Sequence[int],
    pointers: tuple[str, str, str],
    fields: dict[str, Size],
    ahead: bool,
) -> list[str]:
    """The sums over ``pieces`` from inputs and filters to a third of ``pointers``.

    What is ``ahead`` is asked for meanwhile.
    """
    fields = {**fields, "wide": pieces[0] * pieces.count(pieces[0])}
    texts = (f".{name} = {sizes.text(fields[name], sizes.FREE)}" for name in fields)
    return [
        "const sg_products size = {",
        *(f"    {text}," for text in texts),
        *(["    .ahead = &ahead,"] if ahead else []),
        "};",
        f"{helper.name}({', '.join(pointers)}, &size);",
    ]
