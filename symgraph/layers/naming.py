"""What layers are called: by the user, or after their type and a number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from typing import Any

from symgraph.graph import GraphError

RESERVED = set("./\\") | {chr(code) for code in range(32)}


def kind_of(layer: object) -> str:
    """``MaxPool2D`` -> ``max_pool2d``: what a layer is called before it has a name."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(layer).__name__).lower()


def next_free(kind: str, numbers: Counter[str], taken: Collection[Any]) -> str:
    """``conv2d_1``, ``conv2d_2``, ...: the next that is not ``taken``."""
    numbers[kind] += 1
    while f"{kind}_{numbers[kind]}" in taken:
        numbers[kind] += 1
    return f"{kind}_{numbers[kind]}"


def check_name(owner: str, name: Any) -> None:
    """Raise unless ``name`` may be a part of the paths of parameters."""
    if not isinstance(name, str) or not name or RESERVED & set(name):
        raise GraphError(
            f"{owner}: a layer's name is a text without dots, slashes "
            f"and control characters, got {name!r}"
        )
