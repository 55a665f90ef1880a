# SPDX-License-Identifier: Apache-2.0
"""SARIF against what others check it with: the published schema of 2.1.0, and Microsoft's own validator.

Both come from one npm package, kept in the cache directory. Where npm is missing or its registry cannot be
reached these tests are skipped; `sarif-used.schema.json`, the part of the format that preflight
writes, is held against every document in any case (test_formats.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from preflight import cachefiles
from preflight.render.console import Style
from preflight.render.registry import renderers
from tests.cli.run import preflight
from tests.gate.scenes import gate_result
from tests.render.test_hostile import MORE
from tools.record_corpus import recorded

PACKAGE = "@microsoft/sarif-multitool-linux@5.7.0"
#: SHA-256 of the schema in it: another one is another standard.
SCHEMA = "1c49a0f2b60444c71bb14878e21e0d882198eff4c539861b133093ad89ed798c"
FETCH_SECONDS = 120
#: What the validator asks for beyond the standard, and why it does not get it.
DECLINED = {
    "SARIF2005": "the project has no page of its own to name",
    "SARIF2017": "what concerns a whole object has no line to point at",
}


@pytest.fixture(scope="module")
def multitool() -> Path:
    """The package's folder: `sarif-2.1.0.json` and the program `Sarif.Multitool`."""
    kept = cachefiles.directory("tests") / PACKAGE.replace("/", "-")
    if not kept.is_dir():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("needs npm, which brings the published schema")
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            words = [npm, "pack", "--silent", PACKAGE]
            try:
                done = subprocess.run(
                    words, check=False, cwd=folder, capture_output=True, timeout=FETCH_SECONDS
                )
            except subprocess.TimeoutExpired:
                pytest.skip(f"npm did not bring {PACKAGE} within {FETCH_SECONDS} s")
            if done.returncode:
                pytest.skip(f"npm could not bring {PACKAGE}")
            with tarfile.open(Path(folder) / done.stdout.decode().split()[-1]) as tar:
                tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
            (Path(folder) / "package" / "Sarif.Multitool").chmod(0o755)
            if not kept.is_dir():
                (Path(folder) / "package").rename(kept)
    return kept


@pytest.fixture(scope="module")
def published(multitool: Path) -> jsonschema.Draft202012Validator:
    raw = (multitool / "sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(raw).hexdigest() == SCHEMA
    schema = json.loads(raw)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def gate_document(text: str) -> str:
    return renderers("gate")["sarif"](gate_result(text), Style())


@pytest.fixture(scope="module")
def log_document(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The refusals of the corpus that one kernel wrote."""
    folder = tmp_path_factory.mktemp("logs")
    files = []
    for number, row in enumerate(row for row in recorded("6.12") if row["log"].strip()):
        files.append(folder / f"{number:03}.log")
        files[-1].write_text(row["log"], encoding="utf-8")
    done = preflight("log", "--format", "sarif", *map(str, files))
    assert done.returncode == 1, done.stderr
    return done.stdout.decode()


@pytest.mark.parametrize("text", ["plain", *MORE, "x" * 9000])
def test_the_gate_is_valid(published: jsonschema.Draft202012Validator, text: str) -> None:
    published.validate(json.loads(gate_document(text)))


def test_decoded_logs_are_valid(published: jsonschema.Draft202012Validator, log_document: str) -> None:
    document = json.loads(log_document)
    assert len(document["runs"][0]["results"]) > 100
    published.validate(document)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"level": "error"', '"level": "fatal"'),
        ('"startLine": ', '"startLine": -'),
        ('"version": ', '"edition": '),
    ],
)
def test_the_published_schema_refuses_what_is_wrong(
    published: jsonschema.Draft202012Validator, log_document: str, old: str, new: str
) -> None:
    assert old in log_document
    assert not published.is_valid(json.loads(log_document.replace(old, new)))


@pytest.mark.parametrize("which", ["gate", "log"])
def test_the_published_validator_has_no_error(
    multitool: Path, tmp_path: Path, log_document: str, which: str
) -> None:
    """Its warnings are advice; those not taken are listed with the reason."""
    document, told = tmp_path / "preflight.sarif", tmp_path / "told.sarif"
    document.write_text(gate_document("plain") if which == "gate" else log_document, encoding="utf-8")
    # it is a .NET program and looks for a library of locales that hosts do not have
    env = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "HOME": str(tmp_path)}
    words = [str(multitool / "Sarif.Multitool"), "validate", str(document), "--output", str(told)]
    done = subprocess.run(words, env=env, capture_output=True, check=False, timeout=FETCH_SECONDS)
    assert done.returncode == 0, done.stdout.decode()
    results: list[dict[str, Any]] = json.loads(told.read_text(encoding="utf-8-sig"))["runs"][0]["results"]
    rules = {(one["ruleId"], one.get("level", "warning")) for one in results}
    assert {rule for rule, level in rules if level != "note"} <= set(DECLINED), rules
    assert not any(level == "error" for _, level in rules), rules
