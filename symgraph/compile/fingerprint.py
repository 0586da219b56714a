"""A name for all that decides what native code a graph becomes.

Two graphs have one fingerprint only if they are the same function: the same ops with
the same static parameters on the same types, joined in the same way, with the same
bits in their constants. Names and values of shared variables do not matter: no rewrite
and no lowering looks at them. Of the lines of the user's program it matters only which
nodes share one, as a fused kernel reports one of theirs. The settings, the
versions of what computes at compile time, and the text of this very program are part
of it, so that a changed rule never meets an old result.

Where anything is of a kind that is not known here there is no fingerprint: an op from
outside symgraph, whose code may change; stages of somebody's own; source newer than
this process, which may not be what runs in it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np

import codegen
from codegen.cache import default_cache, digest
from symgraph.graph import Constant, Graph, SharedVariable, Site, Variable
from symgraph.graph.config import config, settings_of
from symgraph.rewriting import Stage
from symgraph.rules import DEFAULT

_File: TypeAlias = "tuple[str, str, os.stat_result]"  # name, path, status
_OURS = "symgraph."
_ROOMS = (Path(__file__).resolve().parent.parent, Path(codegen.__file__).parent)
_STARTED = time.time() - 5  # importing what is here takes less


class _Unknown(Exception):
    """Something that cannot be told from everything else."""


def fingerprint(
    graph: Graph,
    varying: Collection[SharedVariable],
    stages: Sequence[Stage],
    conditions: str,
) -> str | None:
    """The name of ``graph`` rewritten by ``stages`` and compiled under ``conditions``.

    ``varying`` are the shared variables that the function updates. None where there
    can be no such name.
    """
    if stages is not DEFAULT and tuple(stages):
        return None
    source = _source()
    if source is None:
        return None
    try:
        text = _graph_text(graph, varying)
    except _Unknown:
        return None
    versions = (platform.python_version(), np.__version__)
    settings = repr(settings_of(config))
    rewritten = "default" if stages is DEFAULT else "as it is"
    return digest(text, rewritten, settings, conditions, source, *versions)


def _graph_text(graph: Graph, varying: Collection[SharedVariable] = ()) -> str:
    return "\n".join(_lines(graph, varying))


def _lines(graph: Graph, varying: Collection[SharedVariable]) -> Iterator[str]:
    """A line for each leaf and each application, inputs before users."""
    number: dict[Variable, int] = {}
    lines: dict[Site | None, int] = {}
    for kind, variables in (("input", graph.inputs), ("leaf", graph.leaves)):
        for variable in variables:
            if variable not in number:
                number[variable] = len(number)
                content = "" if kind == "input" else _leaf_text(variable, varying)
                line = lines.setdefault(variable.site, len(lines))
                yield f"{kind} {_text(variable.type)} {content} at {line}"
    for node in graph.nodes:
        places = " ".join(str(number[v]) for v in node.inputs)
        types = " ".join(_text(v.type) for v in node.outputs)
        for output in node.outputs:
            number.setdefault(output, len(number))
        line = lines.setdefault(node.site, len(lines))
        yield f"{_text(node.op)} of {places} is {types} at {line}"
    yield "outputs " + " ".join(str(number[v]) for v in graph.outputs)


def _leaf_text(variable: Variable, varying: Collection[SharedVariable]) -> str:
    if type(variable) is SharedVariable:
        return "varying" if variable in varying else "shared"
    if type(variable) is Constant:
        return hashlib.sha256(variable.data.tobytes()).hexdigest()
    raise _Unknown(variable)


def _text(value: object) -> str:
    """A static parameter, written so that no two different ones look alike."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return repr(value)
    if isinstance(value, float) and kind is float:
        return value.hex()
    if isinstance(value, tuple | list) and kind in (tuple, list):
        return f"{kind.__name__}({', '.join(map(_text, value))})"
    if isinstance(value, Enum):
        return f"{_class(kind)}.{value.name}"
    if isinstance(value, Graph) and kind is Graph:
        return f"graph({_graph_text(value)!r})"
    if is_dataclass(value):
        parameters = (getattr(value, field.name) for field in fields(value))
        return f"{_class(kind)}({', '.join(map(_text, parameters))})"
    raise _Unknown(value)


def _class(kind: type) -> str:
    if not kind.__module__.startswith(_OURS) or "<" in kind.__qualname__:
        raise _Unknown(kind)
    return f"{kind.__module__}.{kind.__qualname__}"


@cache
def _source() -> str | None:
    """A digest of symgraph and codegen as they are on disk, if that is what runs.

    Reading all of it takes longer than all else that is done for a function whose code
    is on disk. So the digest is kept in the cache under what the system says of the
    files: whoever writes to one changes the date of its change.
    """
    try:
        found = sorted(file for room in _ROOMS for file in _files(str(room), ""))
        changed = max(max(status.st_mtime, status.st_ctime) for _, _, status in found)
        if changed > _STARTED:
            return None
        seen = [f"{path} {_identity(status)}" for _, path, status in found]
        return default_cache().note(digest("source", *seen), lambda: _contents(found))
    except OSError:
        return None


def _files(folder: str, inside: str) -> Iterator[_File]:
    """The sources in ``folder``, by their names from the room's on."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{inside}{entry.name}"
            if entry.name.endswith((".py", ".h")):
                yield name, entry.path, entry.stat()
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _files(entry.path, f"{name}/")


def _identity(status: os.stat_result) -> str:
    """What is another after each change of a file."""
    dates = f"{status.st_mtime_ns} {status.st_ctime_ns}"
    return f"{status.st_dev} {status.st_ino} {status.st_size} {dates}"


def _contents(files: Sequence[_File]) -> str:
    parts = ((name, Path(path).read_text()) for name, path, _ in files)
    return digest(*(part for pair in parts for part in pair))
