"""symgraph beside its peers (``make bench``) and the machine (``make bench-kernels``).

``works.py`` says what is compared, ``sides.py`` how a side is asked to do it, each in a
process of its own: ``symgraph_side.py`` and the files of ``peers/``, which need not
have symgraph. ``pairs.py``, ``once.py`` and ``own.py`` measure; ``__main__.py`` prints
the table.
"""
