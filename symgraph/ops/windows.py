"""The geometry of sliding windows, shared by convolution and pooling.

Along each of two spatial axes a window of ``window`` elements, ``dilation`` apart,
starts every ``stride`` elements of an input padded by (before, after). A *tap* is one
position inside the window; the elements that a tap meets are a strided slice of the
padded input, and every reference here is a sum over taps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symgraph.graph import GraphError

Array: TypeAlias = NDArray[Any]
Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = tuple[Pair, Pair]
PairLike: TypeAlias = "int | Sequence[int]"
PaddingLike: TypeAlias = "str | int | Sequence[int | Sequence[int]]"
Sizes: TypeAlias = "Sequence[int | None]"

NO_PADDING: Padding = ((0, 0), (0, 0))


def output_size(size: Any, window: Any, pads: Pair, stride: int, dilation: int) -> Any:
    """(size + pads - dilation (window - 1) - 1) // stride + 1, of ints or symbols."""
    return (size + sum(pads) - dilation * (window - 1) - 1) // stride + 1


def output_sizes(
    op: str,
    sizes: Sizes,
    window: Sizes,
    padding: Padding,
    stride: Pair,
    dilation: Pair = (1, 1),
) -> tuple[int | None, int | None]:
    """How many windows fit along each axis, None where not known.

    Raises ``GraphError`` where a window is larger than the padded input.
    """
    found: list[int | None] = []
    for name, size, span, pads, step, gap in zip(
        ("height", "width"), sizes, window, padding, stride, dilation, strict=True
    ):
        known = size is not None and span is not None
        count = output_size(size, span, pads, step, gap) if known else None
        if count is not None and count < 1 and size is not None and span is not None:
            raise GraphError(
                f"{op}: a window spans {gap * (span - 1) + 1} in {name}, "
                f"the padded input has {size + sum(pads)}"
            )
        found.append(count)
    return found[0], found[1]


def pair(op: str, argument: str, value: int | Sequence[int], least: int = 1) -> Pair:
    """``value`` for height and width, from one int or two."""
    both = (value, value) if isinstance(value, (int, np.integer)) else tuple(value)
    if len(both) != 2 or any(int(v) != v or v < least for v in both):
        raise GraphError(
            f"{op}: {argument} must be one or two ints >= {least}, got {value!r}"
        )
    return int(both[0]), int(both[1])


def resolve_padding(
    op: str,
    padding: PaddingLike,
    sizes: Sizes,
    window: Sizes,
    stride: Pair,
    dilation: Pair = (1, 1),
) -> Padding:
    """Padding as ((top, bottom), (left, right)).

    Accepts "valid" (none), "same" (as many outputs as ceil(size / stride), the odd
    element of padding after), "full", an int, two ints, or two pairs.
    """
    if isinstance(padding, str):
        return _named_padding(op, padding, sizes, window, stride, dilation)
    if isinstance(padding, (int, np.integer)):
        padding = (padding, padding)
    sides = tuple(_side(op, side) for side in padding)
    if len(sides) != 2:
        raise GraphError(f"{op}: padding must name two axes, got {padding!r}")
    return sides[0], sides[1]


def taps(
    window: Pair, counts: Pair, stride: Pair, dilation: Pair = (1, 1)
) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
    """For each tap (r, s), the slice of the padded input that it meets."""
    for r, s in product(range(window[0]), range(window[1])):
        rows = _span(r * dilation[0], counts[0], stride[0])
        columns = _span(s * dilation[1], counts[1], stride[1])
        yield r, s, (..., rows, columns)


def pad(x: Array, padding: Padding, value: Any = 0) -> Array:
    """x with the last two axes padded by ``value``."""
    if padding == NO_PADDING:
        return x
    widths = ((0, 0),) * (x.ndim - 2) + padding
    return np.pad(x, widths, constant_values=value)


def crop(x: Array, padding: Padding) -> Array:
    """x without the padding of its last two axes: the transpose of zero ``pad``."""
    (top, bottom), (left, right) = padding
    height, width = x.shape[-2:]
    return x[..., top : height - bottom, left : width - right]


def padded_shape(leading: tuple[int, ...], size: Pair, padding: Padding) -> Any:
    """The shape of an image of ``size`` once padded, after the leading axes."""
    (top, bottom), (left, right) = padding
    return (*leading, size[0] + top + bottom, size[1] + left + right)


def _span(start: int, count: int, step: int) -> slice:
    return slice(start, start + (count - 1) * step + 1 if count else start, step)


def _side(op: str, side: int | Sequence[int]) -> Pair:
    try:
        return pair(op, "padding", side, least=0)
    except TypeError:
        raise GraphError(f"{op}: padding must be ints or pairs, got {side!r}") from None


def _named_padding(
    op: str, name: str, sizes: Sizes, window: Sizes, stride: Pair, dilation: Pair
) -> Padding:
    if name == "valid":
        return NO_PADDING
    if name not in ("same", "full"):
        raise GraphError(
            f"{op}: padding must be 'valid', 'same', 'full', ints or pairs, "
            f"got {name!r}"
        )
    if window[0] is None or window[1] is None:
        raise GraphError(f"{op}: padding {name!r} needs a window of known size")
    spans = [d * (w - 1) for d, w in zip(dilation, window, strict=True) if w]
    if name == "full":
        return (spans[0], spans[0]), (spans[1], spans[1])
    total = [_same(op, *each) for each in zip(sizes, spans, stride, strict=True)]
    top, left = (both // 2 for both in total)
    return (top, total[0] - top), (left, total[1] - left)


def _same(op: str, size: int | None, span: int, stride: int) -> int:
    """The padding that gives ceil(size / stride) windows."""
    if stride == 1:
        return span
    if size is None:
        raise GraphError(
            f"{op}: padding 'same' with stride {stride} needs an input of known size"
        )
    return max((-(-size // stride) - 1) * stride + span + 1 - size, 0)
