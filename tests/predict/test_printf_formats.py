# SPDX-License-Identifier: Apache-2.0
"""Formats that bpf_snprintf() takes."""

from __future__ import annotations

import pytest

from preflight.predict.printf_formats import conversions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("100%%", 0),
        ("%d %i %u %x %X", 5),
        ("%ld %llu %lx", 3),
        ("%08llx|%-5d|%+d|% d", 4),
        ("%s:%s,%s", 3),
        ("%c%c", 2),
        ("%p %px %pK %ps %pS %pB", 6),
        ("%pI4 %pi4 %pI6 %pi6", 4),
        ("%pks %pus", 2),
        ("%p.", 1),
    ],
)
def test_how_many_numbers_a_format_takes(text: str, expected: int) -> None:
    assert conversions(text) == expected


@pytest.mark.parametrize(
    "text",
    ["%z", "%", "%f", "%lld %e", "%hd", "%lllu", "%sx", "%pz", "%pI5", "%.3d", "%*d", "%5", "\x07"],
)
def test_formats_that_no_kernel_takes(text: str) -> None:
    assert conversions(text) is None
