"""Training: objectives, optimizers, the loop, and learning before and after it.

May import every other room of symgraph. Read ``learning.py`` first (with ``plan.py``:
which statistics are learned in which sweep), then ``optimizers.py``, then
``trainer.py``.
"""

from symgraph.training import schedules
from symgraph.training.adaptive import adadelta, adagrad, adam, adamw, rmsprop
from symgraph.training.checkpoint import Checkpoint
from symgraph.training.descent import running_averages
from symgraph.training.errors import DataError, Diverged, LearningError
from symgraph.training.evaluation import evaluate
from symgraph.training.fitting import fit
from symgraph.training.gradients import (
    clip_by_norm,
    clip_by_value,
    clipped,
    decayed,
    global_norm,
)
from symgraph.training.history import History
from symgraph.training.interrupts import Interrupted
from symgraph.training.learning import Learning, post_learn, pre_learn
from symgraph.training.objectives import (
    absolute_error,
    accuracy,
    binary_cross_entropy,
    binary_error_rate,
    cross_entropy,
    error_rate,
    l1,
    l2,
    squared_error,
)
from symgraph.training.optimizers import momentum, sgd
from symgraph.training.prefetching import Prefetch, prefetch
from symgraph.training.sources import Batches, batches
from symgraph.training.stopping import EarlyStopping

__all__ = [
    "Batches",
    "Checkpoint",
    "DataError",
    "Diverged",
    "EarlyStopping",
    "History",
    "Interrupted",
    "Learning",
    "LearningError",
    "Prefetch",
    "absolute_error",
    "accuracy",
    "adadelta",
    "adagrad",
    "adam",
    "adamw",
    "batches",
    "binary_cross_entropy",
    "binary_error_rate",
    "clip_by_norm",
    "clip_by_value",
    "clipped",
    "cross_entropy",
    "decayed",
    "error_rate",
    "evaluate",
    "fit",
    "global_norm",
    "l1",
    "l2",
    "momentum",
    "post_learn",
    "pre_learn",
    "prefetch",
    "rmsprop",
    "running_averages",
    "schedules",
    "sgd",
    "squared_error",
]
