"""The kernel IR: everything codegen can be asked to do, as dataclasses.

A ``Program`` is a straight list of steps over flat, row-major buffers. A step is
either a ``Loop`` (a tree of loops over scalar expressions), a call of one of the
hand-tuned kernel families (``Convolution``, ``Pool``, ``Gemm`` and so on), or a
``Repeat`` of such steps; a guard says if it runs at all. Names are C identifiers made
by the lowering; no text of a user's ever gets here.

Read ``expressions.py`` first, then ``statements.py``, ``families.py``, ``matrices.py``
and ``programs.py``; each is made of what stands in those before it. Imports ``sizes``
and NumPy. Users say ``from codegen.ir import Loop``, or ``ir.Loop``.
"""

from codegen.ir.expressions import (
    Buffer,
    Call,
    Expression,
    Gather,
    Literal,
    Load,
    Local,
    Result,
    Role,
    SizeValue,
)
from codegen.ir.families import (
    ArgSort,
    Convolution,
    ConvolutionBackwardData,
    ConvolutionBackwardWeights,
    Image,
    MultiplyAdds,
    PackFilters,
    Pool,
    PoolBackward,
    Pooling,
    Reorder,
    Stream,
    TransformFilters,
    Window,
)
from codegen.ir.matrices import (
    Cholesky,
    Determinant,
    Gemm,
    PackRight,
    Solve,
)
from codegen.ir.programs import Kernel, Program, Repeat, Requirement, Step, Strands
from codegen.ir.statements import (
    FOUND,
    Accumulate,
    Assign,
    Check,
    Epilogue,
    Kind,
    Let,
    Loop,
    Scatter,
    Statement,
    Store,
    Sums,
)

__all__ = [
    "FOUND",
    "Accumulate",
    "ArgSort",
    "Assign",
    "Buffer",
    "Call",
    "Check",
    "Cholesky",
    "Convolution",
    "ConvolutionBackwardData",
    "ConvolutionBackwardWeights",
    "Determinant",
    "Epilogue",
    "Expression",
    "Gather",
    "Gemm",
    "Image",
    "Kernel",
    "Kind",
    "Let",
    "Literal",
    "Load",
    "Local",
    "Loop",
    "MultiplyAdds",
    "PackFilters",
    "PackRight",
    "Pool",
    "PoolBackward",
    "Pooling",
    "Program",
    "Reorder",
    "Repeat",
    "Requirement",
    "Result",
    "Role",
    "Scatter",
    "SizeValue",
    "Solve",
    "Statement",
    "Step",
    "Store",
    "Strands",
    "Stream",
    "Sums",
    "TransformFilters",
    "Window",
]
