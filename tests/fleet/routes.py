# SPDX-License-Identifier: Apache-2.0
"""The pages of docs/routes as data: their blocks, their commands, and a place to run those in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROUTES = Path(__file__).parents[2] / "docs" / "routes"
#: The command of the environment that runs the tests.
PREFLIGHT = Path(sys.executable).parent / "preflight"


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in this language."""
    text = (ROUTES / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[str]:
    """The commands of a page's shell blocks, one per entry; continued lines are joined."""
    joined = "".join(blocks(page, "sh")).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def pages() -> list[str]:
    """The pages, by file name."""
    return sorted(path.name for path in ROUTES.glob("*.md"))


def tables(page: str) -> Iterator[list[str]]:
    """The rows of a page's tables, as cells."""
    for line in (ROUTES / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


@dataclass
class Place:
    """A folder that stands for the file system of the pages: their folders are in it, under other names."""

    folder: Path
    paths: Sequence[str]

    def at(self, path: str) -> Path:
        """Where a folder of the pages is here."""
        return self.folder / path.strip("/").replace("/", "-")

    def text(self, command: str) -> str:
        """The command with the pages' absolute paths moved into this place."""
        for path in self.paths:
            command = command.replace(path, f"{self.at(path)}/")
        return command

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of a page here, by the shell, with this environment's preflight first on PATH."""
        path = f"{PREFLIGHT.parent}:{os.environ.get('PATH', '')}"
        environment = {**os.environ, "PATH": path, "XDG_CACHE_HOME": str(self.folder / "cache")}
        return subprocess.run(
            ["sh", "-c", self.text(command)],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


#: Where the pages have the agent's object.
AGENT = "/usr/lib/agent/"


def place(folder: Path, data: bytes, *paths: str) -> Place:
    """A place with the agent's object and these folders of the pages; they end in a slash."""
    made = Place(folder, (AGENT, *paths))
    for path in made.paths:
        made.at(path).mkdir(parents=True)
    (made.at(AGENT) / "agent.bpf.o").write_bytes(data)
    return made
