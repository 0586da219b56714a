"""Where a node was made: the user's own line, and the layers around it.

Every ``Apply`` and every named leaf keeps a ``Site``, so that an error about it, at
build time or inside a fused kernel, can show the line the user wrote.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_SCOPE: ContextVar[tuple[str, ...]] = ContextVar("scope", default=())
_INHERITED: ContextVar[Site | None] = ContextVar("inherited_site", default=None)


@dataclass(frozen=True)
class Site:
    """A line of the user's program, and the names of the layers it was inside."""

    filename: str
    line: int
    scope: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The text of the line, or nothing where the file cannot be read."""
        return linecache.getline(self.filename, self.line).strip()

    def __str__(self) -> str:
        layers = f" in {'.'.join(self.scope)}" if self.scope else ""
        source = f": {self.source}" if self.source else ""
        return f"{self.filename}:{self.line}{layers}{source}"


def current_site() -> Site:
    """The innermost line outside symgraph, unless a site is being inherited."""
    inherited = _INHERITED.get()
    if inherited is not None:
        return inherited
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    if frame is None:
        return Site("<unknown>", 0, _SCOPE.get())
    return Site(frame.f_code.co_filename, frame.f_lineno, _SCOPE.get())


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Nodes made inside belong to the layer ``name`` (nested: ``outer.name``)."""
    token = _SCOPE.set((*_SCOPE.get(), name))
    try:
        yield
    finally:
        _SCOPE.reset(token)


@contextmanager
def inherit_site(site: Site | None) -> Iterator[None]:
    """Nodes made inside were, for the user, made at ``site`` (rewrites, gradients)."""
    token = _INHERITED.set(site)
    try:
        yield
    finally:
        _INHERITED.reset(token)


def _is_ours(frame: FrameType) -> bool:
    """Whether a line is in symgraph, or in what dataclasses generate for it."""
    return _is_our_file(frame.f_code.co_filename, frame.f_globals.get("__name__"))


@cache  # by names: a frame that is remembered would keep all its locals
def _is_our_file(filename: str, module: str | None) -> bool:
    if filename == "<string>":
        return str(module).startswith("symgraph.")
    return filename.startswith(_PACKAGE) or filename.startswith("<frozen ")
