"""An LSTM that learns a text character by character, then writes one of its own.

    python examples/character_lstm.py --data FILE --epochs 5 --temperature 0.7

FILE is a text, or an .npz archive of two arrays of bytes, ``train`` and ``valid``.
Without it, the network reads the description of Python that comes with Python. At each
character it says how likely every character is to come next; what it is surprised by,
-log2 p bits on average, is what a perfect compressor would need with its help.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pydoc_data import topics

import numpy as np
from rich.console import Console
from rich.progress import track

import symgraph as sg
from symgraph import layers, training

CONSOLE = Console(width=100)
BITS = 1 / np.log(2)  # of information in a unit of natural logarithms
HELD_OUT = 0.1  # of a text, to judge by


@dataclass(frozen=True)
class Text:
    """What to learn from and to judge by, as places in an alphabet of bytes."""

    alphabet: bytes
    train: np.ndarray
    valid: np.ndarray


def load(path: str | None, most: int | None = None) -> Text:
    """The text of a file, the first ``most`` characters of it; its end is held out."""
    if path is not None and Path(path).suffix == ".npz":
        with np.load(path) as archive:
            train, valid = archive["train"], archive["valid"]
    else:
        if path is None:
            written = "".join(topics.topics[name] for name in sorted(topics.topics))
            data = np.frombuffer(written.encode(), np.uint8)
        else:
            data = np.frombuffer(Path(path).read_bytes(), np.uint8)
        data = data[:most]
        train, valid = np.split(data, [round(len(data) * (1 - HELD_OUT))])
    train, valid = train[:most], valid[:most]
    alphabet, places = np.unique(np.concatenate([train, valid]), return_inverse=True)
    train, valid = np.split(places.astype(np.int32), [len(train)])
    return Text(alphabet.tobytes(), train, valid)


# --- the network --------------------------------------------------------------------


def build(characters: int, units: int, seed: int) -> layers.Sequential:
    """From a character as a vector of one 1 to a number for each that may follow."""
    network = [layers.LSTM(units, return_sequences=True), layers.Dense(characters)]
    return layers.Sequential(network, input_shape=(None, None, characters), seed=seed)


class Reader:
    """The network as compiled functions; the LSTM's state comes and goes with a call.

    ``learn(x, y, h, c)`` and ``judge(x, y, h, c)`` give the loss of ``y``, the
    characters that follow ``x``, and the state after them: ``x`` and ``y`` are
    [batch, time], h and c [batch, units]. ``follow(x, h, c)`` gives the probabilities
    of the character after the last.
    """

    def __init__(self, characters: int, units: int, rate: float, seed: int) -> None:
        self.units = units
        self.net = build(characters, units, seed)
        lstm, dense = self.net.layers
        x, y = sg.imatrix("x"), sg.imatrix("y")
        h, c = (sg.tensor(name, shape=(None, units)) for name in "hc")
        read = lstm.unfold(sg.one_hot(x, characters), [h, c])
        logits = dense(read.sequence)
        loss = sg.nn.cross_entropy(logits, y).mean()
        # one long surprise must not throw the weights far away
        optimizer = training.clipped(training.adam, 1.0)
        updates = optimizer(loss, self.net.trainable, rate)
        state, found = [h, c], [loss, *read.states]
        self.learn = sg.function([x, y, *state], found, updates=updates, name="learn")
        self.judge = sg.function([x, y, *state], found, name="judge")
        likely = sg.nn.softmax(logits[:, -1])
        self.follow = sg.function([x, *state], [likely, *read.states], name="follow")

    def start(self, batch: int) -> list[np.ndarray]:
        """The state before anything was read."""
        return [np.zeros((batch, self.units), np.float32) for _ in "hc"]


# --- reading and writing --------------------------------------------------------------


def pieces(
    codes: np.ndarray, batch: int, length: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A text cut in ``batch`` strips read side by side, ``length`` characters a time.

    Each row of a piece goes on where the same row of the piece before it ended.
    """
    strip = (len(codes) - 1) // batch
    if strip < length:
        least = batch * length + 1
        raise ValueError(f"expected {least} characters or more, got {len(codes)}")
    x, y = (codes[at : at + batch * strip].reshape(batch, strip) for at in (0, 1))
    for start in range(0, strip - length + 1, length):
        window = np.s_[:, start : start + length]
        yield np.ascontiguousarray(x[window]), np.ascontiguousarray(y[window])


def bits(function, state: list[np.ndarray], texts: list, title: str) -> float:
    """Bits per character of all pieces, the state carried from each to the next."""
    losses = []
    shown = track(texts, title, console=CONSOLE, transient=True, disable=not _watched())
    for x, y in shown:
        loss, *state = function(x, y, *state)
        losses.append(float(loss))
    return float(np.mean(losses)) * BITS


def write(reader: Reader, text: Text, count: int, temperature: float, seed: int) -> str:
    """``count`` characters, each drawn from what the network says may follow.

    Probabilities are raised to the power 1 / ``temperature``: below 1 the likely
    becomes more likely still; near 0 nothing else is written.
    """
    rng, state = np.random.default_rng(seed), reader.start(1)
    code, written = text.valid[0], []
    for _ in range(count):
        likely, *state = reader.follow(np.array([[code]], np.int32), *state)
        logs = np.log(likely[0].astype(np.float64) + 1e-30) / temperature
        weights = np.exp(logs - logs.max())
        code = rng.choice(len(weights), p=weights / weights.sum())
        written.append(text.alphabet[code])
    return bytes(written).decode(errors="replace")


def _watched() -> bool:
    return CONSOLE.is_terminal


def main(arguments: list[str] | None = None) -> tuple[list[float], str]:
    """Learn, judge after each epoch, write; bits on unseen text, and the writing."""
    options = _options(arguments)
    text = load(options.data, options.most)
    CONSOLE.print(
        f"{len(text.train):,} characters to learn from, {len(text.valid):,} to judge "
        f"by, {len(text.alphabet)} different ones"
    )
    reader = Reader(len(text.alphabet), options.units, options.rate, options.seed)
    unseen = []
    for epoch in range(options.epochs):
        title = f"epoch {epoch + 1}"
        texts = list(pieces(text.train, options.batch, options.length))
        learned = bits(reader.learn, reader.start(options.batch), texts, title)
        texts = list(pieces(text.valid, 1, options.length))
        unseen.append(bits(reader.judge, reader.start(1), texts, "unseen"))
        shown = f"{learned:.3f} bits a character, {unseen[-1]:.3f} on unseen text"
        CONSOLE.print(f"{title:>9}: {shown}")
    written = write(reader, text, options.write, options.temperature, options.seed)
    CONSOLE.print()
    CONSOLE.print(written, markup=False, highlight=False)
    return unseen, written


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="FILE", help="a text, or an .npz archive")
    parser.add_argument("--most", type=int, help="characters to read of each part")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--units", type=int, default=128, help="of the LSTM")
    parser.add_argument("--batch", type=int, default=32, help="strips side by side")
    parser.add_argument("--length", type=int, default=64, help="of a strip in a step")
    parser.add_argument("--rate", type=float, default=0.004, help="of learning")
    parser.add_argument("--write", type=int, default=500, help="characters at the end")
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
