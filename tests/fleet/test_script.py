# SPDX-License-Identifier: Apache-2.0
"""`collect --emit-script`: one file, Python 3.6, and facts that load as if preflight had collected them."""

from __future__ import annotations

import ast
import json
import lzma
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from preflight.facts import Fact
from preflight.fleet.policy import policy_class
from preflight.fleet.record import record_of
from preflight.fleet.script import text
from preflight.host.areas.context import Hint
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


def collect(
    script: Path, *words: str, python: str = sys.executable, before: Sequence[str] = (), **env: str
) -> dict[str, Any]:
    """Run it as a bare interpreter would: no site packages, no environment of ours."""
    done = subprocess.run(
        [*before, python, "-I", "-S", str(script), *words],
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


def test_nothing_in_it_is_newer_than_3_6_by_the_book(script: Path, tmp_path: Path) -> None:
    """vermin knows by version what the language and the standard library have."""
    program = "import sys, vermin; sys.exit(vermin.main())"
    words = [sys.executable, "-c", program, "--no-tips", "--target=3.6-", "--violations"]
    done = subprocess.run([*words, str(script)], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout.decode()
    newer = tmp_path / "newer.py"
    newer.write_text("print(f'{1 + 1=}')\n")
    assert subprocess.run([*words, str(newer)], capture_output=True, check=False, timeout=120).returncode == 1


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


def test_its_policy_class_is_that_of_collect_but_for_what_it_does_not_ask(
    facts: dict[str, Any], full: dict[str, Any]
) -> None:
    own = policy_class(facts_from_dict(facts["host"]))
    theirs = policy_class(facts_from_dict(full["host"]))
    assert {**own, "memlock_accounting": None} == {**theirs, "memlock_accounting": None}
    assert own["memlock_accounting"] == "unknown"


#: What the script leaves to others, or sees in fewer places.
LEFT_OUT = {
    "btf.places": "it looks at one place",
    "context.sandbox": "it does not look for one",
    "helpers.claims": "it does not ask bpftool",
    "helpers.kfuncs": "it does not list them",
    "helpers.loads": "it asks fewer ways of loading",
    "surfaces.features": "these need libbpf",
    "maps.features": "it asks types only",
}


def differences(own: Any, theirs: Any, place: str = "") -> list[str]:
    """Where the script says something and collect says something else."""
    if place in LEFT_OUT or own is None:
        return []
    if is_dataclass(own) and not isinstance(own, type):
        if isinstance(own, Fact) and not own.is_known:
            return []
        names = {field.name for field in fields(own)} - {
            "evidence",
            "reason",
            "decided_by",
            "detail",
            "tried",
        }
        return [
            text
            for name in sorted(names)
            for text in differences(getattr(own, name), getattr(theirs, name), f"{place}.{name}".strip("."))
        ]
    if isinstance(own, tuple) and own and is_dataclass(own[0]):
        others = {_name(one): one for one in theirs}
        return [
            text for one in own for text in differences(one, others[_name(one)], f"{place}[{_name(one)}]")
        ]
    if isinstance(own, dict):
        return [f"{place}.{key}" for key in own if own[key] != theirs.get(key)]
    return [] if own == theirs else [f"{place}: {str(own)[:80]} and not {str(theirs)[:80]}"]


def _name(one: Any) -> Any:
    if isinstance(one, Hint):  # one container leaves several signs
        return one.kind, one.seen
    return (
        getattr(one, "vehicle", None)
        or getattr(one, "name", None)
        or getattr(one, "kind", None)
        or getattr(one, "helper", None)
        or getattr(one, "place", None)
    )


def test_whatever_it_says_collect_says_too(script: Path, facts: dict[str, Any], full: dict[str, Any]) -> None:
    found = differences(facts_from_dict(facts["host"]), facts_from_dict(full["host"]))
    if found:  # what differs because somebody mounted or loaded something meanwhile does so once
        again = json.loads(preflight("collect").stdout)
        found = differences(facts_from_dict(collect(script)["host"]), facts_from_dict(again["host"]))
    assert found == []


GUESTS = sorted((Path(__file__).parents[2] / "fixtures" / "facts").glob("guest-*.json.xz"))


def test_the_oldest_and_the_newest_kernel_are_recorded() -> None:
    assert [path.name.partition("+")[0] for path in GUESTS] == [
        "guest-5.10.0-32-cloud-amd64.json.xz",
        "guest-7.3.4",
    ]


@pytest.mark.parametrize("path", GUESTS, ids=lambda path: path.name)
def test_whatever_it_said_on_a_booted_kernel_collect_said_too(path: Path) -> None:
    """Recorded in one guest by tools/record_collectors.py, where every kind of trace can be attached."""
    recorded = json.loads(lzma.decompress(path.read_bytes()))
    own, theirs = facts_from_dict(recorded["script"]), facts_from_dict(recorded["collect"])
    assert differences(own, theirs) == []
    assert own.surfaces is not None and own.surfaces.surface("kprobe").attachable.state == "yes"
    assert own.helpers is not None and own.helpers.loads > 2_000


def test_it_asks_nearly_all_that_collect_asks(facts: dict[str, Any], full: dict[str, Any]) -> None:
    own, theirs = facts["host"], full["host"]

    def names(host: dict[str, Any], area: str, member: str) -> set[str]:
        return {one.get("vehicle") or one["name"] for one in host[area][member]}

    left = {
        (area, member): names(theirs, area, member) - names(own, area, member)
        for area, member in (
            ("programs", "types"), ("maps", "types"), ("helpers", "rows"), ("surfaces", "surfaces")
        )
    }  # fmt: skip
    assert left == {
        ("programs", "types"): {"ext", "struct_ops"},
        ("maps", "types"): {"struct_ops"},
        ("helpers", "rows"): {"struct_ops", "struct_ops.s"} & names(theirs, "helpers", "rows"),
        ("surfaces", "surfaces"): {"struct_ops"},
    }


#: A caller that may do nothing: root by number, without capabilities.
POWERLESS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can put capabilities away"
)
def test_without_capabilities_it_is_refused_what_collect_is_refused(script: Path) -> None:
    own = facts_from_dict(collect(script, before=POWERLESS)["host"])
    theirs = facts_from_dict(json.loads(preflight("collect", before=POWERLESS).stdout)["host"])
    assert differences(own, theirs) == []
    assert own.programs is not None
    assert {one.load.state for one in own.programs.types} <= {"denied", "unsupported", "works", "not-tried"}


def interpreters() -> list[str]:
    """Other Pythons of this machine: by their names, and those that pyenv keeps."""
    named = [shutil.which(f"python3.{minor}") for minor in range(6, 20)]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    kept = [str(one) for one in sorted(root.glob("3.*/bin/python3"))]
    found: dict[str, str] = {}
    for path in filter(None, [*named, *kept, "/usr/bin/python3"]):
        done = subprocess.run(
            [path, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        version = done.stdout.decode().strip()
        if done.returncode == 0 and version != f"{sys.version_info[0]}.{sys.version_info[1]}":
            found.setdefault(version, path)
    return [found[version] for version in sorted(found, key=lambda one: int(one.partition(".")[2]))]


def _said(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "collected_at": ""}


def test_other_pythons_find_the_same(script: Path) -> None:
    """The oldest and the newest there are here; each says exactly the same of this host."""
    others = interpreters()
    others = others[:1] + others[1:][-1:]
    if not others:
        pytest.skip("there is no other Python here (python3.N, or one of pyenv's) to run the script with")
    for path in others:
        before, found, after = (collect(script, python=one) for one in (sys.executable, path, sys.executable))
        if _said(before) != _said(after):  # somebody mounts or loads something meanwhile
            before, found = after, collect(script, python=path)
        assert _said(found) == _said(before), path


def test_every_syntax_error_of_3_6_would_be_seen() -> None:
    with pytest.raises(SyntaxError):
        ast.parse("(a := 1)", feature_version=(3, 6))


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
