"""How much memory a call takes, known before the first one.

peak = inputs + outputs + shared + invariants + constants + workspace
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.memory import THREADS
from codegen.repeats import leaves
from codegen.sizes import evaluate
from codegen.threads import default_threads
from symgraph.compile.arguments import fits
from symgraph.compile.compilation import Compilation
from symgraph.compile.errors import ArgumentError
from symgraph.compile.inputs import In
from symgraph.compile.native import NativeBackend, shape_at
from symgraph.graph import SharedVariable, Site

_SHOWN = 10  # buffers, the largest


@dataclass(frozen=True)
class Held:
    """A temporary: its bytes, and the kernels from which and to which it is held.

    ``site`` is the user's line behind the kernel that makes it.
    """

    bytes: int
    kernel: str
    site: Site | None
    first: int
    last: int

    def __str__(self) -> str:
        where = "" if self.site is None else f", made at {self.site}"
        return f"{_readable(self.bytes):>10} {self.kernel}{where}"


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
    temporaries: Callable[[], tuple[Held, ...]] = field(repr=False, compare=False)

    @property
    def peak(self) -> int:
        """All of it together."""
        return sum(getattr(self, name) for name in _PARTS)

    def at_peak(self) -> list[Held]:
        """The temporaries held when they are most, the largest first."""
        found = self.temporaries()
        moments = {held.first for held in found}
        alive = ([h for h in found if h.first <= now <= h.last] for now in moments)
        most = max(alive, key=lambda held: sum(h.bytes for h in held), default=[])
        return sorted(most, key=lambda held: -held.bytes)

    def __str__(self) -> str:
        lines = [f"{'peak':<10} {_readable(self.peak)}"]
        lines += [f"{name:<10} {_readable(getattr(self, name))}" for name in _PARTS]
        largest = self.at_peak()[:_SHOWN]
        if largest:
            lines.append("largest temporaries when they are most:")
        return "\n".join([*lines, *(f"  {held}" for held in largest)])


_PARTS = tuple(f.name for f in fields(Memory) if f.name != "temporaries")


def memory_of(
    backend: NativeBackend,
    compilation: Compilation,
    inputs: Sequence[In],
    updates: Sequence[SharedVariable],
    shapes: Mapping[str, Any],
) -> Memory:
    """The memory of a call whose inputs have these shapes, given by their names.

    For an integer scalar that decides a size, its value is given instead of a shape.
    """
    _check_names(backend.name, inputs, shapes)
    given = [_shape_of(backend.name, item, shapes) for item in inputs]
    arrays = [_stand_in(*pair, shapes) for pair in zip(given, inputs, strict=True)]
    shared = [variable.held[0] for variable in backend.shared]
    sizes = backend.sizes([*arrays, *shared])
    recipe, values = backend.recipe, backend.values(sizes)
    shapes_of_results = backend.output_shapes(sizes)
    results = [
        _bytes(shape, output.dtype)
        for shape, output in zip(shapes_of_results, backend.graph.outputs, strict=True)
    ]
    first = len(results) - len(updates)
    items = zip(given, inputs, strict=True)
    return Memory(
        sum(_bytes(shape, item.variable.dtype) for shape, item in items),
        sum(results[:first]),
        sum(results[first:]),
        sum(array.nbytes for array in shared),
        sum(_bytes(shape_at(shape, values), d) for d, shape in recipe.invariants),
        sum(array.nbytes for array in backend.main.interface.constants),
        backend.main.peak_bytes(sizes, backend.threads),
        partial(_temporaries, backend, compilation, sizes),
    )


def _bytes(shape: Sequence[int], dtype: str) -> int:
    """The memory of an array."""
    return prod(shape) * np.dtype(dtype).itemsize


def _temporaries(
    backend: NativeBackend, compilation: Compilation, sizes: tuple[int, ...]
) -> tuple[Held, ...]:
    """What the arena holds, with the kernels that it belongs to."""
    line = leaves(compilation.lowered.program.kernels)
    kernels = [leaf.kernel for leaf in line]
    threads = backend.threads or default_threads()
    values = {**backend.values(sizes), THREADS: threads}
    return tuple(
        Held(
            evaluate(slot.bytes, values),
            kernels[slot.first].label,
            getattr(kernels[slot.first].origin, "site", None),
            slot.first,
            slot.last,
        )
        for slot in backend.main.interface.slots
    )


def _check_names(name: str, inputs: Sequence[In], shapes: Mapping[str, Any]) -> None:
    known = [item.name for item in inputs if item.name]
    for wrong in sorted(shapes.keys() - set(known)):
        listed = ", ".join(map(repr, known)) or "none is named"
        raise ArgumentError(
            f"{name}.memory: no input is named {wrong!r}; inputs: {listed}"
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
    if not fits(shape, type_) or any(dim < 0 for dim in shape):
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
