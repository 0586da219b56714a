"""Builders that read parts of arrays."""

from __future__ import annotations

from symgraph.graph import TypeMismatch, Variable, config, is_integer
from symgraph.ops.arguments import Size, TensorLike, as_variable
from symgraph.ops.cast import cast
from symgraph.ops.comparison import eq
from symgraph.ops.creation import arange
from symgraph.ops.reshaping import expand_dims


def one_hot(labels: TensorLike, count: Size, dtype: str | None = None) -> Variable:
    """y[..., k] = [labels[...] = k] for k < count; ``floatX`` unless given."""
    labels = as_variable(labels)
    if not is_integer(labels.dtype):
        raise TypeMismatch(f"one_hot: labels must be integers, got {labels.type}")
    classes = cast(arange(count), labels.dtype)
    hot = eq(expand_dims(labels, labels.ndim), classes)
    return cast(hot, dtype or config.floatX)
