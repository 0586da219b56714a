"""Every import in the packages goes down the order of the rooms."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import codegen
import symgraph

# Lowest first: a room imports only rooms before it, and itself.
ROOMS = [
    "graph",
    "rewriting",
    "ops",
    "autodiff",
    "rules",
    "lowering",
    "compile",
    "layers",
    "training",
]
ONLY = {"graph": [], "rewriting": ["graph"]}
MAY_IMPORT_CODEGEN = ["lowering", "compile"]
# What only a graph that is not in the cache needs, or a table or a bar, waits for it.
LATER = [
    "codegen.printer",
    "symgraph.lowering.linalg",
    "symgraph.lowering.lower",
    "networkx",
    "rich",
    "rich.console",
    "rich.table",
]
OPTIONAL = ["ziglang", "sklearn", "matplotlib", "PIL", "pooch"]
ROOTS = {p.__name__: Path(p.__file__).parent for p in (symgraph, codegen)}


class Import(NamedTuple):
    """One import: who asks, for what, where, and whether inside a function."""

    path: Path
    room: str
    target: str
    line: int
    is_nested: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.target}"


def imports() -> Iterator[Import]:
    """Every import statement of both packages, nested ones too."""
    for package, root in ROOTS.items():
        for path in sorted(root.rglob("*.py")):
            relative = path.relative_to(root)
            inner = relative.parts[0] if len(relative.parts) > 1 else ""
            room = f"{package}.{inner}" if inner and package == "symgraph" else package
            yield from _of_file(path, room)


def _of_file(path: Path, room: str) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    nested = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, functions)
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            targets = _of_from(node)
        else:
            continue
        for target in targets:
            yield Import(path, room, target, node.lineno, node in nested)


def _of_from(node: ast.ImportFrom) -> list[str]:
    """``from symgraph import ops`` asks for ``symgraph.ops``."""
    if node.module == "symgraph":
        return [f"symgraph.{alias.name}" for alias in node.names]
    return [node.module or ""]


def room_of(target: str) -> str | None:
    """The room a dotted name belongs to, None outside symgraph."""
    first, _, rest = target.partition(".")
    return rest.split(".")[0] if first == "symgraph" else None


ALL = list(imports())


def test_there_is_something_to_check():
    assert len(ALL) > 100
    assert {room_of(i.target) for i in ALL} >= {"graph", "ops"}


def test_a_room_imports_only_rooms_below_it():
    wrong = [str(i) for i in ALL if not _is_allowed(i)]
    assert not wrong, "\n".join(wrong)


def _is_allowed(item: Import) -> bool:
    target = room_of(item.target)
    mine = room_of(item.room)
    if target is None or not mine:
        return True
    if target not in ROOMS:
        return False  # from a room up to the package itself
    allowed = ONLY.get(mine, ROOMS[: ROOMS.index(mine)])
    return target == mine or target in allowed


def test_codegen_knows_nothing_of_symgraph():
    wrong = [str(i) for i in ALL if i.room == "codegen" and room_of(i.target)]
    assert not wrong, "\n".join(wrong)


def test_only_lowering_and_compile_know_codegen():
    wrong = [
        str(i)
        for i in ALL
        if i.target.split(".")[0] == "codegen"
        and i.room != "codegen"
        and room_of(i.room) not in MAY_IMPORT_CODEGEN
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_imported_inside_a_function():
    wrong = [
        str(i)
        for i in ALL
        if i.is_nested
        and i.target not in LATER
        and i.target.split(".")[0] not in OPTIONAL
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", sorted(dir(symgraph)))
def test_every_public_name_is_there(name):
    assert getattr(symgraph, name) is not None


def test_a_missing_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'symgraph' has no attribute 'nonsense'"):
        symgraph.nonsense  # noqa: B018


def test_importing_symgraph_brings_no_heavy_room():
    """What costs time to import waits until a name of it is asked for."""
    loaded = loaded_by("import symgraph")
    assert not loaded & {"networkx", "cffi", "rich", "codegen", "symgraph.compile"}


def test_a_function_from_the_cache_brings_no_compiler(tmp_path):
    """No parser of C either: ``codegen/declared.py`` is what it would find."""
    code = """
import symgraph as sg
x = sg.vector("x")
sg.function([x], sg.tanh(x) + 1)([1, 2])
"""
    cache = {**os.environ, "SYMGRAPH_CACHE": str(tmp_path)}
    assert "codegen.printer" in loaded_by(code, cache)
    loaded = loaded_by(code, cache)
    assert not loaded & {"pycparser", *LATER}


def loaded_by(code: str, environment: dict[str, str] | None = None) -> set[str]:
    """The modules that are there after ``code`` in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return set(done.stdout.split())
