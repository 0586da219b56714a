"""Every builder under its public name: what ``from symgraph.ops.functions import *``
and with it ``sg.exp``, ``sg.concatenate``, ... mean. NumPy's names throughout."""

# mypy: implicit_reexport = True

from symgraph.graph import constant
from symgraph.ops.arguments import as_variable
from symgraph.ops.arithmetic import (
    abs,
    absolute,
    add,
    divide,
    floor_div,
    floor_divide,
    mod,
    mul,
    multiply,
    neg,
    negative,
    pow,
    power,
    reciprocal,
    remainder,
    square,
    sub,
    subtract,
    true_div,
    true_divide,
)
from symgraph.ops.branching import ifelse
from symgraph.ops.broadcasting import broadcast_arrays
from symgraph.ops.cast import cast, stop_gradient
from symgraph.ops.checkpoint import checkpoint
from symgraph.ops.comparison import (
    eq,
    equal,
    ge,
    greater,
    greater_equal,
    gt,
    isfinite,
    isinf,
    isnan,
    le,
    less,
    less_equal,
    lt,
    ne,
    not_equal,
)
from symgraph.ops.creation import (
    arange,
    eye,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    tril,
    triu,
    zeros,
    zeros_like,
)
from symgraph.ops.cumulative import cumprod, cumsum, diff
from symgraph.ops.exponential import exp, exp2, expm1, log, log1p, log2, log10, sqrt
from symgraph.ops.extrema import clip, maximum, minimum
from symgraph.ops.indexing import (
    diagonal,
    inc_subtensor,
    one_hot,
    set_subtensor,
    take,
    take_along_axis,
    trace,
)
from symgraph.ops.inputs import (
    bmatrix,
    bscalar,
    btensor3,
    btensor4,
    btensor5,
    bvector,
    dmatrix,
    dscalar,
    dtensor3,
    dtensor4,
    dtensor5,
    dvector,
    fmatrix,
    fscalar,
    ftensor3,
    ftensor4,
    ftensor5,
    fvector,
    imatrix,
    iscalar,
    itensor3,
    itensor4,
    itensor5,
    ivector,
    lmatrix,
    lscalar,
    ltensor3,
    ltensor4,
    ltensor5,
    lvector,
    matrix,
    scalar,
    tensor,
    tensor3,
    tensor4,
    tensor5,
    vector,
)
from symgraph.ops.join import concatenate, split
from symgraph.ops.linalg import dot, matmul, outer, tensordot, vdot
from symgraph.ops.logical import (
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    invert,
    left_shift,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    right_shift,
)
from symgraph.ops.looping import foldl, foldr, map, reduce, scan, until
from symgraph.ops.numerics import allclose, isclose, logaddexp
from symgraph.ops.reshaping import (
    atleast_1d,
    dimshuffle,
    expand_dims,
    flatten,
    flip,
    moveaxis,
    ravel,
    repeat,
    reshape,
    squeeze,
    swapaxes,
    tile,
    transpose,
)
from symgraph.ops.rounding import ceil, floor, round, sign, trunc
from symgraph.ops.selection import switch, where
from symgraph.ops.shape import broadcast_to, shape
from symgraph.ops.sorting import argsort, sort, topk
from symgraph.ops.special import erf, erfc
from symgraph.ops.stacking import hstack, pad, roll, stack, unstack, vstack
from symgraph.ops.statistics import (
    all,
    any,
    argmax,
    argmin,
    logsumexp,
    max,
    mean,
    min,
    prod,
    std,
    sum,
    var,
)
from symgraph.ops.summation import einsum
from symgraph.ops.trigonometric import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cos,
    cosh,
    sin,
    sinh,
    tan,
    tanh,
)
