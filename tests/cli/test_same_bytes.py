# SPDX-License-Identifier: Apache-2.0
"""What is typed twice, in another order, or not at all: files with equal bytes, orders, empty names."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from preflight.cli.main import run
from preflight.kernels.store import Store
from preflight.render.same_bytes import same_bytes
from tests.predict import scenes

COMMANDS = {
    "core": ("text", "json", "markdown"),
    "predict": ("text", "json", "jsonl", "csv", "markdown", "html"),
    "matrix": ("text", "json", "jsonl", "csv", "markdown", "html"),
}


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two objects, the first one twice, and a catalogue of two kernels."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = Store(tmp_path / "store")
    store.add(scenes.kernel(["pid"]), "one/5.9")
    store.add(scenes.kernel(["x"]), "one/5.10")
    for name, member in (("zebra.o", "pid"), ("apple.o", "pid"), ("other.o", "x")):
        (tmp_path / name).write_bytes(scenes.reader(member).data)
    return [str(tmp_path / name) for name in ("zebra.o", "other.o", "apple.o")]


def said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *words: str
) -> str:
    monkeypatch.setattr(sys, "argv", ["preflight", *words, "--store", str(tmp_path / "store")])
    run()
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("command", "form"), [(one, form) for one, forms in COMMANDS.items() for form in forms]
)
def test_every_form_names_both_of_two_files_that_are_equal(
    command: str,
    form: str,
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = said(capsys, monkeypatch, tmp_path, command, *words, "--kernel", "one/5.9", "--format", form)
    assert "apple.o" in shown.replace("\\", "")
    assert "zebra.o" in shown.replace("\\", "")


@pytest.mark.parametrize("command", ["core", "predict"])
def test_an_object_has_one_result_per_kernel_that_lists_its_other_names(
    command: str,
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = said(capsys, monkeypatch, tmp_path, command, *words, "--kernel", "one/*", "--format", "json")
    results = json.loads(shown)["results"]
    assert [(one["object"], one["aliases"], one["kernel"]) for one in results] == [
        (name, aliases, kernel)
        for kernel in ("one/5.9", "one/5.10")
        for name, aliases in (("apple.o", ["zebra.o"]), ("other.o", []))
    ]


@pytest.mark.parametrize("command", ["core", "predict", "matrix"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_order_of_what_is_typed_changes_nothing(
    command: str,
    form: str,
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernels = ["--kernel", "one/5.10", "--kernel", "one/5.9"]
    turned = ["--kernel", "one/5.9", "--kernel", "one/5.10"]
    one = said(capsys, monkeypatch, tmp_path, command, *words, *kernels, "--format", form)
    two = said(capsys, monkeypatch, tmp_path, command, *reversed(words), *turned, "--format", form)
    assert one == two


@pytest.mark.parametrize(
    "words",
    ["core", "predict", "matrix", "check", "tracers lint", "kernels add", "kernels diff host host --object"],
)
def test_an_empty_name_is_an_error_and_not_this_folder(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["preflight", *words.split(), ""])
    assert run() == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "an empty name is no" in err and len(err.splitlines()) == 1


class TestSameBytes:
    @staticmethod
    def of(count: int) -> list[dict[str, object]]:
        return [{"object": "a.o", "sha256": "0", "aliases": [f"{n}.o" for n in range(count)]}]

    def test_an_object_with_one_name_is_not_told(self) -> None:
        assert same_bytes(self.of(0)) == []

    def test_an_object_is_told_once_for_all_kernels(self) -> None:
        assert same_bytes(self.of(1) * 3) == ["0.o: the same bytes as a.o"]

    def test_of_many_names_some_are_told_unless_all_are_asked_for(self) -> None:
        assert "3 more" in same_bytes(self.of(15))[0]
        assert "14.o" in same_bytes(self.of(15), every=True)[0]

    def test_of_many_objects_some_are_told(self) -> None:
        many = [{"object": f"{n}.o", "sha256": str(n), "aliases": ["x.o"]} for n in range(20)]
        assert len(same_bytes(many)) == 9 and same_bytes(many)[-1] == "and 12 more (-v shows them)"
        assert len(same_bytes(many, every=True)) == 20
