# SPDX-License-Identifier: Apache-2.0
"""Every message of the kernels in the table, with its arguments filled in, is of its family."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from preflight.verifier.message import recognise, table

FORMATS = Path(__file__).parent.parent.parent / "fixtures" / "verifier" / "formats.jsonl"
_CONVERSION = re.compile(r"%[-+#0 ]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j)?(?P<conv>[diuxXcsp%])")
#: Parts of messages that say nothing by themselves, as the kernel prints them: with what stands around them.
_AROUND = {
    "R%d type=%s ": "{}expected=fp, pkt",
    "%s type=%s ": "{}expected=fp, pkt",
    " or %s%s\n": "R2 type=scalar expected=fp{}",
    "arg#%d is %s ": "{}expected scalar or struct with scalar",
}
#: Of the log of a BTF, not of a program, and too short to be known anywhere else.
_TOO_SHORT = {"\t%s val=%d\n", "No data", "const R%d: %u != %llu"}


def _filled(fmt: str, number: int, word: str) -> str:
    values = {"d": str(number), "i": str(number), "u": str(abs(number)), "c": "c", "s": word, "%": "%"}
    return _CONVERSION.sub(lambda found: values.get(found["conv"], f"{abs(number):x}"), fmt)


def _rows() -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in FORMATS.read_text("utf-8").splitlines()]
    return [(family, fmt) for family, _, _, fmt, _ in rows if fmt not in _TOO_SHORT]


@pytest.mark.parametrize(("number", "word"), [(3, "foo"), (-22, "bpf_sk_lookup"), (65536, "sock_common")])
def test_every_message_is_of_its_family(number: int, word: str) -> None:
    wrong = []
    for family, fmt in _rows():
        text = _AROUND.get(fmt, "{}").format(_filled(fmt, number, word)).strip()
        found = [message.family for line in text.split("\n") if (message := recognise(line))]
        if found[:1] != [family]:
            wrong.append((family, found, text))
    assert not wrong


def test_the_formats_are_of_all_kernels_of_the_table() -> None:
    rows = [json.loads(line) for line in FORMATS.read_text("utf-8").splitlines()]
    assert {version for row in rows for version in row[4]} == set(table().kernels)
    assert len(rows) > 900
