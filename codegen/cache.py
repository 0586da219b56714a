"""Compiled code kept on disk, found by what it was made of.

An entry is a folder named by a digest of all that went into it; it holds the C, the
shared library and a checksum. It is made under a temporary name and renamed, so that
readers see all of it or nothing, and two processes that make the same entry at once
do no harm: one rename wins, the other is thrown away. There is no lock.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import stat
import tempfile
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import platformdirs

from codegen.errors import CacheWarning

FOLDER_VARIABLE = "SYMGRAPH_CACHE"
LIBRARY = "module.so"
CHECKSUM = "checksum"
Make = Callable[[Path], None]


class Cache:
    """Entries in ``folder``; a private temporary folder where that cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._retreated = False

    def find(self, key: str, make: Make) -> Path:
        """The library of entry ``key``; ``make(folder)`` writes it where it is new."""
        try:
            _secure(self.folder)
            return self._entry(key, make) / LIBRARY
        except OSError as error:
            if self._retreated:
                raise
            self._retreat(error)
            return self._entry(key, make) / LIBRARY

    def note(self, key: str, make: Callable[[], str]) -> str:
        """The short text of entry ``key``; ``make()`` gives it where it is new."""

        def write(folder: Path) -> None:
            (folder / LIBRARY).write_text(make())

        return self.find(key, write).read_text()

    def _entry(self, key: str, make: Make) -> Path:
        entry = self.folder / key[:2] / key[2:]
        if entry.is_dir():
            if _intact(entry):
                return entry
            self._discard(entry)
        entry.parent.mkdir(mode=0o700, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder))
        try:
            make(made)
            (made / CHECKSUM).write_text(_digest(made / LIBRARY))
            os.rename(made, entry)
        except OSError:
            if not entry.is_dir():  # else another process was faster
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return entry

    def _discard(self, entry: Path) -> None:
        warnings.warn(
            f"the compiled code in {entry} is damaged; it is compiled again",
            CacheWarning,
            stacklevel=2,
        )
        aside = tempfile.mkdtemp(prefix="bad-", dir=self.folder)
        os.rename(entry, Path(aside) / "entry")
        shutil.rmtree(aside, ignore_errors=True)

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
        self.folder, self._retreated = Path(private), True


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


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _intact(entry: Path) -> bool:
    try:
        return (entry / CHECKSUM).read_text() == _digest(entry / LIBRARY)
    except OSError:
        return False
