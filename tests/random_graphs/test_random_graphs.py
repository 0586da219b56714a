"""Random graphs that cross layouts, views, branches and loops, and their gradients.

Native code and the NumPy back end, as rewritten, against the ops' own definitions. The
suite tries the same few graphs each time, without the compiler's optimizing. Many more,
new ones each time and as they are compiled for users::

    RANDOM_GRAPHS=2000 python -m pytest -n 0 tests/random_graphs
"""

from __future__ import annotations

import os
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import symgraph as sg
from symgraph.graph import Variable, evaluate
from tests.effort import unoptimized
from tests.random_graphs import image_steps, number_steps, view_steps
from tests.random_graphs.scene import Scene, Value

LONG = int(os.environ.get("RANDOM_GRAPHS", "0"))
STEPS = [*image_steps.STEPS, *view_steps.STEPS, *number_steps.STEPS]
MODES = ("numpy", "c", "c")
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}


class Drawn(NamedTuple):
    """A graph to compile: what it reads, gives back and updates, and its calls."""

    leaves: list[Value]
    state: list[Value]
    outputs: list[Variable]
    updates: list[Variable]
    calls: list[list[np.ndarray]]


@st.composite
def graphs(draw: Any) -> Drawn:
    """An image and what follows of it, with the gradient of a sum of the outputs."""
    scene = Scene(draw)
    batch = scene.choose([2, 1, 3, 0])
    unknown = scene.choose([set(), {0}, {0}, {0, 2, 3}])
    shape = batch, scene.choose([3, 1, 8, 16]), scene.number(1, 9), scene.number(1, 9)
    static = [None if axis in unknown else size for axis, size in enumerate(shape)]
    scene.leaf(scene.normal(*shape), tuple(static))
    scene.leaf(scene.normal(batch, 5), (static[0], 5))
    scene.grow(image_steps.convolved)
    for _ in range(scene.number(1, 7)):
        scene.grow(scene.choose(STEPS))
    outputs = [scene.pool[-1].variable]
    for _ in range(scene.number(0, 2)):
        scene.grow(scene.choose([view_steps.transposed, view_steps.sliced]))
        outputs += [scene.pool[-1].variable, scene.pick().variable]
    read = [value.variable for value in (*scene.leaves, *scene.state)]
    slopes = gradients(scene, outputs, read)
    steps = slopes[len(scene.leaves) :]
    pairs = zip(scene.state, steps, strict=True)
    updates = [value.variable - 0.1 * step for value, step in pairs]
    calls = [[value.array for value in scene.leaves]]
    if 0 in unknown:
        calls.append(of_batch(scene, scene.choose([0, 1, 4])))
    return Drawn(scene.leaves, scene.state, [*outputs, *slopes], updates, calls)


def gradients(
    scene: Scene, outputs: list[Variable], wrt: list[Variable]
) -> list[Variable]:
    """Of a sum of all outputs, each number with a weight of its own, or squared."""
    loss = sum(scene.choose([weighted, squared])(output) for output in outputs)
    return sg.grad(loss, wrt, disconnected_inputs="ignore")


def weighted(x: Variable) -> Variable:
    """A sum whose weights are the sines of 1, 2, ...: right for every size."""
    weights = sg.sin((sg.arange(x.size) + 1).astype(x.dtype))
    return (x * weights.reshape(x.shape)).sum()


def squared(x: Variable) -> Variable:
    """Half of the sum of squares."""
    return (x * x).sum() * 0.5


def of_batch(scene: Scene, batch: int) -> list[np.ndarray]:
    """Arguments of another batch, where it is not known."""
    shapes = [
        (batch, *array.shape[1:]) if variable.type.shape[:1] == (None,) else array.shape
        for variable, array in scene.leaves
    ]
    return [scene.normal(*shape) for shape in shapes]


def arrays_of(
    variables: list[Variable], drawn: Drawn, call: list[np.ndarray]
) -> list[np.ndarray]:
    """What the definitions of the ops say, rewritten by nobody."""
    givens = {value.variable: value.array for value in drawn.state}
    pairs = zip(drawn.leaves, call, strict=True)
    givens.update((value.variable, array) for value, array in pairs)
    return evaluate(variables, givens)


def agrees(found: np.ndarray, expected: np.ndarray, share: float = 1.0) -> bool:
    """Within the tolerance of the dtype, of the largest number there is."""
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1)
    bound = share * TOLERANCE[expected.dtype.name]
    return np.allclose(found, expected, bound, bound * scale, equal_nan=True)


def is_steady(variables: list[Variable], drawn: Drawn, call: list[np.ndarray]) -> bool:
    """Whether arguments that differ in their last bits give nearly the same.

    Where not, a number lies at a kink, or rounding is magnified.
    """
    random, expected = np.random.default_rng(0), arrays_of(variables, drawn, call)
    for _ in range(3):
        noise = [
            4 * np.finfo(a.dtype).eps * random.uniform(-1, 1, a.shape) for a in call
        ]
        near = [(a * (1 + e)).astype(a.dtype) for a, e in zip(call, noise, strict=True)]
        moved = arrays_of(variables, drawn, near)
        if not all(map(agrees, moved, expected, [0.2] * len(expected))):
            return False
    return True


def run(
    function: sg.function, drawn: Drawn, call: list[np.ndarray]
) -> list[np.ndarray]:
    """The results and the new state of one call, which keeps its arguments."""
    for variable, array in drawn.state:
        variable.set_value(array)
    given = [array.copy() for array in call]
    results = function(*given)
    assert all(map(np.array_equal, given, call))
    assert not any(
        np.shares_memory(a, b) for a, b in combinations([*results, *given], 2)
    )
    return [*results, *(variable.get_value() for variable, _ in drawn.state)]


@settings(
    max_examples=LONG or 10,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
)
@given(graphs())
def test_every_back_end_computes_what_the_definitions_say(drawn):
    leaves = [value.variable for value in drawn.leaves]
    updates = list(zip([v.variable for v in drawn.state], drawn.updates, strict=True))
    everything = [*drawn.outputs, *drawn.updates]
    functions = [
        sg.function(leaves, drawn.outputs, updates, mode=mode, on_unused_input="ignore")
        for mode in MODES
    ]
    for call in drawn.calls:
        try:
            expected = arrays_of(everything, drawn, call)
        except (ValueError, IndexError, sg.GraphError):  # of another batch
            continue
        for function in functions:
            found = run(function, drawn, call)
            pairs = enumerate(zip(found, expected, strict=True))
            wrong = [place for place, pair in pairs if not agrees(*pair)]
            if wrong:
                assume(is_steady(everything, drawn, call))
                worst = [np.abs(found[i] - expected[i]).max() for i in wrong]
                raise AssertionError(
                    f"{function.mode.backend}: {wrong} differ by {worst}"
                )


@pytest.fixture(autouse=True)
def quick_builds(monkeypatch):
    """In the suite the compiler does not optimize: it is the C that is tested."""
    if not LONG:
        unoptimized(monkeypatch)
