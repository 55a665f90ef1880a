# SPDX-License-Identifier: Apache-2.0
"""Everything at once: two thousand hosts made of real facts and real kernels' BTF, and the host of the tests.

What is expected is worked out host by host in this file: from the matrix of the kernels, and from what each
profile of the generator lets through. Nothing of how fleets are counted is used for it.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from preflight.kernels.model import Kernel
from preflight.kernels.store import Store
from preflight.render.contract import model_of
from tests.cli.run import preflight
from tests.fleet.generator import Maker, variants
from tests.fleet.hosts import write_lines
from tests.fleet.test_script import interpreters
from tests.render import chromium

HOSTS = 2_000
OBJECTS = ("tracers:execs", "tracers:tcpconnect", "tracers:vfslat")

_FIXTURES = Path(__file__).parents[2] / "fixtures" / "btf"
_WORDS = ("pass", "fail", "undecided", "not_tested")
_WORST = ("fail", "undecided", "pass")
_TABLE = """
[...document.querySelectorAll("#{} tbody tr")].map((row) => [...row.cells].map((cell) => cell.innerText))
"""


class One(NamedTuple):
    """A host as it was made."""

    kernel: str
    profile: str
    zone: str


class World(NamedTuple):
    """A catalogue, what the matrix says of it by (kernel, object), and who lives there before and after."""

    folder: Path
    store: Path
    kernels: dict[str, Kernel]
    matrix: dict[tuple[str, str], str]
    before: dict[int, One]
    after: dict[int, One]
    files: tuple[Path, Path]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two thousand hosts and a rollout that some of them took part in."""
    folder = tmp_path_factory.mktemp("fleet")
    kernels = {one.name: one for one in variants(Store(_FIXTURES), 5, folder / "store")}
    chosen, names = random.Random(11), sorted(kernels)
    profiles = ["open"] * 14 + ["locked"] * 3 + ["unprivileged"] * 2 + ["bare"]
    before = {
        number: One(chosen.choice(names), chosen.choice(profiles), f"zone-{number % 3}")
        for number in range(HOSTS)
    }
    after = {}
    for number, one in before.items():
        if number >= 30:  # the first thirty are gone
            kernel = chosen.choice(names) if chosen.random() < 0.6 else one.kernel
            profile = chosen.choice(profiles) if chosen.random() < 0.1 else one.profile
            after[number] = One(kernel, profile, one.zone)
    after.update({HOSTS + n: One(chosen.choice(names), "open", "zone-0") for n in range(40)})
    maker = Maker()

    def documents(hosts: Mapping[int, One]) -> Iterable[dict[str, Any]]:
        for number, one in hosts.items():
            yield maker.document(kernels[one.kernel], one.profile, number, {"zone": one.zone})

    files = (
        write_lines(folder / "before.jsonl", documents(before)),
        write_lines(folder / "after.jsonl", documents(after)),
    )
    done = preflight(
        "matrix", *OBJECTS, "--kernel", "fleet/*", "--store", str(folder / "store"), "--format", "json"
    )
    cells = {
        (str(cell["kernel"]), str(cell["object"])): str(cell["state"])
        for cell in json.loads(done.stdout)["results"]
    }
    return World(folder, folder / "store", kernels, cells, before, after, files)


def outcome(world: World, host: One, name: str) -> str:
    """What one object comes to on one host, from the matrix and from what the profile lets through."""
    state = world.matrix[host.kernel, name]
    if state in ("fails", "attach-fails") or host.profile == "unprivileged":
        return "fail"
    if state != "fine" or host.profile == "bare":
        return "undecided"
    return "pass"


def objects_of(world: World) -> list[str]:
    return sorted({name for _, name in world.matrix})


def fleet(world: World, *words: str | Path) -> dict[str, Any]:
    asked = [word for one in OBJECTS for word in ("--object", one)]
    done = preflight(
        "fleet", *map(str, words), *asked, "--store", str(world.store), "--format", "json", timeout=300
    )
    assert done.returncode in (0, 1, 3), done.stderr.decode()
    loaded: dict[str, Any] = json.loads(done.stdout)
    model_of(loaded["command"]).model_validate(loaded)
    return loaded


