"""What layers ask of their arguments and of the shape of their input."""

from __future__ import annotations

from operator import index

from symgraph.graph import GraphError, TensorType
from symgraph.layers.layer import Layer


def positive(layer: Layer, what: str, value: object) -> int:
    """``value`` as an int of at least 1."""
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise GraphError(
            f"{layer.label}: {what} expects an integer >= 1, got {value!r}"
        )
    return number


def fraction(layer: Layer, what: str, value: float) -> float:
    """``value`` as a float in [0, 1)."""
    if not 0.0 <= float(value) < 1.0:
        raise GraphError(
            f"{layer.label}: {what} expects 0 <= {what} < 1, got {value!r}"
        )
    return float(value)


def size_of(layer: Layer, x: TensorType, axis: int, layout: str) -> int:
    """The size of ``x`` along ``axis``, which parameters are made for.

    ``layout`` names the dimensions the layer expects, such as "[batch, features]".
    """
    if x.ndim != layout.count(",") + 1:
        raise GraphError(f"{layer.label}: expects {layout}, got {x}")
    size = x.shape[axis]
    if size is None:
        what = layout.strip("[]").split(", ")[axis]
        raise GraphError(
            f"{layer.label}: the number of {what} must be known to make the "
            f"parameters, got {x}; give it in input_shape"
        )
    return size
