"""An op of one's own: its definition, its gradient, and how native code computes it.

    python examples/own_op.py

``reference`` is the definition that everything is held to, ``vjp`` the derivative, and
``expand`` says the same in ops that have kernels: native code fuses them. An op without
``expand`` runs with ``mode="numpy"`` only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import symgraph as sg
from symgraph.graph import GraphError, Op


@dataclass(frozen=True)
class Softsign(Op):
    """y = x / (slope + abs(x)), element by element; dy/dx = slope / (slope + abs(x))^2.

    Fields are what is fixed in the graph: two ops with the same are the same op.
    """

    slope: float = 1.0

    def infer_type(self, x):
        """The type of y, which is that of x; whatever does not fit is refused here."""
        if not x.dtype.startswith("float"):
            raise GraphError(f"Softsign: expected floats, got {x.dtype}")
        return x

    def reference(self, x):
        """y in NumPy."""
        return x / (np.asarray(self.slope, x.dtype) + abs(x))

    def vjp(self, inputs, outputs, cotangents):
        """The cotangent of x from that of y: another expression of the graph."""
        (x,), (dy,) = inputs, cotangents
        return [dy * self.slope / sg.square(self.slope + abs(x))]

    def expand(self, x):
        """y in ops that have kernels."""
        return x / (self.slope + abs(x))


def softsign(x, slope: float = 1.0) -> sg.Variable:
    """x / (slope + abs(x)) of a variable, or of what can be made one."""
    return Softsign(slope)(sg.as_variable(x))


def main() -> None:
    """Check the gradient, compile, and compare with the definition."""
    rng = np.random.default_rng(0)
    sg.verify_grad(softsign, [rng.normal(size=(3, 4)) + 2])

    x = sg.matrix("x")
    y = softsign(x, 0.5)
    fn = sg.function([x], [y, sg.grad(y.sum(), x)])
    given = rng.normal(size=(3, 4)).astype("float32")
    found, _ = fn(given)
    np.testing.assert_allclose(found, Softsign(0.5).reference(given), rtol=1e-6)
    print(fn.graph)


if __name__ == "__main__":
    main()