def counted(words: Iterable[str]) -> dict[str, int]:
    given = Counter(words)
    return {word: given[word] for word in _WORDS}


def worst(words: Iterable[str]) -> str:
    return min(words, key=_WORST.index)


def test_every_outcome_is_there(world: World) -> None:
    """The oracle would be worth little if all kernels and profiles came to the same."""
    assert {"fine", "fails", "attach-fails"} & set(world.matrix.values()) >= {"fine"}
    assert len(set(world.matrix.values())) > 1
    assert {outcome(world, host, name) for host in world.before.values() for name in objects_of(world)} == {
        "pass", "fail", "undecided",
    }  # fmt: skip


@pytest.fixture(scope="module")
def report(world: World) -> tuple[dict[str, Any], Path]:
    """The report on the hosts before the rollout, and its page."""
    page = world.folder / "fleet.html"
    return fleet(world, world.files[0], "--format", f"html={page}"), page


def test_the_report_is_right_to_the_host(world: World, report: tuple[dict[str, Any], Path]) -> None:
    result, _ = report
    names = objects_of(world)
    by_host = {
        number: [outcome(world, host, name) for name in names] for number, host in world.before.items()
    }
    assert result["summary"]["hosts"] == HOSTS
    assert result["summary"]["hosts_by"] == counted(map(worst, by_host.values()))
    assert {one["object"]: one["hosts"] for one in result["by_object"]} == {
        name: counted(words[at] for words in by_host.values()) for at, name in enumerate(names)
    }
    zones = {one["value"]: one["hosts_by"] for one in result["labels"][0]["values"]}
    assert zones == {
        zone: counted(worst(by_host[n]) for n, host in world.before.items() if host.zone == zone)
        for zone in ("zone-0", "zone-1", "zone-2")
    }
    digests = Counter(world.kernels[host.kernel].btf_sha256 for host in world.before.values())
    assert Counter({one["btf_sha256"]: one["hosts"] for one in result["kernels"]}) == digests
    assert len(result["kernels"]) == len(world.kernels)
    assert len(result["policies"]) == 3, "open and bare hosts have one policy"


def test_a_label_leads_down_to_the_same_hosts(world: World, report: tuple[dict[str, Any], Path]) -> None:
    result, _ = report
    for value in result["labels"][0]["values"]:
        hosts = [host for host in world.before.values() if host.zone == value["value"]]
        failing = Counter(
            name for host in hosts for name in objects_of(world) if outcome(world, host, name) == "fail"
        )
        assert {one["object"]: one["hosts"] for one in value["objects"]} == dict(failing)
        releases = {one["kernel"]: one["btf_sha256"] for one in result["kernels"]}
        assert Counter({releases[one["kernel"]]: one["hosts"] for one in value["kernels"]}) == Counter(
            world.kernels[host.kernel].btf_sha256 for host in hosts
        )


def test_what_follows_from_a_refused_type_is_no_cause_of_its_own(report: tuple[dict[str, Any], Path]) -> None:
    result, _ = report
    codes = {one["code"] for one in result["causes"]}
    assert "PH401" in codes and "PH601" not in codes


