"""Which emitter prints which step of the IR."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from codegen import loops
from codegen.emission import Emission
from codegen.errors import CodegenError
from codegen.ir import Check, Let, Loop, Step, Store
from codegen.target import Target

EMITTERS = {
    Loop: loops.emit_loop,
    Let: loops.emit_loop,
    Store: loops.emit_loop,
    Check: loops.emit_loop,
}

# step type -> module and emitter; becomes plain imports once all of them exist
_FAMILIES = {
    "Gemm": ("codegen.gemm", "emit_gemm"),
    "Convolution": ("codegen.convolution", "emit_convolution"),
    "ConvolutionBackwardData": (
        "codegen.convolution",
        "emit_convolution_backward_data",
    ),
    "ConvolutionBackwardWeights": (
        "codegen.convolution",
        "emit_convolution_backward_weights",
    ),
    "PackFilters": ("codegen.convolution", "emit_pack_filters"),
    "Reorder": ("codegen.convolution", "emit_reorder"),
}


def emit(step: Step, target: Target) -> Emission:
    """The C of ``step`` for ``target``."""
    if type(step) in EMITTERS:
        return EMITTERS[type(step)](step, target)
    module, name = _FAMILIES.get(type(step).__name__, ("", ""))
    if module and find_spec(module):
        return getattr(import_module(module), name)(step, target)
    raise CodegenError(f"{type(step).__name__}: no emitter prints such a step")
