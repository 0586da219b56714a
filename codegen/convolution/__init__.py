"""Convolutions as C: register-tiled direct kernels for images in blocked orders.

Read ``geometry.py`` first (every pass is a correlation), then ``tiles.py`` and
``correlation.py``. ``reading.py`` is padding and grouped channels, ``packing.py`` the
order of the filters. Imports the kernel IR and its printers, nothing of symgraph.
"""

from codegen.convolution.backward_weights import emit_convolution_backward_weights
from codegen.convolution.forward import (
    emit_convolution,
    emit_convolution_backward_data,
)
from codegen.convolution.geometry import flops
from codegen.convolution.packing import emit_pack_filters, pack_filters, packed_shape
from codegen.convolution.reorder import emit_reorder

__all__ = [
    "emit_convolution",
    "emit_convolution_backward_data",
    "emit_convolution_backward_weights",
    "emit_pack_filters",
    "emit_reorder",
    "flops",
    "pack_filters",
    "packed_shape",
]
