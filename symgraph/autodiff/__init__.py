"""Derivatives of graphs, as more graph: reverse mode, forward mode, checks.

Read ``reverse.py``: one pass over the nodes from last to first, each op's own ``vjp``
applied to what has arrived. Imports ``ops`` and ``graph``.
"""

from symgraph.autodiff.forward import jvp
from symgraph.autodiff.grad import DisconnectedInput, grad
from symgraph.autodiff.jacobian import hessian, jacobian
from symgraph.autodiff.reverse import vjp
from symgraph.autodiff.verify import GradientError, verify_grad

__all__ = [
    "DisconnectedInput",
    "GradientError",
    "grad",
    "hessian",
    "jacobian",
    "jvp",
    "verify_grad",
    "vjp",
]
