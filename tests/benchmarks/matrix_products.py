"""Matrix products beside NumPy and, where it is installed, PyTorch.

    python tests/benchmarks/matrix_products.py [threads]

Every round runs all of them once, one after another, on the same operands, after
their results were compared; the best round of each counts. Set OPENBLAS_NUM_THREADS
to the number of threads for NumPy.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from codegen.build import build
from codegen.ir import Buffer, Gemm, Kernel, Program, Role
from codegen.roofline import Roofline, roofline

SHAPES = [  # rows, depth, columns
    (512, 512, 512),
    (1024, 1024, 1024),
    (2048, 2048, 2048),
    (100, 1024, 256),
    (60, 784, 100),
    (60, 100, 100),
    (60, 100, 10),
    (784, 60, 100),
    (100, 256, 2),
    (1, 4096, 4096),
]
SECONDS = 0.6  # of rounds for each shape

Work = Callable[[], object]


def ours(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, dtype: str, threads: int
) -> Callable[[], float]:
    """Computes z = x y and returns the seconds that the kernel took."""
    (m, k), n = x.shape, y.shape[1]
    a, b, c = (
        Buffer(name, dtype, array.shape, Role.ARGUMENT)
        for name, array in (("x", x), ("y", y), ("z", z))
    )
    kernel = Kernel(Gemm(a, b, c, m, n, k), "product")
    native = build([Program("product", (), (a, b, c), (kernel,))])["product"]
    return lambda: native.profile([x, y, z], (), threads)[1][0]


def theirs(x: np.ndarray, y: np.ndarray, threads: int) -> dict[str, Work]:
    """The same product by each peer that is here."""
    out = np.empty((x.shape[0], y.shape[1]), x.dtype)
    peers: dict[str, Work] = {"numpy": lambda: np.matmul(x, y, out=out)}
    try:
        import torch  # noqa: PLC0415  (a peer that need not be there)
    except ImportError:
        return peers
    torch.set_num_threads(threads)
    left, right, result = map(torch.from_numpy, (x, y, out.copy()))
    return peers | {"torch": lambda: torch.mm(left, right, out=result)}


def best_seconds(product: Callable[[], float], peers: dict[str, Work]) -> list[float]:
    """The best round of our product and of every peer."""
    best = [product()] + [np.inf] * len(peers)
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        best[0] = min(best[0], product())
        for place, work in enumerate(peers.values(), 1):
            then = time.perf_counter()
            work()
            best[place] = min(best[place], time.perf_counter() - then)
    return best


def report(shape: tuple[int, int, int], dtype: str, machine: Roofline) -> str:
    """One line of the table."""
    m, k, n = shape
    rng = np.random.default_rng(0)
    x = rng.standard_normal((m, k)).astype(dtype)
    y = rng.standard_normal((k, n)).astype(dtype)
    z = np.empty((m, n), dtype)
    product = ours(x, y, z, dtype, machine.threads)
    peers = theirs(x, y, machine.threads)
    product()
    np.testing.assert_allclose(z, x @ y, rtol=1e-3, atol=1e-3 * k**0.5)
    seconds = best_seconds(product, peers)
    rates = [2 * m * k * n / s / 1e9 for s in seconds]
    share = 1e9 * rates[0] / machine.peak(dtype)
    others = "  ".join(
        f"{name} {rate:6.1f}" for name, rate in zip(peers, rates[1:], strict=True)
    )
    size = f"{m}x{k}x{n}"
    return f"{dtype} {size:16} {rates[0]:6.1f} GFLOP/s {share:6.1%} of peak  {others}"


def main() -> None:
    """The machine's roofline, then the table."""
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    machine = roofline(threads)
    print(machine)
    for dtype in ("float32", "float64"):
        for shape in SHAPES:
            print(report(shape, dtype, machine), flush=True)


if __name__ == "__main__":
    main()
