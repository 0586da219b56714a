"""``EarlyStopping``: when to stop, and which epoch was the best."""

from __future__ import annotations

from dataclasses import dataclass

from symgraph.graph import GraphError
from symgraph.training.history import History


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when ``monitor`` has not fallen by ``minimum`` for ``patience`` epochs.

    With ``restore_best`` the parameters of the best epoch are given back at the end.
    """

    patience: int = 5
    monitor: str = "validation_loss"
    minimum: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise GraphError(
                f"EarlyStopping: patience expects at least 1 epoch, got {self.patience}"
            )

    def improved(self, history: History) -> bool:
        """Whether the last epoch is the best one so far."""
        *before, last = history[self.monitor]
        best = history.best_epoch
        return best is None or last < before[best - 1] - self.minimum

    def is_over(self, history: History) -> bool:
        """Whether there has been no better epoch for too long."""
        best = history.best_epoch
        return best is not None and history.epochs - best >= self.patience
