"""The type of a variable: a dtype and a shape, ``None`` for a dimension not known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import index

from symgraph.graph.dtypes import KINDS, dtype_name
from symgraph.graph.errors import GraphError, TypeMismatch


@dataclass(frozen=True)
class TensorType:
    """``TensorType(dtype, shape)``; a dimension that is not known is ``None``.

    >>> str(TensorType("float32", (None, 3)))
    'float32[?, 3]'
    """

    dtype: str
    shape: tuple[int | None, ...]

    def __post_init__(self) -> None:
        if type(self.dtype) is not str or self.dtype not in KINDS:
            name = dtype_name("TensorType", self.dtype)
            object.__setattr__(self, "dtype", name)
        object.__setattr__(self, "shape", _checked(self.shape))

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def is_static(self) -> bool:
        """Whether every dimension is known."""
        return None not in self.shape

    def with_dtype(self, dtype: str) -> TensorType:
        """The same shape with another dtype."""
        return TensorType(dtype, self.shape)

    def with_shape(self, shape: Iterable[int | None]) -> TensorType:
        """The same dtype with another shape."""
        return TensorType(self.dtype, tuple(shape))

    def accepts(self, other: TensorType) -> bool:
        """Whether a value of type ``other`` may stand where this type is expected."""
        if self.dtype != other.dtype or self.ndim != other.ndim:
            return False
        pairs = zip(self.shape, other.shape, strict=True)
        return all(mine is None or mine == theirs for mine, theirs in pairs)

    def __str__(self) -> str:
        dims = ", ".join("?" if dim is None else str(dim) for dim in self.shape)
        return f"{self.dtype}[{dims}]"


def _checked(shape: Iterable[int | None]) -> tuple[int | None, ...]:
    try:
        dims = tuple(None if dim is None else index(dim) for dim in shape)
    except TypeError:
        raise TypeMismatch(
            f"TensorType: a shape has integers and None, got {shape!r}"
        ) from None
    if any(dim is not None and dim < 0 for dim in dims):
        raise GraphError(f"TensorType: expected dimensions >= 0, got {dims}")
    return dims
