"""Good loop trees for sums, products and extrema over axes.

    reduction(extents, axes, terms, finish, "r3")      any of them, several at once
    arg_extremum(extents, axis, value, "maximum", store, name="r4")

Sums and products of float32 are accumulated in float64, so the error of the result is
that of its last rounding, however many terms there are.

Read ``steps.py`` first, which has these two, then ``forms.py``: the loops they become.
``work.py`` is what both speak of. Imports the kernel IR and ``schedule``.
"""

from codegen.reductions.steps import arg_extremum, reduction
from codegen.reductions.work import Finish, Term, Terms, cast

__all__ = ["Finish", "Term", "Terms", "arg_extremum", "cast", "reduction"]
