"""How convolutions are written: ``conv2d`` and ``conv_transpose2d``."""

from __future__ import annotations

from typing import Any

from symgraph.graph import GraphError, Variable
from symgraph.ops.affine import add_bias
from symgraph.ops.arguments import TensorLike, promoted
from symgraph.ops.channels import check_filters, check_images
from symgraph.ops.checks import shown
from symgraph.ops.conv import Conv2D, Convolution, spatial
from symgraph.ops.windows import PaddingLike, PairLike, pair, resolve_padding


def conv2d(
    x: TensorLike,
    filters: TensorLike,
    bias: TensorLike | None = None,
    stride: PairLike = 1,
    padding: PaddingLike = "valid",
    dilation: PairLike = 1,
    groups: int = 1,
) -> Variable:
    """y[n,k,i,j] = b[k] + sum_crs w[k,c,r,s] x[n, c, i*stride + r*dilation - pad, ...].

    ``x[N,C,H,W]``, ``filters[K,C/groups,R,S]``, ``bias[K]`` -> ``[N,K,H',W']``, with
    H' = (H + padding - dilation (R - 1) - 1) // stride + 1. The filters are not
    flipped. ``padding`` is "valid" (none), "same" (H' = ceil(H / stride)), "full", an
    int, two ints, or ((top, bottom), (left, right)).
    """
    op = "conv2d"
    x, filters = promoted(op, [x, filters], floating=True)
    geometry = _geometry(op, x, filters, stride, padding, dilation, groups)
    y: Variable = geometry.forward(x, filters)
    return y if bias is None else add_bias(y, bias, axes=(0, 2, 3))


def conv_transpose2d(
    x: TensorLike,
    filters: TensorLike,
    bias: TensorLike | None = None,
    stride: PairLike = 1,
    padding: PaddingLike = "valid",
    dilation: PairLike = 1,
    groups: int = 1,
    output_padding: PairLike = 0,
) -> Variable:
    """The adjoint of ``conv2d`` in x: it maps [N,K,H',W'] back to [N,C,H,W].

    ``x[N,K,H',W']``, ``filters[K,C/groups,R,S]``, ``bias[C]`` -> ``[N,C,H,W]``, with
    H = (H' - 1) stride - padding + dilation (R - 1) + 1 + output_padding.
    ``output_padding``, less than the stride, chooses among the heights that ``conv2d``
    maps to H'; "same" padding needs stride 1.
    """
    op = "conv_transpose2d"
    x, filters = promoted(op, [x, filters], floating=True)
    geometry = _geometry(op, x, filters, stride, padding, dilation, groups)
    extra = pair(op, "output_padding", output_padding, least=0)
    if any(e >= s for e, s in zip(extra, geometry.stride, strict=True)):
        raise GraphError(
            f"{op}: output_padding {extra} must be less than stride {geometry.stride}"
        )
    with shown(x, filters):
        _check_inputs(op, x, filters)
    size = [_restored(geometry, axis, x, filters, extra[axis]) for axis in range(2)]
    y: Variable = geometry.backward_data(x, filters, size)
    return y if bias is None else add_bias(y, bias, axes=(0, 2, 3))


def _geometry(
    op: str,
    x: Variable,
    filters: Variable,
    stride: PairLike,
    padding: PaddingLike,
    dilation: PairLike,
    groups: int,
) -> Convolution:
    """The windows that the arguments describe, checked."""
    with shown(x, filters):
        check_images(op, "input", x.type)
        check_filters(op, filters.type, x.dtype)
        if groups < 1:
            raise GraphError(f"{op}: groups must be at least 1, got {groups}")
        step, gap = pair(op, "stride", stride), pair(op, "dilation", dilation)
        size, window = x.type.shape[2:], filters.type.shape[2:]
        sides = resolve_padding(op, padding, size, window, step, gap)
    return Conv2D(step, sides, gap, groups)


def _check_inputs(op: str, x: Variable, filters: Variable) -> None:
    expected, got = filters.type.shape[0], x.type.shape[1]
    if expected is not None and got is not None and expected != got:
        raise GraphError(f"{op}: filters expect {expected} channels, input has {got}")


def _restored(
    geometry: Convolution, axis: int, x: Variable, filters: Variable, extra: int
) -> Any:
    """The size along an axis of the images that the adjoint returns."""
    count, span = spatial(x)[axis], spatial(filters)[axis]
    window = geometry.dilation[axis] * (span - 1) + 1
    return (
        (count - 1) * geometry.stride[axis]
        + window
        + extra
        - sum(geometry.padding[axis])
    )
