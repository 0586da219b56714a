"""symgraph: a symbolic graph compiler with learning phases, in the line of Theano.

Rooms, lowest first; each imports only those before it: ``graph``, ``rewriting``,
``ops``, ``autodiff``, ``rules``, ``lowering``, ``compile``, ``layers``, ``training``.
Read ``graph/op.py`` first, then one file of ``ops`` and its namesake in ``lowering``.

What builds a graph is here at once; a name of ``_LATER`` brings its room with it when
it is first asked for.
"""

# mypy: implicit_reexport = True

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symgraph.graph import (
    Constant,
    Graph,
    GraphError,
    Op,
    SharedVariable,
    SymgraphError,
    TensorType,
    TypeMismatch,
    Variable,
    config,
    debugprint,
    evaluate,
)
from symgraph.ops import linalg
from symgraph.ops.functions import *

if TYPE_CHECKING:  # what comes later, for those who only read
    from symgraph import layers, training
    from symgraph.autodiff import (
        DisconnectedInput,
        GradientError,
        grad,
        hessian,
        jacobian,
        jvp,
        verify_grad,
        vjp,
    )
    from symgraph.compile import In, Mode, compile_pipeline, function, shared
    from symgraph.ops import nn, random
    from symgraph.rules import rewrite, to_inference

__version__ = "0.1.0"

# The module that holds a public name, or that is it.
_LATER = {
    "DisconnectedInput": "symgraph.autodiff",
    "GradientError": "symgraph.autodiff",
    "grad": "symgraph.autodiff",
    "hessian": "symgraph.autodiff",
    "jacobian": "symgraph.autodiff",
    "jvp": "symgraph.autodiff",
    "verify_grad": "symgraph.autodiff",
    "vjp": "symgraph.autodiff",
    "nn": "symgraph.ops.nn",
    "random": "symgraph.ops.random",
    "function": "symgraph.compile",
    "shared": "symgraph.compile",
    "In": "symgraph.compile",
    "Mode": "symgraph.compile",
    "compile_pipeline": "symgraph.compile",
    "layers": "symgraph.layers",
    "training": "symgraph.training",
    "rewrite": "symgraph.rules",
    "to_inference": "symgraph.rules",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'symgraph' has no attribute {name!r}")
    module = import_module(_LATER[name])
    value = module if _LATER[name].endswith(f".{name}") else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
