"""symgraph in a minute: a convolutional network on handwritten digits.

    python examples/quickstart.py

Learns the 1,797 digits of 8 x 8 pixels that come with scikit-learn: what must be
learned before gradient descent, during it, and after it; then looks at what rewriting
and code generation made of the network.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from rich.console import Console
from sklearn.datasets import load_digits

import symgraph as sg
from symgraph import layers, training

CONSOLE = Console(width=100)


def digits() -> tuple[tuple, tuple]:
    """(images, labels) to learn from and (images, labels) to judge by."""
    data = load_digits()
    images = data.images[:, None].astype(np.float32)
    labels = data.target.astype(np.int32)
    order = np.random.default_rng(0).permutation(len(labels))
    learn, judge = order[:1500], order[1500:]
    return (images[learn], labels[learn]), (images[judge], labels[judge])


def build() -> layers.Sequential:
    """The network; BN stands after each non-linearity, as in the reference network."""
    return layers.Sequential(
        [
            layers.Standardize(),
            layers.Conv2D(16, 3, activation=sg.nn.relu),
            layers.BatchNorm(),
            layers.Conv2D(32, 3, activation=sg.nn.relu),
            layers.MaxPool2D(2),
            layers.BatchNorm(),
            layers.Flatten(),
            layers.Dense(64, activation=sg.nn.relu),
            layers.BatchNorm(),
            layers.Dense(10),
        ],
        input_shape=(None, 1, 8, 8),
        seed=0,
    )


def learn(net: layers.Sequential, x: sg.Variable, data: tuple, epochs: int) -> None:
    """What comes before descent, descent, and what comes after it."""
    y = sg.ivector("y")
    loss = sg.nn.cross_entropy(net(x, training=True), y).mean()
    updates = training.momentum(loss, net.trainable, learning_rate=0.05, momentum=0.9)
    step = sg.function([x, y], loss, updates=updates, name="step")
    batches = training.batches(data, batch_size=50, shuffle=True, seed=0)

    training.pre_learn(net, batches)  # Standardize: mean and deviation of the pixels
    start = time.perf_counter()
    for epoch in range(epochs):
        losses = [float(step(*batch)) for batch in batches()]
        CONSOLE.print(f"epoch {epoch + 1:2}: loss {np.mean(losses):.4f}")
    seconds = time.perf_counter() - start
    CONSOLE.print(f"\n{epochs} epochs in {seconds:.1f} s")
    training.post_learn(net, batches, estimator="population")  # BN's statistics


def main(arguments: list[str] | None = None) -> float:
    """Learn, judge, look under the hood; returns the error on unseen digits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args(arguments)
    known, (unseen, answers) = digits()
    net, x = build(), sg.tensor("x", shape=(None, 1, 8, 8))
    learn(net, x, known, options.epochs)

    predict = sg.function([x], sg.nn.softmax(net(x)), name="predict")
    error = float(np.mean(predict(unseen).argmax(axis=1) != answers))
    CONSOLE.print(f"error {error:.2%} on digits that it has not seen")
    CONSOLE.print(f"\n{len(predict.history)} rewrites made the network for inference:")
    CONSOLE.print(str(predict.history), markup=False, highlight=False)
    CONSOLE.print("\nwhat is left, no BN in it:")
    sg.debugprint(predict.graph)
    lines = predict.c_source.count("\n")
    CONSOLE.print(f"\nand as C: {lines} lines (predict.c_source)")
    return error


if __name__ == "__main__":
    main()
