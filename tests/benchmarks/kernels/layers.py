"""The convolutions that are measured: the reference network's, ResNet-18's, others."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.ir import Window


@dataclass(frozen=True)
class Layer:
    """``batch`` images of ``channels`` x ``size`` x ``size``, made ``filters`` wide.

    ``backward_data`` is False where no network wants the gradient of the image.
    """

    name: str
    batch: int
    channels: int
    size: int
    filters: int
    window: Window
    backward_data: bool = True

    @property
    def output(self) -> int:
        """Rows, and columns, of the result."""
        window = self.window
        reach = window.dilation[0] * (window.kernel[0] - 1) + 1
        return (self.size + sum(window.padding[0]) - reach) // window.stride[0] + 1

    def __str__(self) -> str:
        w = self.window
        parts = [
            f"{self.batch} x {self.channels}x{self.size}x{self.size} -> {self.filters}",
            f"{w.kernel[0]}x{w.kernel[1]}" + (f"/{w.stride[0]}" * (w.stride[0] > 1)),
            f"pad {w.padding[0][0]}" * (w.padding[0][0] > 0),
            f"dilation {w.dilation[0]}" * (w.dilation[0] > 1),
            f"groups {w.groups}" * (w.groups > 1),
        ]
        return " ".join(filter(None, (self.name, *parts)))


def window(
    kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> Window:
    """A square window, padded alike on all sides."""
    sides = (padding, padding)
    return Window(
        (kernel, kernel), (stride, stride), (dilation, dilation), (sides, sides), groups
    )


def _at(batch: int, name: str, *row) -> Layer:
    channels, size, filters, geometry = row
    return Layer(name, batch, channels, size, filters, geometry, channels > 3)


REFERENCE = (
    (3, 90, 16, window(3)),
    (16, 44, 32, window(3)),
    (32, 42, 32, window(3)),
    (32, 20, 64, window(5)),
    (64, 8, 64, window(5)),
)
RESNET = (
    (3, 224, 64, window(7, 2, 3)),
    (64, 56, 64, window(3, 1, 1)),
    (64, 56, 128, window(3, 2, 1)),
    (128, 28, 128, window(3, 1, 1)),
    (256, 14, 256, window(3, 1, 1)),
    (512, 7, 512, window(3, 1, 1)),
    (256, 14, 1024, window(1)),
)
OTHERS = (
    ("depthwise", 96, 56, 96, window(3, 1, 1, groups=96)),
    ("depthwise", 96, 56, 96, window(3, 2, 1, groups=96)),
    ("large", 32, 28, 64, window(5, 1, 2)),
    ("large", 32, 28, 64, window(7, 1, 3)),
    ("dilated", 64, 28, 64, window(3, 1, 2, dilation=2)),
    ("grouped", 64, 28, 128, window(3, 1, 1, groups=4)),
    # conv_transpose2d of 64x14x14 to 32x28x28: its forward is this one's backward-data
    ("transposed", 32, 28, 64, window(4, 2, 1)),
)
LAYERS = (
    *(_at(batch, "reference", *row) for batch in (100, 1) for row in REFERENCE),
    *(_at(batch, "resnet", *row) for batch in (32, 1) for row in RESNET),
    *(_at(batch, *row) for batch in (32, 1) for row in OTHERS),
)
