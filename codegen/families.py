"""Which emitter prints which step of the IR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codegen import convolution, gemm, loops, matrices, probes, sorting
from codegen.emission import Emission
from codegen.errors import CodegenError
from codegen.ir import (
    ArgSort,
    Check,
    Cholesky,
    Convolution,
    ConvolutionBackwardData,
    ConvolutionBackwardWeights,
    Determinant,
    Gemm,
    Let,
    Loop,
    MultiplyAdds,
    PackFilters,
    PackRight,
    Pool,
    PoolBackward,
    Reorder,
    Solve,
    Step,
    Store,
    Stream,
    TransformFilters,
)
from codegen.target import Target

EMITTERS: dict[type, Callable[[Any, Target], Emission]] = {
    Loop: loops.emit_loop,
    Let: loops.emit_loop,
    Store: loops.emit_loop,
    Check: loops.emit_loop,
    Convolution: convolution.emit_convolution,
    ConvolutionBackwardData: convolution.emit_convolution_backward_data,
    ConvolutionBackwardWeights: convolution.emit_convolution_backward_weights,
    PackFilters: convolution.emit_pack_filters,
    TransformFilters: convolution.emit_transform_filters,
    Reorder: convolution.emit_reorder,
    Pool: convolution.emit_pool,
    PoolBackward: convolution.emit_pool_backward,
    Gemm: gemm.emit_gemm,
    PackRight: gemm.emit_pack_right,
    ArgSort: sorting.emit_argsort,
    Cholesky: matrices.emit_cholesky,
    Solve: matrices.emit_solve,
    Determinant: matrices.emit_determinant,
    MultiplyAdds: probes.emit_multiply_adds,
    Stream: probes.emit_stream,
}


def emit(step: Step, target: Target) -> Emission:
    """The C of ``step`` for ``target``."""
    emitter = EMITTERS.get(type(step))
    if emitter is None:
        raise CodegenError(f"{type(step).__name__}: no emitter prints such a step")
    return emitter(step, target)
