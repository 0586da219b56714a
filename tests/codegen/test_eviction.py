"""The cache keeps to its limit: what was not used for longest goes, and only that."""

from __future__ import annotations

import os
import time

import pytest

from codegen import eviction
from codegen.cache import LIBRARY, Cache, digest
from codegen.errors import CacheError
from codegen.eviction import ABANDONED, GRACE, LIMIT_VARIABLE, evict, limit, size_of

CODE = "x" * (300 << 10)  # three entries fit one MiB, four do not
KEYS = [digest(str(number)) for number in range(6)]


def find(cache, key):
    """The entry of ``key``, and whether it had to be made."""
    made = []

    def make(folder):
        made.append(key)
        (folder / LIBRARY).write_text(CODE)

    return cache.find(key, make).parent, bool(made)


def age(path, seconds=2 * GRACE):
    then = time.time() - seconds
    os.utime(path, (then, then))


def here(folder):
    return {path.parent.name + path.name for path in folder.glob("??/*")}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, "1")
    return Cache(tmp_path)


def test_what_was_not_used_for_longest_goes(cache):
    for number, key in enumerate(KEYS[:3]):
        age(find(cache, key)[0], (9 - number) * GRACE)
    assert not find(cache, KEYS[0])[1]  # which is a use
    age(cache.folder / KEYS[0][:2] / KEYS[0][2:])
    find(cache, KEYS[3])
    assert here(cache.folder) == {KEYS[0], KEYS[2], KEYS[3]}
    assert sum(map(size_of, cache.folder.glob("??/*"))) <= limit()


def test_what_was_used_lately_stays_even_over_the_limit(cache):
    for key in KEYS[:5]:
        find(cache, key)
    assert here(cache.folder) == set(KEYS[:5])


def test_another_process_knows_what_is_there(cache):
    for key in KEYS[:3]:
        age(find(cache, key)[0])
    find(Cache(cache.folder), KEYS[3])
    assert KEYS[3] in here(cache.folder) and len(here(cache.folder)) == 3


def test_a_use_between_the_look_and_the_removal_saves_an_entry(cache, monkeypatch):
    for number, key in enumerate(KEYS[:3]):
        age(find(cache, key)[0], (9 - number) * GRACE)
    look = eviction._entries

    def looked(folder):
        found = list(look(folder))
        find(cache, KEYS[0])
        return iter(found)

    monkeypatch.setattr(eviction, "_entries", looked)
    evict(cache.folder, 700 << 10)
    assert here(cache.folder) == {KEYS[0], KEYS[2]}


def test_only_what_killed_processes_left_is_swept(tmp_path):
    for name, seconds in (("new-a", 2), ("bad-b", 2), ("new-c", 0.5), ("mine", 2)):
        (tmp_path / name).mkdir()
        age(tmp_path / name, seconds * ABANDONED)
    evict(tmp_path, 0)
    assert {path.name for path in tmp_path.iterdir()} == {"new-c", "mine"}


def test_nothing_is_removed_twice(cache):
    entry, _ = find(cache, KEYS[0])
    assert eviction.remove(entry, cache.folder)
    assert not eviction.remove(entry, cache.folder)
    assert list(cache.folder.iterdir()) == [entry.parent]


@pytest.mark.parametrize("text", ["-1", "1G", "many"])
def test_a_limit_that_is_no_number_is_an_error(tmp_path, monkeypatch, text):
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    with pytest.raises(CacheError, match=f"a number of MiB, got '{text}'"):
        find(Cache(tmp_path), KEYS[0])


def test_the_limit_is_a_gibibyte_unless_the_user_says(monkeypatch):
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)
    assert limit() == 1 << 30
    monkeypatch.setenv(LIMIT_VARIABLE, "3")
    assert limit() == 3 << 20
