"""The gradient of the input as correlations: one for each residue modulo the stride.

    dx[p] = sum_t w[t] dy[i],  where  stride i + dilation t = p + padding

Among the positions p of one residue class the taps that meet any i are evenly spaced,
and i moves by one where p moves by the stride. So each class is a correlation as
``geometry.py`` has it, and no zero is ever inserted between the elements of dy.
"""

from __future__ import annotations

from math import gcd

from codegen.convolution.geometry import Axis
from codegen.ir import Window
from codegen.sizes import Size, floordiv


def residue_taps(window: Window, axis: int) -> list[range]:
    """For each residue of position + padding, the taps that meet it, descending."""
    stride, dilation = window.stride[axis], window.dilation[axis]
    spacing = stride // gcd(stride, dilation)
    found = []
    for residue in range(stride):
        taps = [
            t for t in range(window.kernel[axis]) if t * dilation % stride == residue
        ]
        found.append(range(taps[-1], taps[0] - 1, -spacing) if taps else range(0))
    return found


def backward_axes(window: Window, axis: int, extent: Size, length: Size) -> list[Axis]:
    """The axes that together make an input gradient of ``length`` from dy."""
    stride, dilation = window.stride[axis], window.dilation[axis]
    padding = window.padding[axis][0]
    axes = []
    for residue, taps in enumerate(residue_taps(window, axis)):
        start = (residue - padding) % stride
        first = (start + padding - taps[0] * dilation) // stride if taps else 0
        axes.append(
            Axis(
                floordiv(length - start + stride - 1, stride),
                extent,
                taps,
                first,
                dilation=dilation // gcd(stride, dilation),
                start=start,
                step=stride,
            )
        )
    return axes
