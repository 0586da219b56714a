"""Print every kernel's share of what the machine can do.

    python -m tests.benchmarks.kernels --only reference --threads 1 2 --target avx2

A target narrower than the machine's is held against its own peak. ``effective``
GFLOP/s count the operations of the definition, so Winograd can pass the peak. The
roofline is the lower of two limits: the peak, and what memory allows where each array
passes once; what stays in a cache can pass it. ``error`` is the largest difference,
relative to the largest number, of Winograd's filtering from direct sums on the same
images and of a product from NumPy's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from codegen.roofline import Roofline, roofline
from codegen.target import TARGETS, Target, host_target
from tests.benchmarks.kernels import convolutions, passes, poolings, products
from tests.benchmarks.kernels.jobs import Job, best_seconds
from tests.benchmarks.kernels.layers import LAYERS

HEADING = """
| kernel | pass | way | ms | effective GFLOP/s or GB/s | of the peak | of the roofline \
| error |
|---|---|---|---|---|---|---|---|"""


def main() -> None:
    """One table for each target and number of threads."""
    options = _options()
    targets = [TARGETS[name] for name in options.target] or [host_target()]
    for target in targets:
        for threads in options.threads:
            machine = roofline(threads, target)
            print(f"\n{machine}\n{HEADING}", flush=True)
            for job in _jobs(options.only, target, threads):
                _report(job, machine, options.seconds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only",
        nargs="+",
        default=[""],
        metavar="TEXT",
        help="kernels whose name has one of these texts, such as resnet or product",
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--target", nargs="+", default=[], choices=sorted(TARGETS))
    parser.add_argument(
        "--seconds", type=float, default=0.3, help="of rounds for each way"
    )
    return parser.parse_args()


def _jobs(only: list[str], target: Target, threads: int) -> Iterator[Job]:
    """The jobs whose names were asked for, compiled as they come."""

    def wanted(name: str) -> bool:
        return any(text in name for text in only)

    for layer in LAYERS:
        if wanted(f"convolution {layer}"):
            yield from convolutions.jobs(layer, target, threads)
    for pooling in poolings.LAYERS:
        if wanted(str(pooling)):
            yield from poolings.jobs(pooling, target, threads)
    for shape in products.SHAPES:
        if wanted("product {}x{}x{}".format(*shape)):
            yield products.job(shape, target, threads)
    for name in passes.PASSES:
        if wanted(f"pass {name}"):
            yield passes.job(name, target, threads)


def _report(job: Job, machine: Roofline, seconds: float) -> None:
    """A row for each way."""
    amount = job.flops or job.bytes
    least = machine.seconds(job.flops, job.bytes)
    for way, best in best_seconds(job.ways, seconds).items():
        peak = f"{job.flops / best / machine.peak():.0%}" if job.flops else ""
        cells = f"{best * 1e3:.3f} | {amount / best / 1e9:.1f} | {peak}"
        cells += f" | {least / best:.0%}"
        error = f"{job.errors[way]:.1e}" if way in job.errors else ""
        print(f"| {job.name} | {job.part} | {way} | {cells} | {error} |", flush=True)


if __name__ == "__main__":
    main()
