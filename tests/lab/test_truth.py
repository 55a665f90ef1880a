# SPDX-License-Identifier: Apache-2.0
"""Recorded truth comes back as it was measured."""

from __future__ import annotations

import json
import lzma
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.errors import InputError
from preflight.lab import truth
from preflight.lab.results import Attachment, BpftoolAnswer, KernelRun, ObjectMeasurement, ProgramMeasurement
from tests.lab.test_facts import KERNEL

MEASURED = ObjectMeasurement(
    "tool",
    "1" * 64,
    "fails",
    errno=13,
    failed_program="p",
    log="x" * 1000 + "end",
    programs=(
        ProgramMeasurement("p", "kprobe/x", "fails", 13, Attachment("not-tried", reason="it did not load")),
        ProgramMeasurement("q", "tp/a/b", "loads", 0, Attachment("ok", "auto"), insns=5, insns_processed=7),
    ),
    maps={"ops": Attachment("ok")},
    bpftool=BpftoolAnswer(255, "long tail"),
)
RUN = KernelRun("debian/x", "booted", release="6.99", btf_sha256="ab" * 32, objects=(MEASURED,))


def test_it_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "x.json.xz"
    truth.write(path, truth.compact(RUN, KERNEL, {"libbpf-tools": "1.0"}))
    found = truth.read(path)
    assert (found.kernel, found.release, found.sources) == ("debian/x", "6.99", {"libbpf-tools": "1.0"})
    (measured,) = found.objects
    assert measured == replace(MEASURED, log="x" * 497 + "end", bpftool=BpftoolAnswer(255, ""))


def test_the_same_measurement_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        truth.write(tmp_path / name, truth.compact(RUN, KERNEL, {}))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xz",
        lzma.compress(b"{"),
        lzma.compress(b"[]"),
        lzma.compress(json.dumps({"schema_version": "9.0"}).encode()),
        lzma.compress(json.dumps({**truth.compact(RUN, KERNEL, {}), "objects": [{"object": 1}]}).encode()),
    ],
)
def test_a_damaged_file_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json.xz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.json\.xz"):
        truth.read(path)
