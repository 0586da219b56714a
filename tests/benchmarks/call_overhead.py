"""What a call costs when there is next to nothing to compute.

python tests/benchmarks/call_overhead.py
"""

from __future__ import annotations

import timeit
from collections.abc import Callable

import numpy as np

import symgraph as sg

CALLS = 20_000


def microseconds(call: Callable[[], object]) -> float:
    """The best mean time of a call over a few rounds."""
    return min(timeit.repeat(call, number=CALLS, repeat=5)) / CALLS * 1e6


def main() -> None:
    """Print the cost of calls with arguments, shared variables and updates."""
    x, y = sg.vector("x"), sg.vector("y")
    three = sg.tensor("x", shape=(3,))
    w = sg.shared(np.ones(3, "float32"))
    n = sg.shared(0)
    a = np.ones(3, "float32")
    add = sg.function([x, y], x + y)
    static = sg.function([three], three + three)
    weights = sg.function([three], three * w)
    count = sg.function([three], three * w, updates={n: n + 1, w: w * 0.5})
    rows = {
        "two vectors, sizes at run time": lambda: add(a, a),
        "one vector of a known size": lambda: static(a),
        "a vector and a shared variable": lambda: weights(a),
        "the same with two updates": lambda: count(a),
        "two lists, converted": lambda: add([1.0, 2, 3], [1, 2, 3]),
        "NumPy's own a + a": lambda: a + a,
    }
    for label, call in rows.items():
        print(f"{label:<35} {microseconds(call):6.2f} us")


if __name__ == "__main__":
    main()
