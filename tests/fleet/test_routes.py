# SPDX-License-Identifier: Apache-2.0
"""Results where teams look: Prometheus, Node Feature Discovery, SQLite."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from preflight.render import nfd
from preflight.render.console import Style
from preflight.render.registry import renderers
from tests.fleet.conftest import Scene
from tests.fleet.hosts import write
from tests.render.results import check_result, finding
from tests.render.test_safe import HOSTILE

NAMES = [*HOSTILE, 'a"b\\c', "a\nb", "x" * 70_000]


def samples(text: str) -> dict[str, list[Any]]:
    """Samples by metric, as Prometheus's own parser reads them."""
    return {family.name: family.samples for family in text_string_to_metric_families(text)}


def test_a_check_is_as_bad_as_its_worst_subject() -> None:
    result = check_result()
    result["results"] = [
        finding("a", code="PH401", verdict="ok", severity="required"),
        finding("b", code="PH401", verdict="missing", severity="required"),
        finding("c", code="PH301", verdict="unknown", severity="info"),
        finding("d", code="PH101", verdict="ok", severity="required"),
    ]
    found = samples(renderers("check")["prom"](result, Style()))
    values = {one.labels["check"]: one.value for one in found["preflight_check"]}
    assert values == {"PH401": 2, "PH301": 1, "PH101": 0}
    assert found["preflight_verdict"][0].value == 2
    assert found["preflight_run_timestamp_seconds"][0].value == 1767323045


@pytest.mark.parametrize("text", NAMES)
def test_no_name_breaks_the_metrics(text: str) -> None:
    result = check_result(text)
    for one in result["results"]:
        one["name"] = text
    found = samples(renderers("check")["prom"](result, Style()))
    assert len(found["preflight_check"]) == 3


@pytest.mark.parametrize("text", NAMES)
def test_every_line_of_a_feature_file_is_a_directive_or_a_feature(text: str) -> None:
    result = check_result(text)
    for number, one in enumerate(result["results"]):
        one["code"] = one["code"] if number else text
        one["verdict"] = text
    page = renderers("check")["nfd"](result, Style())
    for line in page.splitlines():
        assert re.fullmatch(r"# \+(no-label|expiry-time=[0-9TZ:-]{20})", line) or re.fullmatch(
            r"preflight\.[A-Za-z0-9._-]+=[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", line
        ), line


def test_features_expire_a_day_after_the_checks() -> None:
    result = check_result()
    page = renderers("check")["nfd"](result, Style())
    (expiry,) = re.findall(r"^# \+expiry-time=(.*)$", page, re.MULTILINE)
    made = datetime.fromisoformat(result["generated_at"])
    assert (datetime.fromisoformat(expiry) - made).total_seconds() == 86_400


def test_a_feature_file_stays_within_what_is_read() -> None:
    result = check_result()
    result["results"] = [finding("x", code=f"PH{number:05d}") for number in range(10_000)]
    assert len(nfd.render(result, Style())) <= nfd.SIZE_LIMIT


def test_the_tables_add_up_to_the_result(scene: Scene) -> None:
    scene.add("new", "old")
    documents = [
        scene.maker.document("old" if n < 3 else "new", number=n, labels={"zone": "ab"[n % 2]})
        for n in range(9)
    ]
    file = scene.folder / "fleet.db"
    result = scene.result(write(scene.folder / "f", documents), "--sqlite", str(file))
    database = sqlite3.connect(file)
    by_state = "SELECT state, SUM(hosts) FROM results GROUP BY state ORDER BY state"
    assert database.execute(by_state).fetchall() == [("fails", 3), ("fine", 6)]
    joined = (
        "SELECT k.release, SUM(g.hosts) FROM groups g JOIN kernels k USING (kernel) GROUP BY 1 ORDER BY 1"
    )
    assert database.execute(joined).fetchall() == [("5.10.0-b", 3), ("6.12.1-a", 6)]
    assert database.execute("SELECT SUM(hosts), SUM(pass), SUM(fail) FROM labels").fetchone() == (9, 6, 3)
    sentence = "SELECT value FROM summary WHERE key = 'sentence'"
    assert database.execute(sentence).fetchone()[0] == result["summary"]["sentence"]
    assert database.execute("PRAGMA user_version").fetchone() == (1,)
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_unwritable_database_is_a_usage_error(scene: Scene) -> None:
    folder = write(scene.folder / "f", [scene.maker.document(number=1)])
    assert scene.run(folder, "--sqlite", "/proc/none/fleet.db", objects=False).code == 2


DOCS = Path(__file__).parents[2] / "docs" / "fleet.md"


def test_the_query_of_the_guide_runs(scene: Scene) -> None:
    (query,) = re.findall(r"```sql\n(.*?)```", DOCS.read_text(), re.DOTALL)
    scene.add("old")
    file = scene.folder / "fleet.db"
    folder = write(scene.folder / "f", [scene.maker.document("old", number=n) for n in range(4)])
    scene.run(folder, "--sqlite", str(file))
    assert sqlite3.connect(file).execute(query).fetchall() == [("5.10.0-b", "made.bpf.o", 4)]


def test_the_guide_lists_the_tables_as_they_are(scene: Scene) -> None:
    file = scene.folder / "fleet.db"
    folder = write(scene.folder / "f", [scene.maker.document(number=1)])
    scene.run(folder, "--sqlite", str(file), objects=False)
    database = sqlite3.connect(file)
    listed = dict(re.findall(r"^\| `([a-z]+)` \| ([a-z0-9_, ()A-Z]+) \|$", DOCS.read_text(), re.MULTILINE))
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        assert re.sub(r" \([^)]*\)", "", listed[table]).split(", ") == columns


def test_every_option_of_the_guide_exists() -> None:
    from tests.cli.run import preflight

    helps = b"".join(preflight(name, "--help").stdout for name in ("collect", "fleet", "check")).decode()
    for option in set(re.findall(r"--[a-z][a-z-]+", DOCS.read_text())):
        assert option in helps, option


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_of_the_guide_is_one(tmp_path: Path) -> None:
    (unit,) = re.findall(r"```ini\n(.*?)```", DOCS.read_text(), re.DOTALL)
    path = tmp_path / "agent.service"
    path.write_text(unit.replace("/usr/bin/preflight", "/bin/true").replace("/usr/bin/agent", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, check=False)
    assert b"agent.service" not in done.stderr, done.stderr
