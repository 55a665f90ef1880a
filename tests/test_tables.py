# SPDX-License-Identifier: Apache-2.0
"""Preflight's own tables: the same with and without what was remembered."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preflight import tables
from tools.name_lists import name_lists

ROOT = Path(__file__).parent.parent / "preflight"
FILES = sorted(ROOT.rglob("*.toml"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/preflight/tables"


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(ROOT)) for p in FILES])
def test_every_table_is_the_same_when_remembered(path: Path) -> None:
    parsed = tomllib.loads(path.read_text(encoding="utf-8"))
    assert tables.load(path) == parsed
    assert tables.load(path) == parsed


_LINES = (
    "", "# said", "[A-1]", "[b_2]", "[a.b]", "[[a]]", "[A-1] # said", 'a = "x"', "a = 'x'", 'b = "\\n\\"x"',
    'c = "\\u00e9"', 'c = "\\/"', "d = 1", "d = 01", "d = 1_0", "d = -1", "d = 1.5", "d = 2024-01-01",
    "e = true", "e = True", "f = []", 'f = ["x", "y"]', 'f = ["x", 1]', "f = [null]", "f = [", '  "x",',
    '  "y"', '  "z", # said', ",", "]", 'g = """one', "two", 'three"""', 'g = """', '"""', 'g = """\\',
    ' two"""', 'g = """x""" # said', "h.i = 1", '"j" = 1', "k=1", "k =  1", "l = nan", "l = inf",
    "m = {x = 1}", 'n = "tab\there"', 'n = "\x01"',
)  # fmt: skip


@given(st.lists(st.sampled_from(_LINES), max_size=8))
@example(["f = [", ",", "]"])
@example(["f = [", "]"])
@settings(max_examples=400)
def test_what_is_read_line_by_line_is_what_toml_says(lines: list[str]) -> None:
    text = "\n".join([*lines, ""])
    found = tables.plain(text)
    if found is not None:
        assert tomllib.loads(text) == found


@pytest.mark.parametrize("name", ["findings/codes/pc.toml", "predict/data/open_targets.toml"])
def test_what_relocations_are_judged_by_needs_no_parser(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert tables.plain(text) == tomllib.loads(text)


def test_it_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.toml"
    path.write_text("a = 1\n")
    tables.load(path)
    monkeypatch.setattr(tables, "_parsed", lambda text: pytest.fail("parsed again"))
    assert tables.load(path) == {"a": 1}


def test_a_changed_table_is_parsed_again(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text("a = 1\n")
    tables.load(path)
    path.write_text("a = 2\n")
    assert tables.load(path) == {"a": 2}


@pytest.mark.parametrize("content", [b"", b"not json", b"[]"])
def test_a_damaged_copy_is_replaced(tmp_path: Path, cache: Path, content: bytes) -> None:
    path = tmp_path / "t.toml"
    path.write_text("a = 1\n")
    tables.load(path)
    (kept,) = cache.iterdir()
    good = kept.read_bytes()
    kept.write_bytes(content)
    assert tables.load(path) == {"a": 1}
    assert kept.read_bytes() == good


def test_a_folder_is_the_same_when_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.toml").write_text(f"x = '{name}'\n")
    first = tables.load_folder(tmp_path)
    monkeypatch.setattr(tables, "_parsed", lambda text: pytest.fail("parsed again"))
    assert tables.load_folder(tmp_path) == first == {"a.toml": {"x": "a"}, "b.toml": {"x": "b"}}
    assert list(first) == ["a.toml", "b.toml"]


def test_a_changed_new_or_removed_file_changes_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "codes"
    folder.mkdir()
    (folder / "a.toml").write_text("x = 1\n")
    tables.load_folder(folder)
    (folder / "b.toml").write_text("y = 1\n")
    assert set(tables.load_folder(folder)) == {"a.toml", "b.toml"}
    (folder / "a.toml").write_text("x = 2\n")
    assert tables.load_folder(folder)["a.toml"] == {"x": 2}
    (folder / "a.toml").unlink()
    assert set(tables.load_folder(folder)) == {"b.toml"}


@pytest.mark.parametrize("name", ["event_classes", "syscall_arguments"])
def test_made_lists_of_names_are_in_the_form_their_tool_gives_them(name: str) -> None:
    text = (ROOT / "predict" / "data" / f"{name}.toml").read_text(encoding="utf-8")
    assert text.endswith("\n\n" + name_lists(tomllib.loads(text)))
    assert max(map(len, text.splitlines())) <= 110
