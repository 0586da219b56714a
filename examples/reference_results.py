"""What the runs of ``reference_convnet.py`` found: numbers, tables, one figure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

ESTIMATORS = ("population", "minibatch", "running")


@dataclass
class Run:
    """The curves of one network: loss and error by epoch, and the final judgement."""

    variant: str
    train_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    valid_error: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    test_error: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    test_error_by_estimator: dict[str, float] = field(default_factory=dict)
    folding: dict[str, float] = field(default_factory=dict)


def draw(runs: list[Run], path: Path) -> None:
    """Loss and error by epoch, all runs in one figure."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for number, run in enumerate(runs):
        epochs, colour = range(1, len(run.test_loss) + 1), f"C{number}"
        left.plot(epochs, run.train_loss, colour, ls=":", label=f"{run.variant}, train")
        left.plot(epochs, run.test_loss, colour, label=f"{run.variant}, test")
        error = [100 * value for value in run.test_error]
        right.plot(epochs, error, colour, label=f"{run.variant}, test")
    left.set(xlabel="epoch", ylabel="cross-entropy", ylim=(0, 0.8))
    right.set(xlabel="epoch", ylabel="error, %", ylim=(0, 50))
    for axes in (left, right):
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def table(runs: list[Run]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| network | epochs | best valid error | test error there | last test error "
        "| test loss | population | minibatch | running | s / epoch |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        best = int(np.argmin(run.valid_error))
        cells = [
            run.variant,
            str(len(run.test_error)),
            f"{run.valid_error[best]:.2%} (epoch {best + 1})",
            f"{run.test_error[best]:.2%}",
            f"{run.test_error[-1]:.2%}",
            f"{run.test_loss[-1]:.4f}",
            *(_estimated(run, estimator) for estimator in ESTIMATORS),
            f"{np.median(run.seconds):.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def folding_table(runs: list[Run]) -> str:
    """Inference as rewritten against inference as written, as a Markdown table."""
    names = {
        "largest_difference": "largest difference of a probability",
        "classes_changed": "classes changed",
        "batch_norms_left": "BN left",
        "affine_maps_left": "affine maps left",
    }
    lines = [
        "| network | " + " | ".join(names.values()) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for run in runs:
        cells = [f"{run.folding[name]:.3g}" for name in names]
        lines.append("| " + " | ".join([run.variant, *cells]) + " |")
    return "\n".join(lines) + "\n"


def _estimated(run: Run, estimator: str) -> str:
    error = run.test_error_by_estimator.get(estimator)
    return "" if error is None else f"{error:.2%}"


def earlier_runs(output: Path) -> dict[str, Run]:
    """The runs that ``output`` holds, by variant."""
    record = output / "results.json"
    found = json.loads(record.read_text()) if record.exists() else []
    return {values["variant"]: Run(**values) for values in found}


def write(runs: list[Run], output: Path) -> None:
    """Every number, the table and the figure of all ``runs``."""
    record = json.dumps([asdict(run) for run in runs], indent=1)
    (output / "results.json").write_text(record + "\n")
    (output / "results.md").write_text(f"{table(runs)}\n{folding_table(runs)}")
    draw(runs, output / "curves.png")
