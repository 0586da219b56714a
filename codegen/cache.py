"""Compiled code kept on disk, found by what it was made of.

An entry is a folder named by a digest of all that went into it; it holds the C, the
shared library and a checksum. It is made under a temporary name and renamed, so that
readers see all of it or nothing, and two processes that make the same entry at once
do no harm: one rename wins, the other is thrown away. There is no lock. What was not
used for longest goes where the cache grows beyond its limit; see ``eviction.py``.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TypeVar

import platformdirs

from codegen.errors import CacheWarning
from codegen.eviction import PARTIAL, evict, limit, remove, size_of

FOLDER_VARIABLE = "SYMGRAPH_CACHE"
LIBRARY = "module.so"
CHECKSUM = "checksum"
Make = Callable[[Path], None]
T = TypeVar("T")


class Cache:
    """Entries in ``folder``; a private temporary folder where that cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._retreated = False
        self._bytes: int | None = None  # of all entries, as far as this process knows

    def find(self, key: str, make: Make) -> Path:
        """The library of entry ``key``; ``make(folder)`` writes it where it is new.

        It is made outside the cache, so that a folder that is full or cannot be
        written shows when the result is copied into it, and no work is lost.
        """
        found = self._tried(lambda: self._known(key))
        if found is None:
            with tempfile.TemporaryDirectory(prefix="symgraph-") as made:
                make(Path(made))
                found = self._tried(lambda: self._kept(key, Path(made)))
        return found / LIBRARY

    def note(self, key: str, make: Callable[[], str]) -> str:
        """The short text of entry ``key``; ``make()`` gives it where it is new."""

        def write(folder: Path) -> None:
            (folder / LIBRARY).write_text(make())

        return self.find(key, write).read_text()

    def _tried(self, action: Callable[[], T]) -> T:
        """What ``action`` gives, if need be after a retreat to a private folder."""
        retreated = self._retreated
        try:
            if not retreated:
                _secure(self.folder)
            return action()
        except OSError as error:
            if retreated:
                raise
            with self._lock:  # of two threads that find the folder broken, one
                if not self._retreated:
                    self._retreat(error)
            return action()

    def _known(self, key: str) -> Path | None:
        """Entry ``key`` if it is there, and as it was made."""
        entry = self._place(key)
        if not os.path.lexists(entry):
            return None
        with contextlib.suppress(OSError):
            os.utime(entry)  # the date of its last use
        if _intact(entry):
            return entry
        self._discard(entry)
        return None

    def _kept(self, key: str, made: Path) -> Path:
        """Entry ``key``, a copy of ``made`` unless another process was faster."""
        entry = self._place(key)
        entry.parent.mkdir(mode=0o700, exist_ok=True)
        copy = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self.folder))
        try:
            for file in _products(made):
                shutil.copy(file, copy)
            (copy / CHECKSUM).write_text(_digest(made / LIBRARY))
            self._make_room(copy)
            os.rename(copy, entry)
        except OSError:
            if not _intact(entry):
                raise
        finally:
            shutil.rmtree(copy, ignore_errors=True)
        return entry

    def _make_room(self, coming: Path) -> None:
        """Keep the cache to its limit, now that ``coming`` is added to it."""
        allowed, new = limit(), size_of(coming)
        total = None if self._bytes is None else self._bytes + new
        if total is None or total > allowed:
            total = evict(self.folder, allowed - new) + new
        self._bytes = total

    def _place(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]

    def _discard(self, entry: Path) -> None:
        warnings.warn(
            f"the compiled code in {entry} is damaged; it is compiled again",
            CacheWarning,
            stacklevel=2,
        )
        remove(entry, self.folder)

    def _retreat(self, error: OSError) -> None:
        private = tempfile.mkdtemp(prefix="symgraph-")
        atexit.register(shutil.rmtree, private, ignore_errors=True)
        warnings.warn(
            f"the cache of compiled code at {self.folder} cannot be used ({error}); "
            f"this process uses {private}; set {FOLDER_VARIABLE} to a "
            "folder that only you can write",
            CacheWarning,
            stacklevel=2,
        )
        self.folder, self._retreated, self._bytes = Path(private), True, None


def default_cache() -> Cache:
    """The cache at ``$SYMGRAPH_CACHE``, else in the user's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return cache_at(chosen or platformdirs.user_cache_dir("symgraph", appauthor=False))


@lru_cache
def cache_at(folder: str) -> Cache:
    """The one cache of this process in ``folder``."""
    return Cache(Path(folder))


def digest(*parts: str) -> str:
    """A name for whatever is made of exactly these ``parts``."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode()
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()


def _secure(folder: Path) -> None:
    """Make ``folder``, or see that it is ours and that nobody else can write to it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid():
        raise PermissionError(f"it belongs to user {status.st_uid}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError("others can write to it")


def _products(made: Path) -> list[Path]:
    """The files worth keeping: not the objects, which are in the library already."""
    return [file for file in made.iterdir() if file.suffix != ".o"]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _intact(entry: Path) -> bool:
    try:
        return (entry / CHECKSUM).read_text() == _digest(entry / LIBRARY)
    except OSError:
        return False
