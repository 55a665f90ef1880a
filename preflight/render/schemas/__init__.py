# SPDX-License-Identifier: Apache-2.0
"""JSON Schemas of the results, one file per command; enumerations in them are open on purpose."""

from __future__ import annotations

from importlib import resources


def names() -> list[str]:
    """Commands that have a schema."""
    folder = resources.files(__name__)
    return sorted(p.name.removesuffix(".json") for p in folder.iterdir() if p.name.endswith(".json"))


def read(command: str) -> str:
    """The schema of a command as JSON text."""
    return (resources.files(__name__) / f"{command}.json").read_text(encoding="utf-8")
