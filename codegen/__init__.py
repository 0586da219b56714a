"""The back end: kernel IR -> C -> machine code. It knows nothing of symgraph.

Read ``ir`` first: all that can be asked for is there. ``sizes`` is its integer
arithmetic; the emitters print C, ``build`` compiles, caches and loads it.
Imports only NumPy, cffi, platformdirs and the standard library.
"""
