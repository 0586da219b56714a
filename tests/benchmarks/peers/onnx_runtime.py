"""ONNX Runtime: the whole graph optimized, by ``run`` and with bound outputs."""

from __future__ import annotations

import numpy as np
import onnxruntime

from tests.benchmarks.peers.onnx_model import model
from tests.benchmarks.peers.protocol import THREADS, Arrays, Task, serve


def _session(arrays: Arrays) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.graph_optimization_level = level
    content = model(arrays).SerializeToString()
    return onnxruntime.InferenceSession(
        content, options, providers=["CPUExecutionProvider"]
    )


def plain(arrays: Arrays) -> Task:
    """``session.run`` on a NumPy array."""
    session = _session(arrays)
    given = {"images": arrays["images"]}
    return Task(lambda: session.run(None, given)[0], lambda y: {"probabilities": y})


def bound(arrays: Arrays) -> Task:
    """``run_with_iobinding``: input and output stay where they are."""
    session = _session(arrays)
    binding = session.io_binding()
    images = onnxruntime.OrtValue.ortvalue_from_numpy(arrays["images"])
    (output,) = session.get_outputs()
    result = np.empty(output.shape, np.float32)
    binding.bind_ortvalue_input("images", images)
    value = onnxruntime.OrtValue.ortvalue_from_numpy(result)
    binding.bind_ortvalue_output(output.name, value)
    return Task(
        lambda: session.run_with_iobinding(binding),
        lambda _: {"probabilities": value.numpy()},
    )


WAYS = {"inference": {"run": plain, "bound": bound}}

if __name__ == "__main__":
    serve(f"onnxruntime {onnxruntime.__version__}", WAYS)
