"""Photographs from a folder or an archive, cropped in worker threads.

An archive is a NumPy ``.npz`` with ``jpeg`` (all files, one after the other), ``off``
(image i is ``jpeg[off[i]:off[i+1]]``), ``y`` (labels) and optionally ``split``
(0 train, 1 valid, 2 test) and ``classes``. A folder holds one folder of images a
class, or files named ``class.number.jpg``; it is split 80/10/10 by a fixed shuffle.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
SPLITS = {"train": 0, "valid": 1, "test": 2}
Batch = tuple[NDArray[np.float32], NDArray[np.int32]]


@dataclass
class Photographs:
    """Encoded images of one split; each is decoded once, when it is first needed."""

    files: list[bytes | Path]
    labels: NDArray[np.int32]
    classes: list[str]
    side: int = 100

    def __post_init__(self) -> None:
        self._decoded: list[NDArray[np.uint8] | None] = [None] * len(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def image(self, number: int) -> NDArray[np.uint8]:
        """Image ``number`` as uint8 (3, side, side)."""
        pixels = self._decoded[number]
        if pixels is None:
            pixels = _decode(self.files[number], self.side)
            self._decoded[number] = pixels
        return pixels

    def head(self, count: int) -> Photographs:
        """The first ``count`` photographs."""
        return Photographs(
            self.files[:count], self.labels[:count], self.classes, self.side
        )


@dataclass(frozen=True)
class Crop:
    """Where a photograph is cut, and whether it is mirrored."""

    top: int
    left: int
    mirrored: bool


def load(path: str | Path, side: int = 100) -> dict[str, Photographs]:
    """The splits ``train``, ``valid`` and ``test`` of a folder or an archive."""
    path = Path(path)
    if path.is_dir():
        files, labels, classes, split = _folder(path)
    elif path.suffix == ".npz":
        files, labels, classes, split = _archive(path)
    else:
        raise ValueError(f"load: expected a folder or a .npz archive, got {path}")
    parts = {}
    for name, number in SPLITS.items():
        chosen = np.flatnonzero(split == number)
        kept = [files[i] for i in chosen]
        parts[name] = Photographs(kept, labels[chosen], classes, side)
    return parts


def random_batches(
    photographs: Photographs, size: int, batch: int, seed: tuple[int, ...]
) -> Iterator[Batch]:
    """A shuffled sweep of random crops and mirror images, whole batches only."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(photographs))
    room = photographs.side - size + 1
    corners = rng.integers(0, room, (len(order), 2))
    mirrored = rng.random(len(order)) < 0.5
    crops = [
        Crop(int(top), int(left), bool(flip))
        for (top, left), flip in zip(corners, mirrored, strict=True)
    ]
    whole = len(order) // batch * batch
    return _batches(photographs, order[:whole], crops[:whole], size, batch)


def centre_batches(photographs: Photographs, size: int, batch: int) -> Iterator[Batch]:
    """Every photograph once, in order, cut at the centre; the last batch is short."""
    margin = (photographs.side - size) // 2
    crops = [Crop(margin, margin, False)] * len(photographs)
    order = np.arange(len(photographs))
    return _batches(photographs, order, crops, size, batch)


def _batches(
    photographs: Photographs,
    order: NDArray[np.int64],
    crops: list[Crop],
    size: int,
    batch: int,
    workers: int = 2,
    ahead: int = 4,
) -> Iterator[Batch]:
    """Batches in order, ``ahead`` of them being made while one is in use."""

    def make(start: int) -> Batch:
        numbers = order[start : start + batch]
        images = np.empty((len(numbers), 3, size, size), np.float32)
        for image, number, crop in zip(
            images, numbers, crops[start : start + batch], strict=True
        ):
            image[...] = _cut(photographs.image(number), crop, size)
        return images, photographs.labels[numbers]

    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Batch]] = deque()
        for start in range(0, len(order), batch):
            waiting.append(pool.submit(make, start))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _cut(pixels: NDArray[np.uint8], crop: Crop, size: int) -> NDArray[np.uint8]:
    rows = slice(crop.top, crop.top + size)
    columns = slice(crop.left, crop.left + size)
    cut = pixels[:, rows, columns]
    return cut[:, :, ::-1] if crop.mirrored else cut


def _decode(file: bytes | Path, side: int) -> NDArray[np.uint8]:
    source = io.BytesIO(file) if isinstance(file, bytes) else file
    with Image.open(source) as opened:
        image = opened.convert("RGB")
    if image.size != (side, side):
        image = image.resize((side, side), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def _archive(
    path: Path,
) -> tuple[list[bytes | Path], NDArray[np.int32], list[str], NDArray[np.int64]]:
    with np.load(path, allow_pickle=False) as archive:
        data, offsets = archive["jpeg"], archive["off"]
        labels = archive["y"].astype(np.int32)
        names = archive["classes"] if "classes" in archive else np.unique(labels)
        split = archive["split"] if "split" in archive else _split(len(labels))
    files: list[bytes | Path] = [data[a:b].tobytes() for a, b in pairwise(offsets)]
    return files, labels, [str(name) for name in names], split.astype(np.int64)


def _folder(
    path: Path,
) -> tuple[list[bytes | Path], NDArray[np.int32], list[str], NDArray[np.int64]]:
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise ValueError(f"load: no images in {path}")
    names = [p.parent.name if p.parent != path else p.name.split(".")[0] for p in found]
    classes = sorted(set(names))
    labels = np.array([classes.index(name) for name in names], np.int32)
    return list(found), labels, classes, _split(len(found))


def _split(count: int) -> NDArray[np.int64]:
    """80 % train, 10 % valid, 10 % test, shuffled in a fixed way."""
    split = np.zeros(count, np.int64)
    order = np.random.default_rng(0).permutation(count)
    tenth = count // 10
    split[order[:tenth]] = SPLITS["valid"]
    split[order[tenth : 2 * tenth]] = SPLITS["test"]
    return split
