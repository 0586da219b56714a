"""From graph to kernel IR: each op's way to C, and what is fused with what.

The only room that knows both symgraph and codegen; its op files mirror ``ops/``.
Read ``values.py`` (what a variable is here; ``layouts.py`` where it lies in blocks),
``units.py`` and ``plan.py`` (what is fused), then ``lower.py`` and one op file, say
``conv.py``. Imports ops, graph and codegen.
"""
