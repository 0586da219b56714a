"""symgraph: a symbolic graph compiler with learning phases, in the line of Theano.

Rooms, lowest first; each imports only those before it: ``graph``, ``rewriting``,
``ops``, ``autodiff``, ``rules``, ``lowering``, ``compile``, ``layers``, ``training``.
Read ``graph/op.py`` first, then one file of ``ops`` and its namesake in ``lowering``.
"""
