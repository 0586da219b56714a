"""OpenVINO: one stream for latency, in float32."""

from __future__ import annotations

import openvino

from tests.benchmarks.peers.onnx_model import model
from tests.benchmarks.peers.protocol import THREADS, Arrays, Task, serve

SETTINGS = {
    "INFERENCE_NUM_THREADS": THREADS,
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_PRECISION_HINT": "f32",
}


def inference(arrays: Arrays) -> Task:
    """Probabilities of images, input and output shared rather than copied."""
    core = openvino.Core()
    network = core.read_model(model(arrays).SerializeToString())
    request = core.compile_model(network, "CPU", SETTINGS).create_infer_request()
    images = openvino.Tensor(arrays["images"], shared_memory=True)
    request.set_input_tensor(images)

    def run(owner: openvino.Tensor = images) -> openvino.Tensor:  # keeps the memory
        request.infer()
        return request.get_output_tensor()

    return Task(run, lambda y: {"probabilities": y.data.copy()})


WAYS = {"inference": {"latency": inference}}

if __name__ == "__main__":
    serve(f"openvino {openvino.__version__.split('-', maxsplit=1)[0]}", WAYS)
