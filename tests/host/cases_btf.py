# SPDX-License-Identifier: Apache-2.0
"""A passing and a failing case for each PH1xx code."""

from __future__ import annotations

from tests.host.areas_builder import (
    btf,
    btf_file,
    btf_format,
    context,
    judge,
    options,
    seen,
    without_btf,
)
from tests.host.cases import Case

BROKEN = btf_file(error="string section ends at 0x40, file at 0x30", format=None, types=0)

CASES = {
    "PH101": Case(
        passing=lambda: judge("PH101"),
        failing=lambda: judge(
            "PH101", btf=without_btf(), context=context(config=options(DEBUG_INFO_BTF="n"))
        ),
    ),
    "PH102": Case(
        passing=lambda: judge("PH102"),
        failing=lambda: judge("PH102", btf=btf(vmlinux=seen(BROKEN, "btf"))),
    ),
    "PH103": Case(
        passing=lambda: judge("PH103"),
        failing=lambda: judge("PH103", btf=btf(modules=seen((btf_file("zfs", error="cut short"),), "btf"))),
    ),
    "PH104": Case(
        passing=lambda: judge("PH104"),
        failing=lambda: judge(
            "PH104", btf=btf(vmlinux=seen(btf_file(format=btf_format(header_length=32, has_layout=True))))
        ),
    ),
    "PH105": Case(
        passing=lambda: judge("PH105"),
        failing=lambda: judge("PH105", btf=without_btf()),
    ),
    "PH106": Case(
        passing=lambda: judge("PH106"),
        failing=lambda: judge("PH106", btf=btf(fd_by_id=seen("EPERM", "syscall"))),
    ),
}
