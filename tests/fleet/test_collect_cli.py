# SPDX-License-Identifier: Apache-2.0
"""`preflight collect` on the host that runs the tests: what the file is, and what it must not hold."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from preflight.host.codec import facts_from_dict
from tests.cli.run import preflight

SIZE_LIMIT = 200_000


def collected(*arguments: str) -> dict[str, Any]:
    done = preflight("collect", *arguments)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_file_is_small_and_its_facts_read_back() -> None:
    done = preflight("collect", "--label", "zone=a")
    assert len(done.stdout) < SIZE_LIMIT
    document = json.loads(done.stdout)
    assert document["schema"] == "preflight.facts/1"
    assert document["labels"] == {"zone": "a"}
    assert facts_from_dict(document["host"]).context is not None
    assert document["checks"]


#: Runs the command where the host has another name; a mount namespace of its own hides nothing else.
_RENAMED = ("unshare", "--uts", "sh", "-c", 'hostname canary-of-host && exec "$@"', "sh")


def test_it_names_neither_the_host_nor_its_user_nor_folders(tmp_path: Path) -> None:
    home = tmp_path / "canary-of-home"
    home.mkdir()
    who = {"USER": "canary-of-user", "LOGNAME": "canary-of-user", "HOME": str(home)}
    before = _RENAMED if os.geteuid() == 0 else ()
    done = preflight("collect", before=before, env={**who, "PREFLIGHT_CANARY": "canary-of-environ"})
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "canary-of" not in text
    machine_id = Path("/etc/machine-id")
    known = machine_id.read_text().strip() if machine_id.exists() else ""
    assert not known or known not in text


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "facts.json"
    assert preflight("collect", "-o", str(target)).stdout == b""
    assert json.loads(target.read_text())["schema"] == "preflight.facts/1"
    assert [path.name for path in tmp_path.iterdir()] == ["facts.json"]


@pytest.mark.parametrize(
    "arguments", [("--label", "=x"), ("--key-file", "/proc/none/key"), ("-o", "/proc/none/facts.json")]
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = preflight("collect", *arguments)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"short")
    assert preflight("collect", "--key-file", str(key)).returncode == 2
