# SPDX-License-Identifier: Apache-2.0
"""The tables of `fleet --sqlite`, and every query of their page on a fleet whose answers are known."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.conftest import Scene
from tests.fleet.hosts import write
from tests.fleet.routes import ROUTES, blocks, commands, place, tables
from tests.predict.worlds import program


def fleet(scene: Scene) -> Path:
    """Ten hosts: 4 on `old`, which has no socket filters; 3 on `new`; 2 locked down there; 1 unknown."""
    scene.add("new", "old")
    rows = [("old", "open", "a")] * 4 + [("new", "open", "b")] * 3 + [("new", "shut", "b")] * 2
    documents: list[Any] = [
        scene.maker.document(kernel, policy, number=n, labels={"zone": zone})
        for n, (kernel, policy, zone) in enumerate(rows)
    ]
    unknown = scene.maker.document("same", "open", number=9, labels={"zone": "b"})
    return write(scene.folder / "f", [*documents, unknown, "{", '{"schema": "preflight.facts/9"}', "{"])


def database(scene: Scene) -> sqlite3.Connection:
    file = scene.folder / "fleet.db"
    scene.run(fleet(scene), "--sqlite", str(file))
    return sqlite3.connect(file)


def test_the_tables_add_up_to_the_result(scene: Scene) -> None:
    file = scene.folder / "fleet.db"
    result = scene.result(fleet(scene), "--sqlite", str(file))
    base = sqlite3.connect(file)
    summary, by_host = result["summary"], result["summary"]["hosts_by"]
    states = dict(base.execute("SELECT state, SUM(hosts) FROM results GROUP BY state").fetchall())
    assert states == {"fine": 3, "fails": 4, "blocked": 2, "unknown": 1}
    assert sum(states.values()) == summary["hosts"]
    for table in ("kernels", "policies", "groups"):
        assert base.execute(f"SELECT SUM(hosts), COUNT(*) FROM {table}").fetchone() == (10, summary[table])
    sums = "SELECT SUM(hosts), SUM(pass), SUM(fail), SUM(undecided), SUM(not_tested) FROM labels"
    outcomes = [by_host[name] for name in ("pass", "fail", "undecided", "not_tested")]
    assert list(base.execute(sums).fetchone()) == [10, *outcomes]
    assert base.execute("SELECT COUNT(*) FROM skipped").fetchone() == (summary["skipped"],)
    sentence = "SELECT value FROM summary WHERE key = 'sentence'"
    assert base.execute(sentence).fetchone()[0] == summary["sentence"]
    assert base.execute("PRAGMA user_version").fetchone() == (1,)
    assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_unwritable_database_is_a_usage_error(scene: Scene) -> None:
    folder = write(scene.folder / "f", [scene.maker.document(number=1)])
    assert scene.run(folder, "--sqlite", "/proc/none/fleet.db", objects=False).code == 2


def test_the_page_lists_the_tables_as_they_are(scene: Scene) -> None:
    base = database(scene)
    listed = {cells[0].strip("`"): re.sub(r" \([^)]*\)", "", cells[1]) for cells in tables("sqlite.md")}
    made = {
        table: ", ".join(row[1] for row in base.execute(f"PRAGMA table_info({table})"))
        for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    assert {name: listed.get(name) for name in made} == made


def _queries() -> dict[str, str]:
    """Question (the line before the block) -> query."""
    text = (ROUTES / "sqlite.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^(\w[^\n]+)\n\n```sql\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


#: How a question of the page begins -> the answer for that fleet; functions where digests are in it.
_ANSWERS: dict[str, Any] = {
    "Which objects": [
        ("5.10.0-b", "made.bpf.o", "fails", 4),
        ("6.12.1-a", "made.bpf.o", "blocked", 2),
        ("6.12.1-a", "made.bpf.o", "unknown", 1),
    ],
    "What is worth": lambda rows: [row[2] for row in rows][:2] == [4, 2] and all(row[3] for row in rows),
    "Which causes": lambda rows: [(row[1], row[3]) for row in rows] == [("made.bpf.o", 2)] * len(rows) != [],
    "Which policy": lambda rows: [row[1:] for row in rows] == [("integrity", 2)],
    "Which zone": [("a", 4, 4, 100), ("b", 2, 6, 33)],
    "Where is": lambda rows: [(row[0], row[1], row[3]) for row in rows] == [("made.bpf.o", "unknown", 1)],
    "What was": [("truncated", 2), ("future", 1)],
}


@pytest.mark.parametrize("question", list(_ANSWERS))
def test_every_query_of_the_page_gives_the_answer(scene: Scene, question: str) -> None:
    (query,) = [text for title, text in _queries().items() if title.startswith(question)]
    rows = database(scene).execute(query).fetchall()
    expected = _ANSWERS[question]
    if callable(expected):
        assert expected(rows), rows
    else:
        assert sorted(rows) == sorted(expected)


def test_no_query_of_the_page_is_left_out() -> None:
    assert len(blocks("sqlite.md", "sql")) == len(_queries()) == len(_ANSWERS)


def test_the_command_of_the_page_writes_the_database(tmp_path: Path, scene: Scene) -> None:
    there = place(tmp_path / "place", program("socket").data)
    write(there.folder / "facts", [scene.maker.document(number=n) for n in range(2)])
    (command,) = commands("sqlite.md")
    done = there.run(command)
    assert done.returncode in (0, 3), done.stderr
    assert sqlite3.connect(there.folder / "fleet.db").execute("SELECT hosts FROM kernels").fetchall() == [
        (2,)
    ]
