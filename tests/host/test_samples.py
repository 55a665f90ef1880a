# SPDX-License-Identifier: Apache-2.0
"""The installed samples: which there are, what is remembered of them, and when it is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from preflight import cachefiles
from preflight.host import samples as samples_module
from preflight.host.facts import HostFacts
from preflight.host.samples import Rows, Samples, commands
from preflight.host.system import System
from preflight.objects import sources
from tests.elfwriter import ElfWriter, exit_, mov
from tests.host import areas_builder as areas
from tests.host.surface_builder import surface_facts

HOST = areas.host(surfaces=surface_facts())
#: A system that shows nothing.
NOWHERE = System(Path("/nonexistent"), release="6.1.0")


def object_for(section: str) -> bytes:
    writer = ElfWriter()
    writer.code(section, [mov(0, 0), exit_()], functions=["entry"])
    writer.license()
    return writer.bytes()


def install(root: Path, **tools: bytes) -> Path:
    """A root in which dpkg lists the tools as commands of libbpf-tools."""
    folder = root / "usr/sbin"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tools.items():
        (folder / name).write_bytes(content)
    listing = root / "var/lib/dpkg/info/libbpf-tools.list"
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text("".join(f"/usr/sbin/{name}\n" for name in tools), encoding="utf-8")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return install(
        tmp_path / "root",
        first=object_for("kprobe/do_exit"),
        second=object_for("tracepoint/sched/sched_switch"),
        twin=object_for("kprobe/do_exit"),
        broken=b"\x7fELF nothing more",
    )


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def judged(root: Path, cache: Path, host: HostFacts = HOST) -> list[dict[str, Any]]:
    return Samples(root, directory=cache).rows(host, None, NOWHERE).objects


def forbid_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "open_objects", lambda path: pytest.fail(f"opened {path}"))


def test_links_are_no_commands_of_their_own(root: Path) -> None:
    (root / "usr/sbin/second").unlink()
    (root / "usr/sbin/second").symlink_to("first")
    assert [path.name for path in commands(root)] == ["broken", "first", "twin"]


def test_each_object_is_judged_once_and_broken_ones_are_left_out(root: Path, cache: Path) -> None:
    assert [row["object"] for row in judged(root, cache)] == ["first", "second"]


def test_what_samples_attach_to_is_looked_up(root: Path, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "host/proc").mkdir(parents=True)
    (tmp_path / "host/proc/kallsyms").write_text("0000 T do_fork\n")
    system = System(tmp_path / "host", release="6.1.0")
    first, second = Samples(root, directory=cache).rows(HOST, None, system).objects
    assert "PH703[do_exit]" in first["blocking"] + first["undecided"]
    assert "PH705[sched/sched_switch]" in second["blocking"] + second["undecided"]


def test_a_second_run_opens_nothing_and_says_the_same(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = judged(root, cache)
    forbid_opening(monkeypatch)
    assert judged(root, cache) == first


def test_without_a_cache_nothing_is_kept(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    Samples(root, cache=False).rows(HOST, None, NOWHERE)
    assert not cache.exists()


def test_a_changed_file_is_read_again(root: Path, cache: Path) -> None:
    judged(root, cache)
    (root / "usr/sbin/first").write_bytes(object_for("kprobe/do_fork"))
    assert [row["object"] for row in judged(root, cache)] == ["first", "second", "twin"]


def test_a_changed_fact_is_judged_again(root: Path, cache: Path) -> None:
    known = judged(root, cache)
    other = judged(root, cache, areas.host(surfaces=None))
    assert [row["undecided"] for row in other] != [row["undecided"] for row in known]
    assert judged(root, cache) == known


def test_a_changed_preflight_is_another_question(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(root, cache)
    monkeypatch.setattr(cachefiles, "own_identity", lambda: "another")
    forbid_opening(monkeypatch)
    with pytest.raises(pytest.fail.Exception, match="opened"):
        judged(root, cache)


def test_what_the_instruments_did_is_no_reason_to_judge_again(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    known = judged(root, cache)
    forbid_opening(monkeypatch)
    assert judged(root, cache, replace(HOST, instruments=None, resources=None)) == known


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[" * 100_000,
        b"[]",
        b'{"of": 1}',
    ],
)
def test_a_damaged_cache_is_as_good_as_none(root: Path, cache: Path, content: bytes) -> None:
    known = judged(root, cache)
    (cache / "samples.json").write_bytes(content)
    assert judged(root, cache) == known


def test_a_changed_byte_is_noticed(root: Path, cache: Path) -> None:
    known = judged(root, cache)
    path = cache / "samples.json"
    path.write_bytes(path.read_bytes().replace(b"not-ready", b"ready"))
    path.write_bytes(path.read_bytes().replace(b"undecided", b"decided"))
    assert judged(root, cache) == known


def test_hosts_asked_about_long_ago_are_forgotten(root: Path, cache: Path) -> None:
    from dataclasses import replace

    for number in range(12):
        judged(root, cache, replace(HOST, failures={"maps": str(number)}))
    assert len(cachefiles.read_json(cache / "samples.json", 1 << 20)["rows"]) == 8


def test_no_package_no_samples(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "empty", directory=tmp_path / "cache")
    assert samples.rows(HOST, None) == Rows([], [])
    assert not (tmp_path / "cache").exists()
    assert samples_module.commands(tmp_path / "empty") == []
