# SPDX-License-Identifier: Apache-2.0
"""The pages of docs/routes as a whole. What each one says is held to by its own test_routes_*.py."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from tests.cli.run import preflight
from tests.fleet.routes import ROUTES, commands, pages

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
    return [GUIDE, *sorted(path for path in ROUTES.rglob("*") if path.is_file())]


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


@pytest.mark.parametrize("page", pages())
def test_no_page_has_a_command_that_its_test_does_not_know(page: str) -> None:
    assert {shlex.split(command)[0] for command in commands(page)} <= _KNOWN.get(page, set())
