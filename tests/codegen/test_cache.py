"""The cache of compiled code: made once, verified, and never in the way."""

from __future__ import annotations

import errno
import os
import warnings
from pathlib import Path

import pytest

from codegen.cache import CHECKSUM, LIBRARY, Cache, default_cache, digest
from codegen.errors import CacheWarning

KEY = digest("some program")


def maker(text="machine code"):
    """What makes an entry, and the folders it was called with."""
    calls = []

    def make(folder):
        calls.append(folder)
        (folder / LIBRARY).write_text(text)

    return make, calls


def test_an_entry_is_made_once(tmp_path):
    make, calls = maker()
    path = Cache(tmp_path / "cache").find(KEY, make)
    again = Cache(tmp_path / "cache").find(KEY, make)
    assert path == again and path.read_text() == "machine code"
    assert len(calls) == 1
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_nothing_but_entries_is_left(tmp_path):
    cache = Cache(tmp_path)
    cache.find(KEY, maker()[0])
    assert [entry.name for entry in tmp_path.iterdir()] == [KEY[:2]]


@pytest.mark.parametrize("damage", ["tamper", "truncate", "no checksum", "no library"])
def test_a_damaged_entry_is_made_again(tmp_path, damage):
    make, calls = maker()
    cache = Cache(tmp_path)
    path = cache.find(KEY, make)
    match damage:
        case "tamper":
            path.write_text("machine c0de")
        case "truncate":
            path.write_text("machine")
        case "no checksum":
            (path.parent / CHECKSUM).unlink()
        case "no library":
            path.unlink()
    with pytest.warns(CacheWarning, match="damaged"):
        again = Cache(tmp_path).find(KEY, make)
    assert again.read_text() == "machine code" and len(calls) == 2


def unusable(tmp_path, kind, monkeypatch):
    """A folder that cannot be used, for one reason or another."""
    folder = tmp_path / "cache"
    match kind:
        case "not a folder":
            folder.write_text("a file")
        case "cannot be made":
            return Path("/proc/nowhere/cache")
        case "writable by others":
            folder.mkdir()
            folder.chmod(0o777)
        case "of somebody else":
            folder.mkdir(mode=0o700)
            owner = os.getuid() + 1
            monkeypatch.setattr(os, "getuid", lambda: owner)
    return folder


@pytest.mark.parametrize(
    "kind",
    ["not a folder", "cannot be made", "writable by others", "of somebody else"],
)
def test_an_unusable_folder_gives_one_warning(tmp_path, kind, monkeypatch):
    folder = unusable(tmp_path, kind, monkeypatch)
    cache = Cache(folder)
    make, calls = maker()
    with pytest.warns(CacheWarning, match="SYMGRAPH_CACHE") as caught:
        path = cache.find(KEY, make)
    monkeypatch.undo()
    assert len(caught) == 1 and str(folder) in str(caught[0].message)
    assert path.read_text() == "machine code"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cache.find(KEY, make) == path
        cache.find(digest("another"), make)
    assert len(calls) == 2


def test_a_full_disk_gives_one_warning(tmp_path):
    cache = Cache(tmp_path)

    def make(folder):
        if folder.is_relative_to(tmp_path):
            raise OSError(errno.ENOSPC, "No space left on device")
        (folder / LIBRARY).write_text("machine code")

    with pytest.warns(CacheWarning, match="No space left"):
        assert cache.find(KEY, make).read_text() == "machine code"


def test_the_slower_of_two_processes_takes_what_is_there(tmp_path):
    cache, other = Cache(tmp_path), Cache(tmp_path)

    def slow(folder):
        other.find(KEY, maker("of the other")[0])
        (folder / LIBRARY).write_text("ours")

    assert cache.find(KEY, slow).read_text() == "of the other"
    assert [entry.name for entry in tmp_path.iterdir()] == [KEY[:2]]


def test_a_failure_leaves_nothing(tmp_path):
    def fail(folder):
        (folder / LIBRARY).write_text("half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Cache(tmp_path).find(KEY, fail)
    assert not list(tmp_path.glob("new-*"))


def test_notes_are_short_texts(tmp_path):
    cache = Cache(tmp_path)
    assert cache.note(KEY, lambda: "-O3") == "-O3"
    assert cache.note(KEY, lambda: "never asked") == "-O3"


def test_the_environment_chooses_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMGRAPH_CACHE", str(tmp_path / "chosen"))
    assert default_cache().folder == tmp_path / "chosen"


def test_a_digest_tells_parts_apart():
    assert digest("ab", "c") != digest("a", "bc")
