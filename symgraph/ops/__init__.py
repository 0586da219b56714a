"""What can be computed: one file per family of ops, one class per op.

A class holds all the mathematics of its op; the builders beside it convert, promote
and broadcast what users write. Imports ``graph``. Read ``elementwise.py`` and
``arithmetic.py`` first, then ``shape.py``; ``functions.py`` lists every builder.
"""

from symgraph.ops import methods
from symgraph.ops.advanced import AdvancedSetSubtensor, AdvancedSubtensor
from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.arithmetic import (
    Abs,
    Add,
    Div,
    FloorDiv,
    Mod,
    Mul,
    Neg,
    Pow,
    Reciprocal,
    Square,
    Sub,
)
from symgraph.ops.average_pool import AveragePool2D, AveragePool2DGrad
from symgraph.ops.batch_norm import (
    BatchNormInference,
    BatchNormTraining,
    BatchNormTrainingGrad,
)
from symgraph.ops.branching import IfElse
from symgraph.ops.cast import Cast, StopGradient
from symgraph.ops.checkpoint import Barrier, Checkpoint
from symgraph.ops.comparison import (
    Eq,
    Ge,
    Gt,
    IsFinite,
    IsInf,
    IsNan,
    Le,
    Lt,
    Ne,
)
from symgraph.ops.conv import Conv2D, Conv2DBackwardData, Conv2DBackwardWeights
from symgraph.ops.creation import Arange
from symgraph.ops.cross_entropy import CrossEntropy, CrossEntropyGrad
from symgraph.ops.cumulative import CumProd, CumSum
from symgraph.ops.dropout import Dropout
from symgraph.ops.elementwise import Elementwise
from symgraph.ops.exponential import Exp, Exp2, Expm1, Log, Log1p, Log2, Log10, Sqrt
from symgraph.ops.extrema import Maximum, Minimum
from symgraph.ops.functions import *
from symgraph.ops.join import Concatenate, Pad, Split
from symgraph.ops.linalg import MatMul
from symgraph.ops.logical import (
    BitwiseAnd,
    BitwiseOr,
    BitwiseXor,
    Invert,
    LeftShift,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    LogicalXor,
    RightShift,
)
from symgraph.ops.moments import Moments, PairedSums
from symgraph.ops.pool import MaxPool2D, MaxPool2DGrad, MaxPool2DSelect
from symgraph.ops.pool_places import (
    MaxPool2DGather,
    MaxPool2DScatter,
    MaxPool2DWithPlaces,
)
from symgraph.ops.products import ProductOfOthers
from symgraph.ops.random import RandomBits, RandomUniform
from symgraph.ops.reduce import (
    All,
    Any,
    ArgMax,
    ArgMin,
    Max,
    Min,
    Prod,
    Sum,
)
from symgraph.ops.rounding import Ceil, Floor, Round, Sign, Trunc
from symgraph.ops.scan import Scan
from symgraph.ops.selection import Where
from symgraph.ops.shape import BroadcastTo, Dim, Reshape, Transpose
from symgraph.ops.softmax import LogSoftmax, Softmax
from symgraph.ops.solving import Cholesky, Det, SlogDet, Solve, TriangularSolve
from symgraph.ops.sorting import ArgSort
from symgraph.ops.special import Erf, Erfc, Relu, Sigmoid, Softplus
from symgraph.ops.subtensor import SetSubtensor, Subtensor
from symgraph.ops.take import Put, Take
from symgraph.ops.trigonometric import (
    Arccos,
    Arccosh,
    Arcsin,
    Arcsinh,
    Arctan,
    Arctan2,
    Arctanh,
    Cos,
    Cosh,
    Sin,
    Sinh,
    Tan,
    Tanh,
)
