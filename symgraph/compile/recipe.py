"""What a function must know to call its native code, and the same kept on disk.

A ``Recipe`` is what is left of a graph once it is rewritten, lowered and compiled. It
is kept in the cache of compiled code under the graph's ``fingerprint``, so that the
next process that makes the same function reads it and does none of that again.

It is kept as JSON: names, numbers and the bytes of constants. Reading it runs no code,
unlike a pickle. It is trusted as far as the machine code beside it is: the folder is
its owner's alone, and an entry whose checksum is wrong is thrown away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.linalg import LinAlgError

from codegen.build import Module
from codegen.cache import default_cache, digest
from codegen.interface import (
    Interface,
    read,
    read_shape,
    read_size,
    written,
    written_size,
)
from codegen.ir import Requirement
from codegen.sizes import Size
from symgraph.graph import Graph, SharedVariable, Site
from symgraph.lowering.failures import Failure
from symgraph.lowering.shapes import Source

if TYPE_CHECKING:
    from symgraph.lowering.lowered import Lowered

EXCEPTIONS = {kind.__name__: kind for kind in (ValueError, IndexError, LinAlgError)}


class NotKept(Exception):
    """A recipe that would not be the same when it is read."""


@dataclass(frozen=True)
class Recipe:
    """How to call native code; the fields are those of ``Lowered`` that matter then.

    ``key`` is where the code is, ``interfaces`` are its programs: the main one, and the
    prologue where there is one. ``invariants`` are (dtype, shape).
    """

    key: str
    interfaces: tuple[Interface, ...]
    shared: tuple[SharedVariable, ...]
    sizes: tuple[Source, ...]
    requirements: tuple[Requirement, ...]
    output_shapes: tuple[tuple[Size, ...], ...]
    invariants: tuple[tuple[str, tuple[Size, ...]], ...]
    failures: Mapping[int, Failure]


def recipe_of(lowered: Lowered, module: Module) -> Recipe:
    """How to call ``module``, compiled from ``lowered``."""
    return Recipe(
        module.key,
        module.interfaces,
        lowered.shared,
        lowered.sizes,
        lowered.program.requirements,
        lowered.output_shapes,
        tuple((buffer.dtype, buffer.shape) for buffer in lowered.invariants),
        lowered.failures,
    )


def keep(name: str, recipe: Recipe, graph: Graph) -> None:
    """Put the recipe of the unrewritten ``graph`` on disk as ``name``, if it can be."""
    try:
        text = json.dumps(_written(recipe, graph))
    except NotKept:
        return
    default_cache().note(_entry(name), lambda: text)


def recall(name: str, graph: Graph) -> Recipe | None:
    """The recipe on disk for ``graph``, whose fingerprint is ``name``."""

    def unknown() -> str:
        raise LookupError(name)

    try:
        text = default_cache().note(_entry(name), unknown)
    except (LookupError, OSError):  # the latter where it is let go of meanwhile
        return None
    return _read(json.loads(text), graph)


def _entry(name: str) -> str:
    return digest("recipe", name)


def _written(recipe: Recipe, graph: Graph) -> Any:
    places = {variable: place for place, variable in enumerate(graph.leaves)}
    sites: dict[Site | None, int] = {}
    for place, site in enumerate(_sites(graph)):
        sites.setdefault(site, place)
    return {
        "key": recipe.key,
        "interfaces": [written(one) for one in recipe.interfaces],
        "shared": [places[variable] for variable in recipe.shared],
        "sizes": recipe.sizes,
        "requirements": [
            [written_size(need.left), written_size(need.right), need.code]
            for need in recipe.requirements
        ],
        "output_shapes": [_written_shape(shape) for shape in recipe.output_shapes],
        "invariants": [
            [dtype, _written_shape(shape)] for dtype, shape in recipe.invariants
        ],
        "failures": [
            [code, *_written_failure(failure, sites)]
            for code, failure in recipe.failures.items()
        ],
    }


def _read(record: Any, graph: Graph) -> Recipe:
    leaves, sites = graph.leaves, _sites(graph)
    shared = [leaves[place] for place in record["shared"]]
    return Recipe(
        record["key"],
        tuple(read(one) for one in record["interfaces"]),
        tuple(v for v in shared if isinstance(v, SharedVariable)),
        tuple((place, axis) for place, axis in record["sizes"]),
        tuple(
            Requirement(read_size(left), read_size(right), code)
            for left, right, code in record["requirements"]
        ),
        tuple(read_shape(shape) for shape in record["output_shapes"]),
        tuple((dtype, read_shape(shape)) for dtype, shape in record["invariants"]),
        {
            code: Failure(message, EXCEPTIONS[exception], sites[place])
            for code, message, exception, place in record["failures"]
        },
    )


def _written_shape(shape: tuple[Size, ...]) -> list[Any]:
    return [written_size(size) for size in shape]


def _written_failure(failure: Failure, sites: Mapping[Site | None, int]) -> list[Any]:
    """An error, its line given as a node of the graph: lines move, graphs do not."""
    exception = failure.exception.__name__
    if EXCEPTIONS.get(exception) is not failure.exception or failure.site not in sites:
        raise NotKept(failure)
    return [failure.message, exception, sites[failure.site]]


def _sites(graph: Graph) -> list[Site | None]:
    """Where each application and leaf of the graph was made."""
    return [*(node.site for node in graph.nodes), *(leaf.site for leaf in graph.leaves)]
