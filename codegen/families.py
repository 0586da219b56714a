"""Which emitter prints which step of the IR."""

from __future__ import annotations

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


def emit(step: Step, target: Target) -> Emission:
    """The C of ``step`` for ``target``."""
    emitter = EMITTERS.get(type(step))
    if emitter is None:
        raise CodegenError(f"{type(step).__name__}: no emitter prints such a step")
    return emitter(step, target)
