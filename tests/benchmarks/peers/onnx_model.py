"""The reference network for inference as an ONNX model, node by node."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.benchmarks.peers import networks
from tests.benchmarks.peers.networks import EPSILON
from tests.benchmarks.peers.protocol import Arrays

OPSET, IR = 17, 8  # old enough for every runtime of today


class Graph:
    """The operations of networks, each of which adds a node and gives its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []

    def add(self, kind: str, *inputs: str, **attributes) -> str:
        """One node."""
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(self, x: str, filters: str, bias: str) -> str:
        """Correlation without padding."""
        return self.add("Conv", x, filters, bias)

    def relu(self, x: str) -> str:
        """max(x, 0)."""
        return self.add("Relu", x)

    def pool(self, x: str) -> str:
        """2x2 max-pooling."""
        return self.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])

    def flatten(self, x: str) -> str:
        """Rows of all that belongs to an image."""
        return self.add("Flatten", x)

    def dense(self, x: str, weights: str, bias: str) -> str:
        """x @ weights + bias."""
        return self.add("Gemm", x, weights, bias)

    def norm(self, x: str, p: dict[str, str], name: str) -> tuple[str, dict]:
        """Batch normalization by what was learned."""
        parts = (p[f"{name}.{k}"] for k in ("gamma", "beta", "mean", "variance"))
        return self.add("BatchNormalization", x, *parts, epsilon=EPSILON), {}


def model(arrays: Arrays) -> onnx.ModelProto:
    """images -> probabilities, for as many images as ``arrays`` has."""
    graph = Graph()
    names = {name: name for name in arrays}
    logits, _ = networks.reference_network(graph, names, "images")
    last = graph.add("Softmax", logits, axis=1)
    used = {name for node in graph.nodes for name in node.input}
    weights = [
        numpy_helper.from_array(np.ascontiguousarray(array), name)
        for name, array in arrays.items()
        if name in used and name != "images"
    ]
    shape = arrays["images"].shape
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)
    output = helper.make_tensor_value_info(
        last, TensorProto.FLOAT, (shape[0], networks.DENSE[-1])
    )
    whole = helper.make_graph(graph.nodes, "reference", [images], [output], weights)
    opsets = [helper.make_opsetid("", OPSET)]
    made = helper.make_model(whole, opset_imports=opsets, ir_version=IR)
    onnx.checker.check_model(made)
    return made
