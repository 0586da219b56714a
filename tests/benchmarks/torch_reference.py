"""PyTorch eager on the reference network: times on standard output, as JSON lines.

Runs in a virtual environment of its own (``make bench`` makes it); started by
``reference_network.py``, which asks for one measurement a line on standard input, so
that both sides take turns in one run.
"""

from __future__ import annotations

import json
import sys
import time

import torch
from torch import nn


def network(batch_norm: bool) -> nn.Sequential:
    """The reference network without its softmax; BN for each channel."""

    def norm(channels: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(channels)] if batch_norm else []

    return nn.Sequential(
        *[nn.Conv2d(3, 16, 3), nn.ReLU(), nn.MaxPool2d(2), *norm(16)],
        *[nn.Conv2d(16, 32, 3), nn.ReLU(), *norm(32)],
        *[nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2), *norm(32)],
        *[nn.Conv2d(32, 64, 5), nn.ReLU(), nn.MaxPool2d(2), *norm(64)],
        *[nn.Conv2d(64, 64, 5), nn.ReLU(), *norm(64)],
        *[nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 2)],
    )


class Peer:
    """The network in one memory format, ready to infer and to train."""

    def __init__(self, channels_last: bool) -> None:
        torch.manual_seed(0)
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.net = network(batch_norm=True).to(memory_format=self.format)
        self.loss = nn.CrossEntropyLoss()
        rate = {"lr": 0.01, "momentum": 0.9}
        self.descent = torch.optim.SGD(self.net.parameters(), fused=True, **rate)

    def infer(self, batch: int) -> float:
        """Seconds of one inference."""
        images = torch.randn(batch, 3, 90, 90).to(memory_format=self.format)
        self.net.eval()
        with torch.inference_mode():
            start = time.perf_counter()
            torch.softmax(self.net(images), 1)
            return time.perf_counter() - start

    def train(self, batch: int) -> float:
        """Seconds of one step of SGD with momentum."""
        images = torch.randn(batch, 3, 90, 90).to(memory_format=self.format)
        labels = torch.randint(0, 2, (batch,))
        self.net.train()
        start = time.perf_counter()
        self.descent.zero_grad()
        loss = self.loss(self.net(images), labels)
        loss.backward()
        self.descent.step()
        loss.item()
        return time.perf_counter() - start


def main() -> None:
    """Answer requests ``{"work": "infer", "batch": 1, "channels_last": false}``."""
    torch.set_num_threads(2)
    peers = {flag: Peer(flag) for flag in (False, True)}
    for line in sys.stdin:
        request = json.loads(line)
        peer = peers[request["channels_last"]]
        seconds = getattr(peer, request["work"])(request["batch"])
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
