"""Layers: what a model is made of; each declares its parameters and its learning.

May import ``compile`` and every room below it. Read ``layer.py`` first, then
``batch_norm.py``, the layer that learns something outside gradient descent, then
``sequential.py``.
"""

from symgraph.layers import initializers
from symgraph.layers.activation import Activation
from symgraph.layers.batch_norm import BatchNorm
from symgraph.layers.bidirectional import Bidirectional
from symgraph.layers.branches import Add, Branches, Concatenate, Residual
from symgraph.layers.calls import Call, calls_in, statistics_in
from symgraph.layers.checkpoint import Checkpoint
from symgraph.layers.container import Container
from symgraph.layers.conv2d import Conv2D
from symgraph.layers.dense import Dense
from symgraph.layers.dropout import Dropout
from symgraph.layers.gru import GRU
from symgraph.layers.layer import Layer
from symgraph.layers.learning import LearningOperation, Running, Statistic
from symgraph.layers.lstm import LSTM
from symgraph.layers.parameters import Parameter
from symgraph.layers.pooling import AveragePool2D, GlobalAveragePool2D, MaxPool2D
from symgraph.layers.recurrent import Recurrent, RecurrentLayer, Unfolded
from symgraph.layers.reshaping import Flatten, Reshape
from symgraph.layers.sequential import Sequential
from symgraph.layers.standardize import Standardize
from symgraph.layers.storage import FileFormatError

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "AveragePool2D",
    "BatchNorm",
    "Bidirectional",
    "Branches",
    "Call",
    "Checkpoint",
    "Concatenate",
    "Container",
    "Conv2D",
    "Dense",
    "Dropout",
    "FileFormatError",
    "Flatten",
    "GlobalAveragePool2D",
    "Layer",
    "LearningOperation",
    "MaxPool2D",
    "Parameter",
    "Recurrent",
    "RecurrentLayer",
    "Reshape",
    "Residual",
    "Running",
    "Sequential",
    "Standardize",
    "Statistic",
    "Unfolded",
    "calls_in",
    "initializers",
    "statistics_in",
]
