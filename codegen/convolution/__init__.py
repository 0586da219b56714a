"""Convolutions as C: register-tiled direct kernels for images in blocked orders.

Read ``geometry.py`` first (every pass is a correlation; ``residues.py`` shows it of the
input's gradient), then ``tiles.py`` and ``correlation.py``; ``slides.py`` is how single
channels are summed, ``scattered.py`` gradients of small images. ``reading.py`` is
padding and grouped channels, ``packing.py`` the order of the filters, ``winograd.py``
the way with fewer products, ``windows.py`` pooling, ``unpool.py`` its gradient,
``bands.py`` pooling by the convolution, ``channel_sums.py`` statistics.
Imports the kernel IR and its printers, nothing of symgraph.
"""

from codegen.convolution.backward_weights import (
    emit_convolution_backward_weights,
    takes_places,
)
from codegen.convolution.forward import (
    emit_convolution,
    emit_convolution_backward_data,
    takes_sums,
    winograd_points,
)
from codegen.convolution.packing import emit_pack_filters, pack_filters, packed_shape
from codegen.convolution.pool import emit_pool
from codegen.convolution.pooled import pools_faster
from codegen.convolution.reorder import emit_reorder
from codegen.convolution.results import by_two, flops
from codegen.convolution.unpool import emit_pool_backward, unpools
from codegen.convolution.winograd_filters import (
    at_points,
    emit_transform_filters,
    transformed_shape,
)

__all__ = [
    "at_points",
    "by_two",
    "emit_convolution",
    "emit_convolution_backward_data",
    "emit_convolution_backward_weights",
    "emit_pack_filters",
    "emit_pool",
    "emit_pool_backward",
    "emit_reorder",
    "emit_transform_filters",
    "flops",
    "pack_filters",
    "packed_shape",
    "pools_faster",
    "takes_places",
    "takes_sums",
    "transformed_shape",
    "unpools",
    "winograd_points",
]
