"""Max-pooling of images in blocks, as inside a network, and its gradient.

Forward is without the places of the maxima and, as in training, with them, which the
gradient reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from codegen.build import build
from codegen.ir import Buffer, Kernel, Pool, PoolBackward, Pooling, Program, Role
from codegen.ir import Step as IrStep
from codegen.target import Target
from tests.benchmarks.kernels.convolutions import image
from tests.benchmarks.kernels.jobs import Job, aligned

DTYPE = "float32"


@dataclass(frozen=True)
class Layer:
    """``batch`` images of ``channels`` x ``size`` x ``size``, square windows."""

    batch: int
    channels: int
    size: int
    window: int
    stride: int
    padding: int

    @property
    def output(self) -> int:
        """Rows, and columns, of the result."""
        return (self.size + 2 * self.padding - self.window) // self.stride + 1

    @property
    def pooling(self) -> Pooling:
        """The windows, padded alike on all sides."""
        sides = (self.padding, self.padding)
        square = (self.window, self.window)
        return Pooling(square, (self.stride, self.stride), (sides, sides))

    def __str__(self) -> str:
        image = f"{self.batch} x {self.channels}x{self.size}x{self.size}"
        window = f"{self.window}x{self.window}/{self.stride}"
        return f"pooling {image}, {window}" + f" pad {self.padding}" * bool(
            self.padding
        )


LAYERS = (
    Layer(32, 64, 112, 3, 2, 1),  # ResNet's
    Layer(32, 64, 112, 2, 2, 0),
    Layer(100, 32, 42, 2, 2, 0),
    Layer(32, 64, 28, 3, 1, 1),
    Layer(1, 64, 112, 3, 2, 1),
    Layer(1, 64, 28, 3, 1, 1),
)


def jobs(layer: Layer, target: Target, threads: int) -> Iterator[Job]:
    """Forward without places and with them, and the gradient."""
    lanes = target.lanes(DTYPE)
    both = layer.batch, layer.channels
    x, dx = (image(name, *both, layer.size, lanes) for name in ("x", "dx"))
    y, dy = (image(name, *both, layer.output, lanes) for name in ("y", "dy"))
    places = Buffer("places", "uint8", y.buffer.shape, Role.ARGUMENT)
    steps: dict[str, tuple[IrStep, tuple[Buffer, ...]]] = {
        "forward": (Pool(x, y, layer.pooling), (x.buffer, y.buffer)),
        "forward, places": (
            Pool(x, y, layer.pooling, places=places),
            (x.buffer, y.buffer, places),
        ),
        "backward": (
            PoolBackward(dy, places, dx, layer.pooling),
            (dy.buffer, places, dx.buffer),
        ),
    }
    arrays = _arrays((x.buffer, dy.buffer, y.buffer, places, dx.buffer))
    for number, (part, (step, used)) in enumerate(steps.items()):
        program = Program(f"pool_{number}", (), used, (Kernel(step, part),))
        native = build([program], target)[program.name]
        operands = [arrays[buffer.name] for buffer in used]

        def run(native=native, operands=operands) -> float:
            return native.profile(operands, (), threads)[1][-1]

        run()
        traffic = sum(array.nbytes for array in operands)
        yield Job(str(layer), part, {"blocks": run}, 0, traffic)


def _arrays(buffers: tuple[Buffer, ...]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        buffer.name: aligned(rng.standard_normal(buffer.shape).astype(buffer.dtype))
        for buffer in buffers
    }
