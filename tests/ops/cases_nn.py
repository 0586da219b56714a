"""Rows of the op-case table: the ops of neural networks, each with inputs for it."""

from __future__ import annotations

import numpy as np

from symgraph.ops.affine import AddBias, Affine
from symgraph.ops.average_pool import AveragePool2D, AveragePool2DGrad
from symgraph.ops.batch_norm import (
    BatchNormInference,
    BatchNormTraining,
    BatchNormTrainingGrad,
)
from symgraph.ops.conv import Conv2D, Conv2DBackwardData, Conv2DBackwardWeights
from symgraph.ops.cross_entropy import CrossEntropy, CrossEntropyGrad
from symgraph.ops.draws import RandomBits, RandomUniform
from symgraph.ops.dropout import Dropout
from symgraph.ops.pool import MaxPool2D, MaxPool2DGrad, MaxPool2DSelect
from symgraph.ops.pool_places import (
    MaxPool2DGather,
    MaxPool2DScatter,
    MaxPool2DWithPlaces,
)
from symgraph.ops.softmax import LogSoftmax, Softmax
from tests.ops.random_arrays import Arrays, size

ARRAYS = Arrays(31)
normal, distinct = ARRAYS.normal, ARRAYS.distinct


def positive(*shape):
    """Values between 1/2 and 2."""
    return ARRAYS.between(0.5, 2.0, *shape)


def labels(classes, *shape):
    """Integers below ``classes``."""
    return ARRAYS.integers(0, classes, *shape)


GEOMETRIES = [
    {},
    {"stride": (2, 3), "padding": ((1, 2), (0, 1))},
    {"dilation": (2, 1), "padding": ((0, 1), (2, 0))},
    {"groups": 2, "stride": (1, 2)},
]
IMAGES, FILTERS = (2, 4, 7, 8), (6, 4, 3, 2)


def convolutions():
    """The three convolutions in each geometry."""
    for geometry in GEOMETRIES:
        groups = geometry.get("groups", 1)
        filters = (FILTERS[0], FILTERS[1] // groups, *FILTERS[2:])
        op = Conv2D(**geometry)
        y = op.infer_shape([IMAGES, filters], [None, None])
        yield op, (normal(*IMAGES), normal(*filters))
        data = Conv2DBackwardData(**geometry, size=IMAGES[2:])
        yield data, (normal(*y), normal(*filters))
        weights = Conv2DBackwardWeights(**geometry, kernel=FILTERS[2:])
        yield weights, (normal(*IMAGES), normal(*y))
    y = (2, 6, 5, 7)
    arrays = normal(*y), normal(*FILTERS), size(7)
    yield Conv2DBackwardData(size=(None, 8)), arrays
    arrays = normal(*IMAGES), normal(*y), size(3), size(2)
    yield Conv2DBackwardWeights(kernel=(None, None)), arrays


WINDOWS = [
    ((2, 2), (2, 2)),
    ((3, 2), (1, 1), ((1, 2), (0, 1))),
    ((2, 3), (3, 2)),
    ((1, 2), (2, 3), ((0, 0), (1, 0))),
]


def poolings():
    """Max and average pooling with their adjoints, windows of every kind."""
    images = (2, 3, 5, 7)
    for fields in WINDOWS:
        x = distinct(*images)
        y = MaxPool2D(*fields).reference(x)
        yield MaxPool2D(*fields), (x,)
        yield MaxPool2DGrad(*fields), (x, y, normal(*y.shape))
        yield MaxPool2DSelect(*fields), (x, y, normal(*images))
        _, places = MaxPool2DWithPlaces(*fields).reference(x)
        yield MaxPool2DWithPlaces(*fields), (x,)
        scatter = MaxPool2DScatter(*_padded(fields), images[2:])
        yield scatter, (places, normal(*y.shape))
        yield MaxPool2DGather(*fields), (places, normal(*images))
        for counted in (True, False):
            geometry = *_padded(fields), counted
            yield AveragePool2D(*geometry), (normal(*images),)
            adjoint = AveragePool2DGrad(*geometry, size=images[2:])
            yield adjoint, (normal(*y.shape),)
    adjoint = AveragePool2DGrad((2, 3), (1, 2), size=(None, None))
    yield adjoint, (normal(2, 3, 4, 3), size(5), size(7))


def _padded(fields):
    return fields if len(fields) > 2 else (*fields, ((0, 0), (0, 0)))


NORMALIZED = [((0, 2, 3), (2, 3, 5, 7)), ((0,), (5, 2, 3)), ((0, 1), (2, 3, 5))]


def normalizations():
    """Batch normalization over each kind of axes, with and without rescaling."""
    for axes, shape in NORMALIZED:
        kept = tuple(n for axis, n in enumerate(shape) if axis not in axes)
        parameter = [normal(*kept) for _ in range(3)]
        for mean_only in (False, True):
            fields = axes, 1e-2, mean_only
            x, dy = normal(*shape) * 2 + 1, normal(*shape)
            gamma, beta, mean = parameter
            yield BatchNormTraining(*fields), (x, gamma, beta)
            arrays = x, gamma, mean, positive(*kept), dy
            yield BatchNormTrainingGrad(*fields), arrays
            arrays = x, gamma, beta, mean, positive(*kept)
            yield BatchNormInference(*fields), arrays


def parametrized():
    """Bias, scale and shift."""
    for axes, shape in NORMALIZED:
        kept = tuple(n for axis, n in enumerate(shape) if axis not in axes)
        yield AddBias(axes), (normal(*shape), normal(*kept))
        yield Affine(axes), (normal(*shape), normal(*kept), normal(*kept))


def losses():
    """Softmax along each axis, cross-entropy and its gradient."""
    for axis in (0, 1, -1):
        yield Softmax(axis), (normal(2, 3, 5),)
        yield LogSoftmax(axis), (normal(2, 3, 5),)
    yield CrossEntropy(), (normal(5, 3), labels(3, 5))
    yield CrossEntropy(), (normal(5, 3), labels(3, 5).astype("uint8"))
    yield CrossEntropyGrad(), (normal(5, 3), labels(3, 5), normal(5))


def randoms():
    """Draws, and dropout with a mask given."""
    state = np.array([2**63 + 5, 3], "uint64")
    yield RandomBits("uint32", (5, 7), 1), (state,)
    yield RandomBits("uint64", (None, 3), 0), (state, size(5))
    yield RandomUniform("float32", (2, None), 2), (state, size(3))
    yield RandomUniform("float64", (2, 3, 5), 2), (state,)
    yield Dropout(0.25), (normal(5, 7), labels(2, 5, 7).astype(bool))


NN_CASES = [
    *convolutions(),
    *poolings(),
    *normalizations(),
    *parametrized(),
    *losses(),
    *randoms(),
]