def test_the_numbers_on_the_page_are_those_of_the_json(
    report: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    program = chromium.executable()
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium); the page is tested in one")
    result, page = report
    browser = chromium.Browser(program, tmp_path / "profile")
    try:
        tab = chromium.Tab(browser)
        tab.open(page.as_uri())
        first = [int(tab.js(f"document.getElementById('hosts-{w}').innerText")) for w in _WORDS]
        names = ("by-object", "by-kernel", "by-policy", "by-label-1")
        shown = {name: tab.js(_TABLE.format(name)) for name in names}
    finally:
        browser.close()
    assert first == [result["summary"]["hosts_by"][word] for word in _WORDS]
    assert [[row[0], *map(int, row[1:])] for row in shown["by-object"]] == [
        [one["object"], *(one["hosts"][word] for word in _WORDS), one["blocked"]]
        for one in result["by_object"]
    ]
    assert [(row[0], int(row[1])) for row in shown["by-kernel"]] == [
        (one["kernel"], one["hosts"]) for one in result["kernels"]
    ]
    assert [[row[0], *map(int, row[1:6])] for row in shown["by-policy"]] == [
        [one["digest"], one["hosts"], *(one["hosts_by"][word] for word in _WORDS)]
        for one in result["policies"]
    ]
    assert [[row[0].splitlines()[0].strip(), *map(int, row[1:])] for row in shown["by-label-1"]] == [
        [one["value"], one["hosts"], *(one["hosts_by"][word] for word in _WORDS)]
        for one in result["labels"][0]["values"]
    ]


def way(before: str, after: str) -> str:
    """Which way one object went on one host."""
    if before == after:
        return "same"
    if after == "undecided":
        return "undecided"
    return "better" if after == "pass" else "worse"


def test_a_rollout_is_right_to_the_host(world: World) -> None:
    result = fleet(world, "--diff", *world.files)
    summary, names = result["summary"], objects_of(world)
    ways: dict[int, list[str]] = {}
    moves: Counter[tuple[str, str]] = Counter()
    for number in world.before.keys() & world.after.keys():
        old, new = world.before[number], world.after[number]
        ways[number] = [way(outcome(world, old, name), outcome(world, new, name)) for name in names]
        moves[old.kernel, new.kernel] += 1
    hosts = Counter(
        next((word for word in ("worse", "undecided", "better") if word in found), "same")
        for found in ways.values()
    )
    assert (summary["followed"], summary["gone"], summary["new"]) == (len(ways), 30, 40)
    assert {word: summary[word] for word in ("worse", "better", "undecided", "same")} == {
        word: hosts[word] for word in ("worse", "better", "undecided", "same")
    }
    assert hosts["worse"] and hosts["better"] and hosts["undecided"], "the rollout does all of these"
    rows = {row["object"]: row for row in result["results"]}
    for at, name in enumerate(names):
        gone = Counter(found[at] for found in ways.values())
        assert {word: rows[name][word] for word in ("worse", "better", "undecided", "same")} == {
            word: gone[word] for word in ("worse", "better", "undecided", "same")
        }
        for side, there in (("before", world.before), ("after", world.after)):
            assert rows[name][side] == counted(outcome(world, host, name) for host in there.values())
    assert sorted(one["hosts"] for one in result["moves"]) == sorted(moves.values())


def test_facts_of_this_host_by_both_collectors_are_hosts_among_them(world: World) -> None:
    """Collected just now; the script runs on another Python where there is one."""
    own = world.folder / "own.json"
    script, other = world.folder / "collect_facts.py", world.folder / "other.json"
    assert preflight("collect", "-o", str(own), "--label", "zone=here").returncode == 0
    assert preflight("collect", "--emit-script", "-o", str(script)).returncode == 0
    python = [*interpreters(), sys.executable][0]
    words = [python, "-I", "-S", str(script), "-o", str(other), "--label", "zone=here"]
    subprocess.run(words, check=True, timeout=120)
    result = fleet(world, world.files[0], own, other, "--count-identical")
    assert (result["summary"]["hosts"], result["summary"]["skipped"]) == (HOSTS + 2, 0)
    zones = {one["value"]: one for one in result["labels"][0]["values"]}
    assert zones["here"]["hosts"] == 2
    (kernel,) = zones["here"]["kernels"]
    assert kernel["hosts"] == 2, "both are of one kernel"
    groups = {one["group"]: one for one in result["groups"] if one["kernel"] == kernel["kernel"]}
    states: dict[str, set[str]] = {}
    for one in result["results"]:
        if one["group"] in groups:
            states.setdefault(one["object"], set()).add(one["state"])
    assert all(len(found) == 1 for found in states.values()), "both say the same of every object"
