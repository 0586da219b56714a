"""The kernels of a profile under the roofline of the machine, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from codegen.roofline import Roofline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from symgraph.compile.profile import Row

_LARGEST = 400  # square points, of the kernel that takes longest
_NAMED = 8  # of the kernels, those that take longest


def plot_roofline(
    name: str, rows: Sequence[Row], machine: Roofline, path: str | Path
) -> None:
    """Write to ``path`` a point for each kernel, its area the time that it takes.

    Raises ImportError where matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            f"{name}.profile().plot: matplotlib is not installed; "
            "run: pip install 'symgraph[plot]'"
        ) from None
    shown = [row for row in rows if row.flops and row.bytes and row.seconds]
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log")
    _draw_kernels(axes, shown)
    _draw_roofs(axes, machine, [row.intensity for row in shown])
    axes.set(title=name, xlabel="flop/byte", ylabel="Gflop/s")
    axes.legend()
    figure.savefig(path)


def _draw_kernels(axes: Axes, shown: Sequence[Row]) -> None:
    """A point for each kernel, and the names of those that take longest."""
    intensity = np.array([row.intensity for row in shown])
    speed = np.array([row.flops / row.seconds for row in shown])
    longest = max((row.seconds for row in shown), default=1.0)
    area = [_LARGEST * row.seconds / longest for row in shown]
    axes.scatter(intensity, speed / 1e9, area, alpha=0.5)
    points = zip(shown, intensity, speed / 1e9, strict=True)
    for row, x, y in sorted(points, key=lambda point: -point[0].seconds)[:_NAMED]:
        axes.annotate(row.layer or row.kernel[:24], (x, y), fontsize=7)


def _draw_roofs(axes: Axes, machine: Roofline, intensities: Sequence[float]) -> None:
    """What bandwidth allows up to the ridge, and the peak from there on."""
    seen = [*intensities, machine.peak() / machine.bandwidth]
    span = np.geomspace(min(seen) / 4, max(seen) * 4, 200)
    for dtype in ("float32", "float64"):
        roof = np.minimum(machine.peak(dtype), span * machine.bandwidth)
        axes.plot(span, roof / 1e9, label=dtype)
