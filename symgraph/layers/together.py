"""Several shared variables set at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from symgraph.compile import Mode, function
from symgraph.graph import SharedVariable, constant


def set_together(values: Mapping[SharedVariable, NDArray[Any]]) -> None:
    """Give every variable its value, or, where one does not fit, none of them.

    They change as the updates of a call do: whoever reads several of them, in another
    thread or after a Ctrl-C, finds all old or all new.
    """
    updates = {v: constant(value, dtype=v.dtype) for v, value in values.items()}
    if updates:
        function([], None, updates=updates, mode=Mode("numpy", ()))()
