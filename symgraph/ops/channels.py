"""The channels of convolutions: what fits together, and how groups are laid out."""

from __future__ import annotations

from symgraph.graph import GraphError, TensorType
from symgraph.ops.checks import expect_dtype, expect_float, expect_ndim
from symgraph.ops.windows import Array


def group_images(images: Array, groups: int) -> Array:
    """[N,C,H,W] as [N,G,C/G,H*W]."""
    batch, channels, height, width = images.shape
    return images.reshape(batch, groups, channels // groups, height * width)


def group_filters(filters: Array, groups: int) -> Array:
    """[K,C/G,R,S] as [G,K/G,C/G,R,S]."""
    outputs, *rest = filters.shape
    return filters.reshape(groups, outputs // groups, *rest)


def check_images(op: str, argument: str, images: TensorType) -> None:
    """Raise unless the argument is float[N,C,H,W]."""
    expect_ndim(op, argument, images, 4)
    expect_float(op, argument, images)


def check_filters(op: str, filters: TensorType, dtype: str) -> None:
    """Raise unless the filters are [K,C/G,R,S] of ``dtype``, R and S at least 1."""
    expect_ndim(op, "filters", filters, 4)
    expect_dtype(op, "filters", filters, dtype)
    if 0 in filters.shape[2:]:
        raise GraphError(f"{op}: filters must be at least 1x1, got {filters}")


def check_channels(
    op: str, channels: int | None, filters: TensorType, groups: int
) -> None:
    """Raise unless the filters see exactly the input's channels."""
    check_divides(op, "channels", channels, groups)
    check_divides(op, "output channels", filters.shape[0], groups)
    if channels is None or filters.shape[1] is None:
        return
    if channels != filters.shape[1] * groups:
        blocks = f" in {groups} groups" if groups > 1 else ""
        raise GraphError(
            f"{op}: filters expect {filters.shape[1] * groups} channels{blocks}, "
            f"input has {channels}"
        )


def check_divides(op: str, what: str, count: int | None, groups: int) -> None:
    """Raise unless the groups divide ``count``, where it is known."""
    if count is not None and count % groups:
        raise GraphError(f"{op}: {groups} groups do not divide {count} {what}")
