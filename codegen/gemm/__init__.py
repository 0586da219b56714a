"""Matrix products: which way a ``Gemm`` is computed, and its C.

``product`` says what is multiplied, ``plan`` chooses one of the ``ways``, and one file
prints each: ``tiled`` (register tiles, which read what ``left`` and ``right`` packed),
``vectors`` (one row, or few columns), ``plain`` (loops: integers and tiny products).
``phases`` puts them together, with the sum over k in ``chunks`` where the product is
small and k long. Start with ``plan``. Imports the kernel IR, ``sizes`` and
``emission``.
"""

from codegen.gemm.phases import emit_gemm
from codegen.gemm.product import flops
from codegen.gemm.right import emit_pack_right, packed_shape, pays_once

__all__ = ["emit_gemm", "emit_pack_right", "flops", "packed_shape", "pays_once"]
