# SPDX-License-Identifier: Apache-2.0
"""`collect --emit-script`: one file, Python 3.6, and facts that load as if preflight had collected them."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.fleet.record import record_of
from preflight.fleet.script import text
from preflight.host.codec import facts_from_dict
from preflight.kernels.facts_file import kernel_of
from tests.cli.run import preflight
from tests.fleet.conftest import Scene
from tests.fleet.hosts import write


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("script") / "collect_facts.py"
    done = preflight("collect", "--emit-script", "-o", str(path))
    assert done.returncode == 0, done.stderr
    return path


def collect(script: Path, *words: str, **env: str) -> dict[str, Any]:
    """Run it as a bare interpreter would: no site packages, no environment of ours."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), *words],
        capture_output=True, check=True, timeout=60, env={"PATH": os.environ["PATH"], **env},
    )  # fmt: skip
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


@pytest.fixture(scope="module")
def facts(script: Path) -> dict[str, Any]:
    return collect(script, "--label", "zone=a")


@pytest.fixture(scope="module")
def full() -> dict[str, Any]:
    """What `collect` itself says of this host."""
    loaded: dict[str, Any] = json.loads(preflight("collect").stdout)
    return loaded


def test_it_is_python_3_6_and_imports_the_standard_library_of_then() -> None:
    tree = ast.parse(text(), feature_version=(3, 6))
    imported = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    } | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {
        "argparse", "base64", "ctypes", "errno", "gzip", "hashlib", "hmac", "json", "lzma", "os", "re",
        "resource", "struct", "sys", "tempfile", "time", "typing",
    }  # fmt: skip


def test_it_uses_nothing_that_came_after_3_6() -> None:
    later = {"removeprefix", "removesuffix", "fromisoformat", "cached_property", "bit_count", "isascii"}
    keywords = {"capture_output", "missing_ok", "dirs_exist_ok", "strict"}
    tree = ast.parse(text())
    assert not {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & later
    assert not {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)} & keywords


def test_the_tables_are_filled_in() -> None:
    assert "@" not in "".join(
        line for line in text().splitlines() if line.startswith(("VERSION", "KEPT", "PLAIN"))
    )
    assert "CAPABILITIES = ['CHOWN'" in text()


def test_its_facts_read_as_facts_of_this_host(facts: dict[str, Any]) -> None:
    host = facts_from_dict(facts["host"])
    assert host.context is not None and host.context.release == os.uname().release
    assert host.privilege is not None and host.privilege.capabilities.is_known
    assert record_of(facts).labels == {"zone": "a"}
    assert record_of(facts).checks


def test_it_says_of_the_kernel_what_collect_says(facts: dict[str, Any], full: dict[str, Any]) -> None:
    assert facts["kernel"] == full["kernel"]
    assert facts["config"] == full["config"]


def test_its_trials_agree_with_those_of_collect(facts: dict[str, Any], full: dict[str, Any]) -> None:
    for area, member in (("programs", "load"), ("maps", "create")):
        known = {one["name"]: one[member]["state"] for one in full["host"][area]["types"]}
        for one in facts["host"][area]["types"]:
            assert one[member]["state"] in (known[one["name"]], "inconclusive"), one


def test_with_btf_its_file_stands_for_the_kernel(script: Path) -> None:
    document = collect(script, "--with-btf")
    if document["kernel"] is None:
        assert "ENOENT" in document["host"]["btf"]["vmlinux"]["reason"]
        return
    assert kernel_of(document, "facts").btf_sha256 == document["kernel"]["btf_sha256"]


def test_its_facts_group_with_one_another_in_a_fleet(scene: Scene, facts: dict[str, Any]) -> None:
    documents = [{**facts, "host_key": f"host{number:04d}"} for number in range(3)]
    summary = scene.result(write(scene.folder / "f", documents))["summary"]
    assert (summary["hosts"], summary["groups"], summary["skipped"]) == (3, 1, 0)


def test_it_names_no_host_user_or_folder(script: Path, tmp_path: Path) -> None:
    home = tmp_path / "canary-of-home"
    home.mkdir()
    found = json.dumps(collect(script, HOME=str(home), USER="canary-of-user"))
    assert "canary-of" not in found
    machine_id = Path("/etc/machine-id")
    known = machine_id.read_text().strip() if machine_id.exists() else ""
    assert not known or known not in found


@pytest.mark.parametrize("words", [("--label", "=x"), ("--key-file", "/proc/none"), ("-o", "/proc/none/f")])
def test_what_cannot_be_done_is_one_line(script: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), *words], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stdout == b"" and done.stderr.count(b"\n") == 1
