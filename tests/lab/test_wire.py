# SPDX-License-Identifier: Apache-2.0
"""What arrives whole is read, what does not is named, and nothing is ever raised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from preflight.lab import wire
from preflight.lab.wire import Frame, Lost, Mark
from tests.lab.serial import frame, loaded, mark, whole

OUTPUT = mark("boot", "6.1 x86_64") + frame("a", b"first\n" * 50) + frame("b", b"second") + mark("end")


def test_marks_and_frames_in_order() -> None:
    assert list(wire.read(OUTPUT)) == [
        Mark("boot", "6.1 x86_64"),
        Frame("a", b"first\n" * 50),
        Frame("b", b"second"),
        Mark("end", ""),
    ]


def test_kernel_messages_between_frames_are_passed_over() -> None:
    noisy = frame("a", b"1") + b"[   12.3] BUG: soft lockup\r\n" + frame("b", b"2")
    assert list(wire.read(noisy)) == [Frame("a", b"1"), Frame("b", b"2")]


def test_a_message_inside_a_frame_loses_that_frame_only() -> None:
    first = frame("a", b"one two three")
    broken = first[:-6] + b"[ 1.0] scribble" + first[-6:]
    items = list(wire.read(broken + frame("b", b"2")))
    assert isinstance(items[0], Lost)
    assert items[0].name == "a"
    assert items[-1] == Frame("b", b"2")


def test_a_frame_that_is_cut_off_is_lost() -> None:
    (item,) = wire.read(frame("a", b"x" * 1000)[:-5])
    assert item == Lost("a", "the output ends 5 bytes too early")


def test_a_frame_of_absurd_size_is_lost_and_reading_goes_on() -> None:
    lie = b"\n#frame a 9999999999 " + b"0" * 64 + b"\n"
    items = list(wire.read(lie + frame("b", b"2")))
    assert isinstance(items[0], Lost)
    assert items[1] == Frame("b", b"2")


def test_content_that_looks_like_a_mark_is_content() -> None:
    data = mark("end") + b"#frame x 1 " + b"0" * 64
    assert list(wire.read(frame("a", data))) == [Frame("a", data)]


@given(st.integers(0, len(OUTPUT)))
def test_what_came_before_the_end_stays(length: int) -> None:
    items = list(wire.read(OUTPUT[:length]))
    complete = [item for item in items if not isinstance(item, Lost)]
    assert complete == list(wire.read(OUTPUT))[: len(complete)]


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_noise_anywhere_is_survived(noise: bytes, at: int) -> None:
    output = whole(loaded(), loaded())
    list(wire.read(output[:at] + noise + output[at:]))
