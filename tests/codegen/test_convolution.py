"""Convolutions and their gradients agree with NumPy, on every target this host runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.ir import Window
from tests.codegen.convolution_cases import DTYPES, TARGETS, Case
from tests.codegen.convolution_runs import check, program_of
from tests.codegen.unseen import check as unseen_check
from tests.codegen.unseen import each_unseen_target

CASES = {
    "reference layer 2": Case((3, 16), 1, (90, 90), plain_input=True),
    "reference layer 5": Case((16, 32), 2, (44, 44)),
    "reference layer 10": Case((32, 64), 1, (20, 20), Window((5, 5))),
    "reference layer 13": Case((64, 64), 3, (8, 8), Window((5, 5))),
    "one pixel": Case((2, 3), 1, (1, 1), Window((1, 1))),
    "no batch": Case((3, 5), 0, (7, 9), open_batch=True),
    "batch of one, known at the call": Case((3, 5), 1, (7, 9), open_batch=True),
    "sizes known at the call": Case(
        (5, 18), 2, (13, 37), Window((3, 2)), open_batch=True, open_size=True
    ),
    "padded sizes known at the call": Case(
        (17, 3),
        2,
        (6, 11),
        Window((3, 5), (2, 1), (1, 2), ((1, 0), (3, 2))),
        open_size=True,
    ),
    "same": Case((19, 33), 2, (7, 7), Window((3, 3), padding=((1, 1), (1, 1)))),
    "lopsided padding": Case(
        (3, 7), 2, (5, 31), Window((3, 5), padding=((2, 0), (1, 4)))
    ),
    "padding wider than the image": Case(
        (2, 3), 1, (2, 3), Window((3, 3), padding=((5, 4), (3, 6)))
    ),
    "stride": Case((5, 18), 2, (13, 17), Window((3, 3), (2, 3))),
    "stride and padding": Case(
        (16, 32), 2, (15, 29), Window((3, 3), (2, 2), padding=((1, 1), (1, 1)))
    ),
    "stride beyond the filter": Case((3, 5), 2, (11, 13), Window((1, 2), (3, 3))),
    "stride leaves rows unread": Case((3, 5), 1, (12, 14), Window((2, 2), (5, 4))),
    "dilation": Case((5, 7), 2, (13, 17), Window((3, 2), dilation=(2, 3))),
    "stride, dilation, padding": Case(
        (5, 7), 2, (13, 17), Window((3, 3), (2, 3), (3, 2), ((2, 1), (0, 3)))
    ),
    "pointwise": Case((37, 21), 2, (5, 7), Window((1, 1))),
    "pointwise, very wide": Case((37, 1024), 3, (14, 15), Window((1, 1))),
    "two taps, very wide": Case(
        (40, 1024), 2, (4, 5), Window((2, 1), padding=((1, 0), (0, 0)))
    ),
    "few pixels": Case((32, 64), 1, (5, 7), Window((3, 2))),
    "few pixels that all taps see": Case((17, 13), 2, (4, 7), Window((3, 5))),
    "few pixels of groups": Case((32, 64), 2, (5, 6), Window((3, 4), groups=2)),
    "few pixels, samples, 25 taps": Case((16, 48), 3, (6, 7), Window((5, 5))),
    "few pixels, stride, dilation, padding": Case(
        (48, 80), 2, (7, 8), Window((3, 2), (2, 3), (2, 1), ((1, 2), (0, 1)))
    ),
    "few pixels, pointwise": Case((32, 48), 2, (2, 3), Window((1, 1))),
    "few pixels, pointwise, many channels": Case((384, 64), 2, (3, 5), Window((1, 1))),
    "channels in slices": Case(
        (272, 16), 2, (7, 7), Window((3, 3), padding=((1, 1), (1, 1)))
    ),
    "channels in slices, padded copies": Case(
        (130, 32), 1, (9, 14), Window((5, 3), (1, 2), padding=((2, 1), (2, 2)))
    ),
    "wide groups": Case((32, 64), 2, (7, 9), Window((3, 3), groups=2)),
    "odd groups": Case((9, 15), 2, (7, 9), Window((3, 3), groups=3)),
    "odd groups, plain": Case(
        (9, 15), 2, (7, 9), Window((3, 3), groups=3), plain_input=True
    ),
    "many small groups": Case(
        (24, 48), 2, (7, 9), Window((3, 3), padding=((1, 1), (1, 1)), groups=12)
    ),
    "depthwise": Case((35, 35), 2, (9, 23), Window((3, 3), groups=35)),
    "depthwise, same": Case(
        (35, 35), 2, (7, 23), Window((3, 3), padding=((1, 1), (1, 1)), groups=35)
    ),
    "depthwise, stride": Case(
        (35, 35),
        2,
        (9, 23),
        Window((3, 3), (2, 2), padding=((1, 1), (1, 1)), groups=35),
    ),
    "depthwise with a multiplier": Case(
        (5, 10), 2, (7, 9), Window((3, 3), groups=5), plain_input=True
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    check(CASES[name], TARGETS[0], "float32", among=CASES.values())


NARROW = [*CASES][::2]


@pytest.mark.skipif(len(TARGETS) == 1, reason="there is only one target")
@pytest.mark.parametrize("name", NARROW)
def test_case_in_narrow_vectors(name):
    among = [CASES[each] for each in NARROW]
    check(CASES[name], TARGETS[-1], "float32", among=among)


DOUBLES = "same", "stride, dilation, padding", "odd groups"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", DOUBLES)
def test_doubles(name, target):
    among = [CASES[each] for each in DOUBLES]
    check(CASES[name], target, "float64", optimized=True, among=among)


@each_unseen_target
def test_what_this_machine_does_not_run(unseen, tmp_path):
    made = (program_of(case, "float32", unseen) for case in CASES.values())
    programs = [replace(one, name=f"p{at}") for at, one in enumerate(made)]
    unseen_check(programs, unseen, tmp_path)


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


@st.composite
def cases(draw):
    """Any geometry, its sizes about those of vectors and tiles."""
    window = Window(
        draw(pairs(1, 4)),
        draw(pairs(1, 3)),
        draw(pairs(1, 2)),
        (draw(pairs(0, 3)), draw(pairs(0, 3))),
        draw(st.sampled_from([1, 1, 1, 2, 3, 5])),
    )
    reach = [
        d * (k - 1) + 1 - sum(p)
        for d, k, p in zip(window.dilation, window.kernel, window.padding, strict=True)
    ]
    size = tuple(max(draw(st.integers(1, 33)), least) for least in reach)
    narrow = st.sampled_from([1, 2, 3, 4, 7, 8, 15, 16, 17, 32, 40])
    channels = tuple(draw(narrow) * window.groups for _ in range(2))
    return Case(
        channels,
        draw(st.integers(0, 3)),
        size,
        window,
        plain_input=draw(st.booleans()),
        open_batch=draw(st.booleans()),
        open_size=draw(st.booleans()),
        seed=draw(st.integers(0, 9)),
    )


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("dtype", DTYPES)
@given(some=st.lists(cases(), min_size=5, max_size=5))
@settings(max_examples=2, deadline=None)  # the first are all alike
def test_any_geometry(target, dtype, some):
    for case in dict.fromkeys(some):
        check(case, target, dtype, among=some)
