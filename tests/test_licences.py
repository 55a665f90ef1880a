# SPDX-License-Identifier: Apache-2.0
"""Every source file says under which licence it may be used."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {".py", ".c", ".h", ".sh", ".toml", ".html", ".css", ".js"}
#: Data, whatever its suffix looks like.
DATA = ("fixtures/", "reports/", "docs/")


def _sources() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in listed.stdout.split("\0") if name and not name.startswith(DATA)]
    return [ROOT / name for name in names if Path(name).suffix in SOURCES and (ROOT / name).is_file()]


def _licence(path: Path) -> str | None:
    head = path.read_text(encoding="utf-8").splitlines()[:3]
    found = re.search(
        r"SPDX-License-Identifier: ([A-Za-z0-9.() -]+?)(?: \*/| -?#\})?$", "\n".join(head), re.MULTILINE
    )
    return found.group(1) if found else None


def test_every_source_file_names_its_licence() -> None:
    assert [str(p.relative_to(ROOT)) for p in _sources() if _licence(p) is None] == []


def test_programs_for_the_kernel_may_be_used_under_its_licence() -> None:
    programs = [p for p in _sources() if p.relative_to(ROOT).parts[0] == "bpf" and p.name.endswith(".bpf.c")]
    assert programs
    assert {_licence(p) for p in programs} == {"GPL-2.0-only OR BSD-2-Clause"}


def test_the_text_of_every_licence_is_there() -> None:
    named = {
        word for p in _sources() for word in re.split(r" OR | AND |[()]", _licence(p) or "") if word.strip()
    }
    texts = {p.stem for p in (ROOT / "LICENSES").glob("*.txt")}
    assert {word.strip() for word in named} <= texts
