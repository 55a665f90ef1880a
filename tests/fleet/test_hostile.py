# SPDX-License-Identifier: Apache-2.0
"""Facts from strangers, end to end: what is none is counted by its kind, what is one may say anything.

Every text of a document that reaches a report is replaced by hostile ones; no format lets them act.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fleet.conftest import Scene
from tests.fleet.hosts import write, write_lines
from tests.render.test_hostile import _tags
from tests.render.test_safe import HOSTILE

TEXTS = [
    *HOSTILE,
    "</script><script>alert(1)</script>",
    "a\nb\r\n::error::x",
    "=cmd|' /C calc'!A0",
    "{{ 7*7 }}",
]


def damaged(document: dict[str, Any], kind: str, chosen: random.Random) -> Any:
    """A document that is skipped as `kind`, in one of many ways."""
    text = json.dumps(document)
    if kind == "truncated":
        return text[: chosen.randrange(1, len(text) - 1)].encode()
    if kind == "malformed":
        ways = (
            b"\x00\x01\x02", text.replace('"kernel":', '"kernel"', 1).encode(), b'{"a": NaN}',
            b"[" * 90_000,
            text.encode()[:40] + b"\xff\xfe" + text.encode()[40:],
            json.dumps({**document, "kernel": chosen.choice([5, [], {}, {"btf_sha256": "x"}])}).encode(),
            json.dumps({**document, "checks": chosen.choice([5, [5], [{}], "x"])}).encode(),
            json.dumps({**document, "labels": chosen.choice([5, {"a": []}, {"": "x"}])}).encode(),
        )  # fmt: skip
        return chosen.choice(ways)
    if kind == "future":
        return {**document, "schema": f"preflight.facts/{chosen.randrange(2, 999_999)}"}
    if kind == "not-facts":
        return chosen.choice([[], {}, 5, None, {"schema": "other/1"}, {**document, "schema": None}])
    assert kind == "duplicate"
    return document


@pytest.mark.parametrize("form", ["files", "lines"])
def test_a_fleet_full_of_damage_counts_every_good_host_and_every_kind_of_bad(scene: Scene, form: str) -> None:
    scene.add("new", "old")
    chosen = random.Random(23)
    kinds = ["truncated", "malformed", "future", "not-facts", "duplicate"]
    documents: list[Any] = []
    expected: Counter[str] = Counter()
    good = 0
    for number in range(400):
        document = scene.maker.document("old" if number % 4 else "new", number=number)
        if number and chosen.random() < 0.4:
            kind = chosen.choice(kinds)
            if kind == "duplicate":
                document = documents[0]
            expected[kind] += 1
            documents.append(damaged(document, kind, chosen))
        else:
            good += 1
            documents.append(document)
    if form == "files":
        given = write(scene.folder / "f", documents)
    else:
        # one document per line: what has a line break in it, or is only the start of one, is another matter
        documents = [one for one in documents if not isinstance(one, bytes)]
        expected = Counter({key: n for key, n in expected.items() if key not in ("truncated", "malformed")})
        given = write_lines(scene.folder / "f.jsonl", documents)
    ran = scene.run(given, "--format", "json")
    summary = ran.result["summary"]
    assert ran.code == 1
    assert summary["hosts"] == good
    assert {kind: n for kind, n in summary["skipped_by"].items() if n} == dict(expected)
    assert summary["skipped"] == expected.total() == len(ran.result["skipped"])


def hostile(document: dict[str, Any], text: str) -> dict[str, Any]:
    """A document whose every text is hostile, as far as it stays one that is counted."""
    text = text[:1_500]
    changed: dict[str, Any] = json.loads(json.dumps(document))
    changed["tool"] = {"name": text, "version": text}
    changed["collected_at"] = text
    changed["labels"] = {text[:60] or "x": text[:200], "zone": text[:200]}
    changed["policy"] = {"digest": text, text[:100] or "x": text, "lockdown": [text, {text: text}]}
    kernel = changed["kernel"]
    for key in ("release", "arch", "distribution", "suite", "flavour", "package", "version", "byteorder"):
        kernel[key] = text
    kernel["source"] = {"kind": text, "files": [], "notes": [text]}
    for one in changed["checks"]:
        one["title"], one["subject"], one["verdict"], one["severity"] = text, text, text, "required"
        one["evidence"] = [text]
    changed["host"]["context"]["release"] = changed["host"]["context"]["machine"] = text
    return changed


@pytest.mark.parametrize("text", TEXTS)
def test_what_hostile_facts_say_is_shown_and_does_nothing(scene: Scene, text: str) -> None:
    scene.add("new")
    good = [scene.maker.document("new", number=n, labels={"zone": "a"}) for n in range(2)]
    facts = write(scene.folder / "f", [*good, hostile(scene.maker.document("new", number=9), text)])
    out: dict[str, Path] = {
        form: scene.folder / form for form in ("text", "json", "csv", "markdown", "html", "prom")
    }
    words = [word for form, path in out.items() for word in ("--format", f"{form}={path}")]
    ran = scene.run(
        facts, *words, "--sqlite", scene.folder / "fleet.db", "--html-dir", scene.folder / "pages"
    )
    assert ran.code in (0, 1, 3), ran.err
    result = json.loads(out["json"].read_text())
    assert result["summary"]["hosts"] == 3
    shown = out["text"].read_text() + out["markdown"].read_text() + ran.err
    assert not [
        c for c in shown if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or ord(c) in (0x202E, 0x2066)
    ]
    assert not any(line.startswith("::") for line in shown.splitlines())
    for page in (out["html"].read_text(), (scene.folder / "pages" / "index.html").read_text()):
        assert page.count("<script") == 1 and page.count("</script>") == 1
        assert not any(str(key).startswith("on") or key == "style" for _, tag in _tags(page) for key in tag)
    for row in csv.reader(io.StringIO(out["csv"].read_text())):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    assert list(text_string_to_metric_families(out["prom"].read_text()))
    database = sqlite3.connect(scene.folder / "fleet.db")
    assert database.execute("SELECT SUM(hosts) FROM groups").fetchone() == (3,)


def test_a_host_of_a_hostile_release_is_not_taken_for_another(scene: Scene) -> None:
    """Names of kernels are made of releases; two that differ in what cannot be shown stay two."""
    documents = []
    for number, release in enumerate(("6.1\x1b[31m", "6.1\x1b[32m", "../6.1", "", "a" * 1_500)):
        document = scene.maker.document("new", number=number)
        kernel = {**document["kernel"], "release": release, "btf_sha256": f"{number:064x}"}
        documents.append({**document, "kernel": kernel})
    result = scene.result(write(scene.folder / "f", documents), objects=False)
    names = [one["kernel"] for one in result["kernels"]]
    assert len(set(names)) == len(names) == result["summary"]["kernels"]
    assert all(re.fullmatch(r"[A-Za-z0-9._+~-]{1,120}", name) for name in names), names
