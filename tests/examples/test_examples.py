"""The examples run, small, as a user would run them."""

from __future__ import annotations

import json

import character_lstm
import numpy as np
import own_op
import photographs
import pytest
import quickstart
import reference_convnet
import reference_network
from PIL import Image

import symgraph as sg


@pytest.fixture
def folder(tmp_path):
    """A folder of images a class, sixty in all, of two colours that tell them apart."""
    rng = np.random.default_rng(0)
    for number, (name, colour) in enumerate([("cat", 40), ("dog", 200)] * 30):
        pixels = np.clip(rng.normal(colour, 30, (70, 80, 3)), 0, 255).astype(np.uint8)
        place = tmp_path / "images" / name
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number}.png")
    return tmp_path / "images"


def test_quickstart_learns_digits(capsys):
    assert quickstart.main(["--epochs", "2"]) < 0.1
    shown = capsys.readouterr().out
    assert "fold_batch_norm" in shown


def test_an_op_of_ones_own(capsys):
    own_op.main()
    assert "Softsign(slope=0.5)" in capsys.readouterr().out
    assert own_op.softsign(sg.vector("x")).owner.op == own_op.Softsign()


def test_photographs_of_a_folder(folder):
    parts = photographs.load(folder)
    assert [len(part) for part in parts.values()] == [48, 6, 6]
    assert parts["train"].classes == ["cat", "dog"]
    images, labels = next(photographs.centre_batches(parts["test"], 90, 4))
    assert images.shape == (4, 3, 90, 90)
    assert images.dtype == np.float32
    assert labels.dtype == np.int32


def test_crops_depend_on_the_seed_alone(folder):
    part = photographs.load(folder)["train"]
    first, again, other = (
        np.concatenate([x for x, _ in photographs.random_batches(part, 90, 10, seed)])
        for seed in [(0, 1), (0, 1), (0, 2)]
    )
    assert len(first) == 40
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_photographs_of_an_archive(folder, tmp_path):
    files = [p.read_bytes() for p in sorted(folder.rglob("*.png"))]
    ends = np.cumsum([0, *map(len, files)])
    data = np.frombuffer(b"".join(files), np.uint8)
    labels = np.arange(60) // 30
    path = tmp_path / "archive.npz"
    np.savez(path, jpeg=data, off=ends, y=labels, split=np.arange(60) % 3)
    parts = photographs.load(path)
    assert [len(part) for part in parts.values()] == [20, 20, 20]


def test_nothing_to_load_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no images"):
        photographs.load(tmp_path)
    with pytest.raises(ValueError, match=r"folder or a \.npz"):
        photographs.load(tmp_path / "missing")


def test_the_experiment_gives_the_same_numbers_twice(folder, tmp_path):
    def run(name):
        output = tmp_path / name
        options = ["--epochs", "1", "--batch", "16", "--variants", "batch_norm"]
        reference_convnet.main(
            ["--data", str(folder), "--output", str(output), *options]
        )
        assert (output / "curves.png").stat().st_size > 0
        assert "batch_norm" in (output / "results.md").read_text()
        (record,) = json.loads((output / "results.json").read_text())
        del record["seconds"]
        return record

    first = run("first")
    assert set(first["test_error_by_estimator"]) == set(reference_convnet.ESTIMATORS)
    assert first == run("second")


def test_variants_have_a_name():
    with pytest.raises(ValueError, match="variant is one of"):
        reference_network.build("whitened")


SMALL = ["--units", "16", "--batch", "5", "--length", "20", "--write", "30"]


def test_characters_are_learned_the_same_twice(tmp_path, capsys):
    path = tmp_path / "text"
    path.write_text("to be or not to be, that is the question\n" * 100)
    options = ["--data", str(path), "--epochs", "3", "--rate", "0.02", *SMALL]
    unseen, written = character_lstm.main(options)
    assert unseen[-1] < 1.5 < unseen[0]
    assert len(written) == 30 and set(written) <= set(path.read_text())
    assert "bits a character" in capsys.readouterr().out
    assert character_lstm.main(options) == (unseen, written)


def test_texts_come_from_archives_and_from_python(tmp_path):
    path = tmp_path / "text.npz"
    parts = {"train": b"abcabd" * 50, "valid": b"bad"}
    np.savez(path, **{k: np.frombuffer(v, np.uint8) for k, v in parts.items()})
    text = character_lstm.load(str(path))
    assert text.alphabet == b"abcd" and text.valid.tolist() == [1, 0, 3]
    assert len(character_lstm.load(None).train) > 100_000
    with pytest.raises(ValueError, match="expected 101 characters or more, got 3"):
        next(character_lstm.pieces(text.valid, 5, 20))
    x, y = next(character_lstm.pieces(text.train, 5, 20))
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
