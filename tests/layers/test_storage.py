"""Models in files: what is written, and every file that must be turned away."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from symgraph import layers
from symgraph.layers import FileFormatError, storage


def network(units=3, seed=0):
    return layers.Sequential(
        [layers.Dense(units), layers.BatchNorm(), layers.Dense(2, name='";x y')],
        input_shape=(None, 5),
        seed=seed,
    )


def values(net):
    return {
        k: v.missing or v.get_value().tolist() for k, v in net.named_parameters.items()
    }


def test_round_trip(tmp_path):
    one, two = network(seed=1), network(seed=2)
    one[1]["mean"].set_value(np.arange(3, dtype=np.float32))
    one.save(tmp_path / "model.npz")
    assert os.listdir(tmp_path) == ["model.npz"]
    two[1]["variance"].set_value(np.ones(3, np.float32))
    two.load(tmp_path / "model.npz")
    assert values(two) == values(one)
    assert two[1]["mean"].missing is None
    assert "post_learn" in two[1]["variance"].missing


def test_the_file_is_an_ordinary_npz(tmp_path):
    net = network()
    net.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        weights = file["dense_1.weights"]
    np.testing.assert_array_equal(weights, net[0]["weights"].get_value())


def test_saving_twice_gives_the_same_bytes_and_keeps_permissions(tmp_path):
    net, path = network(), tmp_path / "model.npz"
    net.save(path)
    before = path.read_bytes()
    path.chmod(0o640)
    net.save(path)
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o640


def damaged(path, kind):
    data = path.read_bytes()
    if kind == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif kind == "flipped":
        at = data.index(network()[0]["weights"].get_value().tobytes()) + 3
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("not a model")
    elif kind == "npy":
        with open(path, "wb") as file:
            np.save(file, np.zeros(3))
    elif kind == "npz":
        with open(path, "wb") as file:
            np.savez(file, a=np.zeros(3))
    elif kind == "pickle":
        with open(path, "wb") as file:
            np.savez(file, a=np.array([{}], dtype=object))
    elif kind == "header":
        with open(path, "wb") as file:
            np.savez(file, symgraph=np.frombuffer(b"{", np.uint8))
    elif kind == "deep header":
        with open(path, "wb") as file:
            np.savez(file, symgraph=np.frombuffer(b"[" * 100_000, np.uint8))
    elif kind == "list":
        with open(path, "wb") as file:
            np.savez(file, symgraph=np.frombuffer(b"[]", np.uint8))


@pytest.mark.parametrize(
    "kind",
    [
        *("truncated", "flipped", "empty", "text", "npy", "npz", "pickle"),
        *("header", "deep header", "list"),
    ],
)
def test_damaged_and_foreign_files(tmp_path, kind):
    net, path = network(), tmp_path / "model.npz"
    net.save(path)
    before = values(net)
    damaged(path, kind)
    with pytest.raises(FileFormatError, match=r"model\.npz"):
        net.load(path)
    assert values(net) == before


def npy(header):
    """An array file that says ``header`` and holds 60 zeros."""
    text = f"{header}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(60)


SAYS = "{{'descr': {}, 'fortran_order': False, 'shape': {}}}"


@pytest.mark.parametrize(
    "header",
    [
        SAYS.format("'<f4'", "(1099511627776,)"),
        SAYS.format("'<f4'", "(9999999999999999999999999,)"),
        SAYS.format("'<f4'", "(-3, -5)"),
        SAYS.format("'<f4'", "(" * 500),
        SAYS.format("'<f4'", "(True, 5)"),
        SAYS.format("'|O'", "(5, 3)"),
        SAYS.format("[('a', '<f4')]", "(5, 3)"),
        "__import__('os')",
        "'''",
        "",
    ],
)
def test_a_member_that_was_forged(tmp_path, header):
    net, path = network(), tmp_path / "model.npz"
    net.save(path)
    before = values(net)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["dense_1.weights.npy"] = npy(header)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(FileFormatError, match=r"model\.npz"):
        net.load(path)
    assert values(net) == before


def test_any_damage_is_seen(tmp_path):
    """Truncated anywhere, or with bytes changed: refused, or the same network."""
    net, other, path = network(seed=1), network(seed=2), tmp_path / "model.npz"
    other.save(path)
    saved, before, data = values(other), values(net), path.read_bytes()
    rng = np.random.default_rng(0)
    places = rng.integers(0, len(data), (300, 2))
    pieces = [data[: len(data) * part // 50] for part in range(50)]
    for place, other_place in places:
        changed = bytearray(data)
        changed[place], changed[other_place] = rng.integers(0, 256, 2)
        pieces.append(bytes(changed))
    for piece in pieces:
        path.write_bytes(piece)
        try:
            net.load(path)
        except FileFormatError:
            assert values(net) == before
        else:
            assert values(net) == saved
            before = saved


def test_a_member_more(tmp_path):
    net, path = network(), tmp_path / "model.npz"
    net.save(path)
    with zipfile.ZipFile(path, "a") as archive, archive.open("a.npy", "w") as member:
        np.lib.format.write_array(member, np.zeros(3))
    with pytest.raises(FileFormatError, match="not those of the header"):
        net.load(path)


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ({"version": 99}, "expected format version 1, got 99"),
        ({"kind": "checkpoint"}, "expected a model, got 'checkpoint'"),
    ],
)
def test_other_formats(tmp_path, notes, message):
    path = tmp_path / "model.npz"
    storage.write({}, {"missing": {}, **notes}, path, "model")
    with pytest.raises(FileFormatError, match=message):
        network().load(path)


def test_a_file_of_another_network(tmp_path):
    path = tmp_path / "model.npz"
    network(units=4).save(path)
    net = network()
    before = values(net)
    with pytest.raises(FileFormatError, match=r"dense_1.weights is float32\[5, 4\]"):
        net.load(path)
    assert values(net) == before
    layers.Sequential([layers.Dense(3)], input_shape=(None, 5)).save(path)
    with pytest.raises(FileFormatError, match=r"it lacks .*batch_norm_1\.gamma"):
        net.load(path)
    assert values(net) == before


def test_another_dtype(tmp_path):
    path = tmp_path / "model.npz"
    wide = layers.Sequential([layers.Dense(3)], input_shape=(None, 5), dtype="float64")
    wide.save(path)
    narrow = layers.Sequential([layers.Dense(3)], input_shape=(None, 5))
    with pytest.raises(FileFormatError, match="is float64"):
        narrow.load(path)


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        network().load(tmp_path / "absent.npz")


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    net, path = network(), tmp_path / "model.npz"
    net.save(path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        net.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.npz"]


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        network().save(Path(tmp_path, "absent", "model.npz"))
