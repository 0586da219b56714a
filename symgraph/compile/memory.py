"""How much memory a call takes, known before the first one.

peak = inputs + outputs + shared + invariants + constants + workspace
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgraph.compile.arguments import fits
from symgraph.compile.errors import ArgumentError
from symgraph.compile.inputs import In
from symgraph.compile.native import NativeBackend, shape_at
from symgraph.graph import SharedVariable


@dataclass(frozen=True)
class Memory:
    """Bytes during a call, by what they hold.

    ``updates`` are the new values of shared variables, which live beside the old
    ones; ``invariants`` is what is kept between calls because it depends on shared
    variables alone, such as packed weights; ``workspace`` is everything temporary.
    """

    inputs: int
    outputs: int
    updates: int
    shared: int
    invariants: int
    constants: int
    workspace: int

    @property
    def peak(self) -> int:
        """All of it together."""
        return sum(getattr(self, name) for name in self.__dataclass_fields__)

    def __str__(self) -> str:
        lines = [f"{'peak':<10} {_readable(self.peak)}"]
        for name in self.__dataclass_fields__:
            lines.append(f"{name:<10} {_readable(getattr(self, name))}")
        return "\n".join(lines)


def memory_of(
    backend: NativeBackend,
    inputs: Sequence[In],
    updates: Sequence[SharedVariable],
    shapes: Mapping[str, Any],
) -> Memory:
    """The memory of a call whose inputs have these shapes, given by their names.

    For an integer scalar that decides a size, its value is given instead of a shape.
    """
    given = [_shape_of(backend.name, item, shapes) for item in inputs]
    arrays = [_stand_in(*pair, shapes) for pair in zip(given, inputs, strict=True)]
    shared = [variable._data for variable in backend.shared]
    sizes = backend.sizes([*arrays, *shared])
    recipe, values = backend.recipe, backend.values(sizes)
    results = [
        prod(shape) * np.dtype(output.dtype).itemsize
        for shape, output in zip(
            backend.output_shapes(sizes), backend.graph.outputs, strict=True
        )
    ]
    first = len(results) - len(updates)
    items = zip(given, inputs, strict=True)
    return Memory(
        sum(prod(s) * np.dtype(item.variable.dtype).itemsize for s, item in items),
        sum(results[:first]),
        sum(results[first:]),
        sum(array.nbytes for array in shared),
        sum(
            prod(shape_at(shape, values)) * np.dtype(dtype).itemsize
            for dtype, shape in recipe.invariants
        ),
        sum(array.nbytes for array in backend.main.interface.constants),
        backend.main.peak_bytes(sizes),
    )


def _shape_of(name: str, item: In, shapes: Mapping[str, Any]) -> tuple[int, ...]:
    type_ = item.variable.type
    if type_.is_static:
        return tuple(dim for dim in type_.shape if dim is not None)
    if item.name is None or item.name not in shapes:
        raise ArgumentError(
            f"{name}.memory: the shape of {item!r} is not known; give it by name, "
            f"{item.name or 'input'}=(...)"
        )
    shape = tuple(int(dim) for dim in shapes[item.name])
    if not fits(shape, type_):
        raise ArgumentError(f"{name}.memory: {item!r} cannot have shape {list(shape)}")
    return shape


def _stand_in(
    shape: tuple[int, ...], item: In, shapes: Mapping[str, Any]
) -> NDArray[Any]:
    """An array of ``shape`` that takes no memory; a scalar has the value given."""
    value = shapes.get(item.name or "", 0) if not shape else 0
    return np.broadcast_to(np.asarray(value), shape)


def _readable(count: int) -> str:
    number = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.4g} {unit}"
        number /= 1024
    return f"{number:.4g} GiB"
