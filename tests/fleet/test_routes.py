# SPDX-License-Identifier: Apache-2.0
"""The pages of docs/routes as a whole. What each one says is held to by its own test_routes_*.py."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from functools import cache
from pathlib import Path

import pytest

from tests.cli.run import preflight
from tests.fleet.conftest import Scene
from tests.fleet.hosts import write
from tests.fleet.routes import AGENT, ROUTES, commands, pages, place
from tests.predict.worlds import program

GUIDE = ROUTES.parent / "fleet.md"


@cache
def _help(command: str) -> str:
    return preflight(command, "--help").stdout.decode()


def _options(text: str) -> list[tuple[str, str]]:
    """(command, option) for every `preflight COMMAND ... --option` in a text, also in YAML and in units."""
    found = []
    for command, rest in re.findall(r"preflight[\"', \]\[]+(check|collect|fleet|report)\b([^`\n|&>]*)", text):
        found += [(command, option) for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", rest)]
    return found


def _files() -> list[Path]:
    made = {ROUTES / "container" / "wheels"}
    return [
        GUIDE, *sorted(path for path in ROUTES.rglob("*") if path.is_file() and not made & set(path.parents))
    ]  # fmt: skip


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.name)
def test_every_option_named_exists(path: Path) -> None:
    for command, option in _options(path.read_text(encoding="utf-8")):
        assert option in _help(command), f"{path.name}: preflight {command} {option}"


def test_every_page_is_in_the_table_and_every_file_in_a_page() -> None:
    table = (ROUTES / "README.md").read_text()
    assert [page for page in pages() if page != "README.md" and f"({page})" not in table] == []
    everything = "".join((ROUTES / page).read_text() for page in pages())
    files = [path for path in ROUTES.rglob("*") if path.is_file() and path.suffix != ".md"]
    assert [
        path.name for path in files if path.name not in everything and path.parent.name not in everything
    ] == []


#: Folders that the pages' `install` writes to.
_MOVED = ("/etc/ansible/facts.d/", "/etc/systemd/system/")

#: What the shell blocks of the pages may call: each is run, or held against its tool, by the page's own test.
_KNOWN = {
    "prometheus.md": {"preflight"},
    "node-feature-discovery.md": {"preflight"},
    "sqlite.md": {"preflight"},
    "systemd.md": {"install", "systemctl"},
    "container.md": {"pip", "podman"},
    "kubernetes.md": {"kubectl", "preflight"},
    "ansible.md": {"install", "ansible-playbook", "preflight"},
}


@pytest.mark.parametrize("page", ["ansible.md", "kubernetes.md", "systemd.md"])
def test_commands_that_need_nothing_else_run(page: str, tmp_path: Path, scene: Scene) -> None:
    """In the folder beside the page, with the facts there that a play or kubectl would have brought."""
    there = place(tmp_path / "place", program("socket").data, *_MOVED)
    shutil.copytree(ROUTES / page.removesuffix(".md"), there.folder, dirs_exist_ok=True)
    documents = [scene.maker.document(number=number) for number in range(2)]
    write(there.folder / "facts", documents)
    (there.folder / "facts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in documents))
    shutil.copy(there.at(AGENT) / "agent.bpf.o", there.folder)
    ran = [command for command in commands(page) if shlex.split(command)[0] in ("preflight", "install")]
    assert ran
    for command in ran:
        done = there.run(command)
        # The kernel of these facts is in no catalogue, so that the object stays open on it.
        expected = (0,) if "fleet" not in command or "--undecided ok" in command else (3,)
        assert done.returncode in expected, f"{command}: {done.stdout}{done.stderr}"
    installed = [path.name for path in there.at(_MOVED[0]).rglob("*") if path.is_file()]
    installed += [path.name for path in there.at(_MOVED[1]).rglob("*") if path.is_file()]
    named = [one for command in ran if command.startswith("install") for one in shlex.split(command)[1:-1]]
    assert sorted(installed) == sorted({Path(one).name for one in named if "." in one})


@pytest.mark.parametrize("page", pages())
def test_no_page_has_a_command_that_its_test_does_not_know(page: str) -> None:
    assert {shlex.split(command)[0] for command in commands(page)} <= _KNOWN.get(page, set())
