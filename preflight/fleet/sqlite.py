# SPDX-License-Identifier: Apache-2.0
"""A fleet's result as an SQLite file, for those who query. docs/routes/sqlite.md describes the tables."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from preflight.errors import UsageError

#: Grows when a column is renamed or removed; kept as `PRAGMA user_version`.
VERSION = 1

#: Table -> its columns, each `name type`; the list of the result it comes from, and the members there.
TABLES: Mapping[str, tuple[str, Sequence[tuple[str, str, str]]]] = {
    "kernels": ("kernels", (
        ("kernel", "TEXT PRIMARY KEY", "kernel"), ("release", "TEXT", "release"), ("arch", "TEXT", "arch"),
        ("distribution", "TEXT", "distribution"), ("btf_sha256", "TEXT", "btf_sha256"),
        ("config_sha256", "TEXT", "config_sha256"), ("btf_from", "TEXT", "btf_from"),
        ("hosts", "INTEGER", "hosts"),
    )),
    "policies": ("policies", (
        ("policy", "TEXT PRIMARY KEY", "digest"), ("hosts", "INTEGER", "hosts"),
        ("settings", "TEXT", "values"),
    )),
    "groups": ("groups", (
        ("group_id", "INTEGER PRIMARY KEY", "group"), ("kernel", "TEXT", "kernel"),
        ("policy", "TEXT", "policy"), ("hosts", "INTEGER", "hosts"),
    )),
    "results": ("results", (
        ("object", "TEXT", "object"), ("sha256", "TEXT", "sha256"), ("group_id", "INTEGER", "group"),
        ("hosts", "INTEGER", "hosts"), ("state", "TEXT", "state"), ("evidence", "TEXT", "evidence"),
        ("causes", "TEXT", "causes"), ("reason", "TEXT", "reason"),
    )),
    "causes": ("causes", (
        ("id", "TEXT PRIMARY KEY", "id"), ("code", "TEXT", "code"), ("title", "TEXT", "title"),
        ("verdict", "TEXT", "verdict"), ("cause", "TEXT", "cause"), ("fix", "TEXT", "fix"),
        ("hosts", "INTEGER", "hosts"),
    )),
    "checks": ("checks", (
        ("code", "TEXT", "code"), ("subject", "TEXT", "subject"), ("verdict", "TEXT", "verdict"),
        ("severity", "TEXT", "severity"), ("title", "TEXT", "title"), ("hosts", "INTEGER", "hosts"),
    )),
    "skipped": ("skipped", (
        ("source", "TEXT", "source"), ("kind", "TEXT", "kind"), ("reason", "TEXT", "reason"),
    )),
}  # fmt: skip
_LABELS = ("label", "value", "hosts", "pass", "fail", "undecided", "not_tested")


def write(path: Path, result: Mapping[str, Any]) -> None:
    """Write the file whole or not at all, mode 0600. UsageError where it cannot be written."""
    if path.is_symlink():
        raise UsageError(f"{path} is a symbolic link; name the file itself")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    temporary = Path(name)
    try:
        database = sqlite3.connect(temporary)
        try:
            with database:
                _fill(database, result)
        finally:
            database.close()
        temporary.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise UsageError(f"cannot write {path}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _fill(database: sqlite3.Connection, result: Mapping[str, Any]) -> None:
    database.execute(f"PRAGMA user_version = {VERSION}")
    for table, (member, columns) in TABLES.items():
        shown = ", ".join(f'"{name}" {kind}' for name, kind, _ in columns)
        database.execute(f"CREATE TABLE {table} ({shown})")
        _insert(database, table, [[row[key] for _, _, key in columns] for row in result[member]])
    database.execute(f"CREATE TABLE labels ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in _LABELS)})")
    _insert(
        database,
        "labels",
        [
            [label["label"], one["value"], one["hosts"], *(one["hosts_by"][word] for word in _LABELS[3:])]
            for label in result["labels"]
            for one in label["values"]
        ],
    )
    database.execute("CREATE TABLE summary (key TEXT PRIMARY KEY, value TEXT)")
    rows = [[key, value] for key, value in sorted(result["summary"].items())]
    _insert(database, "summary", [["generated_at", result["generated_at"]], *rows])


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    given = [[_plain(cell) for cell in row] for row in rows]
    if given:
        marks = ", ".join("?" * len(given[0]))
        database.executemany(f"INSERT INTO {table} VALUES ({marks})", given)  # noqa: S608


def _plain(value: Any) -> Any:
    """Lists and objects as JSON; text that is no UTF-8 with escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value
