"""The cache of compiled code: made once, verified, and never in the way."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
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


@pytest.mark.parametrize("kind", ["file", "link to nowhere"])
def test_something_else_in_the_place_of_an_entry_is_replaced(tmp_path, kind):
    make, _ = maker()
    entry = tmp_path / KEY[:2] / KEY[2:]
    entry.parent.mkdir()
    if kind == "file":
        entry.write_text("not an entry")
    else:
        entry.symlink_to(tmp_path / "nowhere")
    with pytest.warns(CacheWarning, match="damaged"):
        assert Cache(tmp_path).find(KEY, make) == entry / LIBRARY
    assert (entry / LIBRARY).read_text() == "machine code"


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


def fill(folder):
    """Take every byte that the file system of ``folder`` has left."""
    with (
        pytest.raises(OSError, match="No space left"),
        open(folder / "filler", "wb", buffering=0) as file,
    ):
        while True:
            file.write(bytes(4096))


def test_a_full_disk_gives_one_warning_and_compiles_once(tmp_path, monkeypatch):
    cache, (make, calls) = Cache(tmp_path), maker()
    copy = shutil.copy

    def full(source, target):
        if Path(target).is_relative_to(tmp_path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return copy(source, target)

    monkeypatch.setattr(shutil, "copy", full)
    with pytest.warns(CacheWarning, match="No space left") as caught:
        assert cache.find(KEY, make).read_text() == "machine code"
    assert len(caught) == len(calls) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [KEY[:2]]


@pytest.fixture
def mounted(tmp_path):
    """Mount a small file system with the given options; taken away at the end."""
    folder = tmp_path / "mounted"
    folder.mkdir(mode=0o700)

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "x", folder]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root may mount a file system")
        return folder

    yield mount
    subprocess.run(["umount", folder], capture_output=True, check=False)


def test_a_disk_that_is_really_full(mounted):
    folder = mounted("size=64k")
    fill(folder)
    make, calls = maker("machine code" * 1000)
    with pytest.warns(CacheWarning, match="No space left") as caught:
        assert Cache(folder).find(KEY, make).read_text().startswith("machine code")
    assert len(caught) == len(calls) == 1


def test_a_disk_that_is_really_read_only(mounted):
    folder = mounted("size=64k")
    cache, (make, calls) = Cache(folder), maker()
    path = cache.find(KEY, make)
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    assert Cache(folder).find(KEY, make) == path and len(calls) == 1
    with pytest.warns(CacheWarning, match="Read-only file system"):
        cache.find(digest("another"), make)


def test_the_slower_of_two_processes_takes_what_is_there(tmp_path):
    cache, other = Cache(tmp_path), Cache(tmp_path)

    def slow(folder):
        other.find(KEY, maker("of the other")[0])
        (folder / LIBRARY).write_text("ours")

    assert cache.find(KEY, slow).read_text() == "of the other"
    assert [entry.name for entry in tmp_path.iterdir()] == [KEY[:2]]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_a_failure_to_make_leaves_nothing_and_is_no_fault_of_the_cache(tmp_path, error):
    made = []

    def fail(folder):
        made.append(folder)
        (folder / LIBRARY).write_text("half")
        raise error("no")

    with pytest.raises(error, match="no"):
        Cache(tmp_path).find(KEY, fail)
    assert len(made) == 1 and not made[0].exists()
    assert not list(tmp_path.iterdir())


def test_notes_are_short_texts(tmp_path):
    cache = Cache(tmp_path)
    assert cache.note(KEY, lambda: "-O3") == "-O3"
    assert cache.note(KEY, lambda: "never asked") == "-O3"


def test_the_environment_chooses_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMGRAPH_CACHE", str(tmp_path / "chosen"))
    assert default_cache().folder == tmp_path / "chosen"


def test_a_digest_tells_parts_apart():
    assert digest("ab", "c") != digest("a", "bc")
