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
stop = threading.Event()

def interrupt():
    while not stop.is_set():
        time.sleep(0.0005)
        _thread.interrupt_main()

thread = threading.Thread(target=interrupt)
interrupts, end = 0, time.monotonic() + 1.5
thread.start()
while time.monotonic() < end:
    try:
        while time.monotonic() < end:
            step()
    except KeyboardInterrupt:
        interrupts += 1
        try:
            count = n.get_value()
            assert (a.get_value() == count).all() and (b.get_value() == -count).all()
        except KeyboardInterrupt:
            interrupts += 1
while thread.is_alive():
    try:
        stop.set()
        thread.join()
    except KeyboardInterrupt:
        interrupts += 1
count = int(n.get_value())
assert (a.get_value() == count).all() and (b.get_value() == -count).all()
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
