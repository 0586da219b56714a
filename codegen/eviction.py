"""Keeping the cache of compiled code to a size: what was not used for longest goes.

The date of an entry's folder is that of its last use. An entry used a short while ago
stays even over the limit: a process may be about to load it. Code that was loaded
stays in memory when its file goes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codegen.errors import CacheError

LIMIT_VARIABLE = "SYMGRAPH_CACHE_LIMIT"
DEFAULT_LIMIT = 1024  # MiB
GRACE = 600.0  # seconds since its last use in which an entry stays
PARTIAL, DISCARDED = "new-", "bad-"  # names of what is not, or no longer, an entry
ABANDONED = 86400.0  # seconds after which nobody is at work on such a folder


@dataclass(frozen=True, order=True)
class Entry:
    """A folder of the cache, in the order of last use."""

    used: float
    path: Path
    bytes: int


def limit() -> int:
    """The bytes that the cache may hold: ``$SYMGRAPH_CACHE_LIMIT`` MiB, else 1 GiB."""
    chosen = os.environ.get(LIMIT_VARIABLE, "") or str(DEFAULT_LIMIT)
    if not chosen.isascii() or not chosen.isdigit():
        raise CacheError(f"{LIMIT_VARIABLE}: expected a number of MiB, got {chosen!r}")
    return int(chosen) << 20


def evict(folder: Path, allowed: int) -> int:
    """Remove entries until well below ``allowed`` bytes are left; returns what is.

    Nothing goes while they are not above it; then an eighth more than needed does, so
    that the next entries find room without a look at all others.
    """
    _sweep(folder)
    entries = sorted(_entries(folder))
    total = sum(entry.bytes for entry in entries)
    if total <= allowed:
        return total
    for entry in entries:
        if total <= allowed - allowed // 8:
            break
        if _idle(entry.path) and remove(entry.path, folder):
            total -= entry.bytes
    return total


def size_of(entry: Path) -> int:
    """The bytes of the files in ``entry``."""
    return sum(file.stat().st_size for file in entry.iterdir())


def remove(entry: Path, folder: Path) -> bool:
    """Take ``entry`` away, all of it at once; False where another process did."""
    aside = tempfile.mkdtemp(prefix=DISCARDED, dir=folder)
    try:
        os.rename(entry, Path(aside) / "entry")
    except FileNotFoundError:
        return False
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return True


def _idle(path: Path) -> bool:
    """Whether nobody used ``path`` lately: asked once more, right before it goes."""
    try:
        return path.stat().st_mtime < time.time() - GRACE
    except FileNotFoundError:
        return False


def _entries(folder: Path) -> Iterator[Entry]:
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        try:
            yield Entry(path.stat().st_mtime, path, size_of(path))
        except OSError:  # taken away, or no entry of ours
            continue


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed left behind."""
    for path in (*folder.glob(f"{PARTIAL}*"), *folder.glob(f"{DISCARDED}*")):
        try:
            if path.stat().st_mtime < time.time() - ABANDONED:
                shutil.rmtree(path, ignore_errors=True)
        except FileNotFoundError:
            continue
