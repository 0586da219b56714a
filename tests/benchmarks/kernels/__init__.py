"""Every kernel beside the machine's limits: ``python -m tests.benchmarks.kernels``.

``layers.py`` lists the convolutions, ``convolutions.py``, ``poolings.py``,
``products.py`` and ``passes.py`` make jobs of kernels, ``jobs.py`` measures them,
``__main__.py`` prints.
Imports codegen and symgraph; needs no peers.
"""
