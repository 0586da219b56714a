"""Philox4x32-10: random numbers that are a function of a counter and a key.

Salmon, Moraes, Dror & Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
Ten rounds turn a 128-bit counter into 128 random bits under a 64-bit key, so any
element of any draw can be computed alone, in any order, on any machine.

How a draw uses it. A state holds (key, calls). Draw number ``stream`` of a program
takes for its block b the counter words (b, stream, low half of calls, high half of
calls) and the key words (low half, high half). Element i of 32-bit words is word
i mod 4 of block i div 4; element i of 64-bit words is made of words 2 (i mod 2), the
low half, and the next one, of block i div 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Words = NDArray[np.uint64]

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)  # the golden ratio, and sqrt(3) - 1
ROUNDS = 10
_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox4x32(counter: ArrayLike, key: ArrayLike) -> NDArray[np.uint32]:
    """Four random words for each counter: counter[..., 4], key[2] -> uint32[..., 4].

    >>> [f"{word:08x}" for word in philox4x32([0, 0, 0, 0], [0, 0])]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    words = list(np.moveaxis(np.asarray(counter, np.uint64), -1, 0))
    keys = [int(word) for word in np.asarray(key)]
    for _ in range(ROUNDS):
        words = _round(words, keys)
        keys = [(k + w) & 0xFFFFFFFF for k, w in zip(keys, WEYL, strict=True)]
    return np.stack(words, axis=-1).astype(np.uint32)


def random_words(state: NDArray[Any], stream: int, count: int) -> NDArray[np.uint32]:
    """The first ``count`` 32-bit words of draw ``stream`` in ``state``."""
    key, calls = (int(word) for word in state)
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    if blocks.size > 1 << 32:
        raise ValueError(f"random: {count} words are more than one draw has, 2^34")
    rest = [stream, calls & 0xFFFFFFFF, calls >> 32]
    counter = np.stack([blocks, *(np.full_like(blocks, word) for word in rest)], -1)
    return philox4x32(counter, [key & 0xFFFFFFFF, key >> 32]).reshape(-1)[:count]


def _round(words: list[Words], keys: list[int]) -> list[Words]:
    """Multiply words 0 and 2; the high halves, mixed, and the low halves move on."""
    high0, low0 = _product(words[0], MULTIPLIERS[0])
    high1, low1 = _product(words[2], MULTIPLIERS[1])
    return [
        high1 ^ words[1] ^ np.uint64(keys[0]),
        low1,
        high0 ^ words[3] ^ np.uint64(keys[1]),
        low0,
    ]


def _product(word: Words, multiplier: int) -> tuple[Words, Words]:
    """The high and the low half of a 64-bit product."""
    product = word * np.uint64(multiplier)
    return product >> _HALF, product & _MASK
