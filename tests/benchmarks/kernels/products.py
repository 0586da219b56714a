"""Matrix products of ``codegen``."""

from __future__ import annotations

import numpy as np

from codegen.build import build
from codegen.ir import Buffer, Gemm, Kernel, Program, Role
from codegen.target import Target
from tests.benchmarks.kernels.jobs import Job, aligned, largest_error

SHAPES = (  # rows, depth, columns
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
)
DTYPE = "float32"


def job(shape: tuple[int, int, int], target: Target, threads: int) -> Job:
    """z = x y, checked against NumPy."""
    m, k, n = shape
    rng = np.random.default_rng(0)
    x, y = (aligned(rng.standard_normal(s, DTYPE)) for s in ((m, k), (k, n)))
    z = aligned(np.zeros((m, n), DTYPE))
    a, b, c = (
        Buffer(name, DTYPE, array.shape, Role.ARGUMENT)
        for name, array in (("x", x), ("y", y), ("z", z))
    )
    kernel = Kernel(Gemm(a, b, c, m, n, k), "product")
    native = build([Program("product", (), (a, b, c), (kernel,))], target)["product"]

    def run() -> float:
        return native.profile([x, y, z], (), threads)[1][0]

    run()
    name = f"product {m}x{k}x{n}"
    errors = {"packed": largest_error(z, x @ y, name)}
    traffic = x.nbytes + y.nbytes + z.nbytes
    return Job(name, "", {"packed": run}, 2 * m * k * n, traffic, errors)
