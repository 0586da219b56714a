"""Ctrl-C in the middle of calls: every shared variable agrees with the others."""

import subprocess
import sys

PROGRAM = """
import _thread, threading, time
import numpy as np
import symgraph as sg

a, b = sg.shared(np.zeros(1000)), sg.shared(np.zeros(1000))
n = sg.shared(0)
step = sg.function([], a.sum(), updates={a: a + 1, b: b - 1, n: n + 1}, mode="MODE")
interrupts, done, end = 0, [], time.monotonic() + 1.5

def interrupt():
    sent = 0
    while not done:
        time.sleep(0.0005)
        if sent == interrupts:  # the one before was counted: none strikes the counting
            sent += 1
            _thread.interrupt_main()

thread = threading.Thread(target=interrupt)
while True:
    try:
        if thread.ident is None:
            thread.start()
        while time.monotonic() < end:
            step()
        done.append(True)
        thread.join()
        break
    except KeyboardInterrupt:
        interrupts += 1
count = int(n.get_value())
assert (a.get_value() == count).all() and (b.get_value() == -count).all()
step()
assert n.get_value() == count + 1
print(interrupts, count)
"""


def test_interrupted_calls_leave_a_consistent_state(mode):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("MODE", mode)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    interrupts, calls = map(int, done.stdout.split())
    assert interrupts > 5
    assert calls > 5


LONG = """
import os, signal, threading, time
import numpy as np
import symgraph as sg

x, n = sg.matrix("x"), sg.shared(0)
y = x
for _ in range(12):
    y = sg.tanh(sg.dot(y, x))
fn = sg.function([x], y.sum(), updates={n: n + 1}, mode="c")
small, large = (np.full((size, size), 1e-3, "float32") for size in (2, 500))
fn(small)
began = time.monotonic()
fn(large)
whole = time.monotonic() - began
threading.Timer(whole / 4, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    while True:
        fn(large)
except KeyboardInterrupt:
    print(n.get_value())
    fn(small)
    print(n.get_value())
"""


def test_a_signal_in_native_code_is_raised_when_it_returns():
    done = subprocess.run(
        [sys.executable, "-c", LONG],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stopped, after = map(int, done.stdout.split())
    assert stopped >= 2 and after == stopped + 1
