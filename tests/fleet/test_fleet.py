# SPDX-License-Identifier: Apache-2.0
"""`preflight fleet`: hosts counted, judged, reported; what cannot be read is named and costs nobody else."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from preflight.fleet.pieces import Pieces
from tests.fleet.conftest import Scene
from tests.fleet.hosts import KERNELS, write, write_lines


def by_host(passes: int = 0, fail: int = 0, undecided: int = 0, not_tested: int = 0) -> dict[str, int]:
    return {"pass": passes, "fail": fail, "undecided": undecided, "not_tested": not_tested}


def test_a_fleet_that_nothing_stops_ends_with_0(scene: Scene) -> None:
    scene.add("new")
    folder = write(scene.folder / "f", [scene.maker.document(number=n) for n in range(3)])
    ran = scene.run(folder, "--format", "json")
    assert ran.code == 0, ran.err
    assert ran.result["summary"]["hosts_by"] == by_host(passes=3)


def test_a_kernel_that_refuses_fails_its_hosts_and_no_others(scene: Scene) -> None:
    scene.add("new", "old")
    documents = [scene.maker.document("old" if n < 2 else "new", number=n) for n in range(5)]
    ran = scene.run(write(scene.folder / "f", documents), "--format", "json")
    assert ran.code == 1
    assert ran.result["summary"]["hosts_by"] == by_host(passes=3, fail=2)
    assert ran.result["causes"][0]["hosts"] == 2
    assert ran.result["causes"][0]["kernels"] == ["5.10.0-b"]


def test_a_policy_that_refuses_is_blocked_though_the_kernel_would_load_it(scene: Scene) -> None:
    scene.add("new")
    documents = [scene.maker.document(policy="shut" if n < 2 else "open", number=n) for n in range(5)]
    result = scene.result(write(scene.folder / "f", documents))
    assert result["summary"]["hosts_by"] == by_host(passes=3, fail=2)
    assert {one["state"] for one in result["cells"]} == {"fine"}
    assert sorted((one["state"], one["hosts"]) for one in result["results"]) == [("blocked", 2), ("fine", 3)]
    assert result["by_object"][0]["blocked"] == 2
    assert len(result["policies"]) == 2


def test_what_the_host_itself_refused_outweighs_a_prediction(scene: Scene) -> None:
    scene.add("new")
    result = scene.result(write(scene.folder / "f", [scene.maker.document(policy="without", number=1)]))
    assert result["results"][0]["state"] == "blocked"
    assert result["causes"][0]["code"] == "PH401"


def test_facts_that_were_not_collected_leave_a_host_undecided(scene: Scene) -> None:
    scene.add("new")
    ran = scene.run(write(scene.folder / "f", [scene.maker.document(policy="unasked", number=1)]))
    assert ran.code == 3


def test_without_any_btf_nothing_passes(scene: Scene) -> None:
    ran = scene.run(write(scene.folder / "f", [scene.maker.document(number=1)]), "--format", "json")
    assert ran.code == 3
    assert ran.result["summary"]["hosts_by"] == by_host(undecided=1)
    assert ran.result["kernels"][0]["btf_from"] == "nowhere"


def test_without_any_btf_what_the_host_refused_is_still_known(scene: Scene) -> None:
    ran = scene.run(write(scene.folder / "f", [scene.maker.document(policy="without", number=1)]))
    assert ran.code == 1


def test_one_facts_file_with_btf_serves_all_hosts_of_that_kernel(scene: Scene) -> None:
    documents = [scene.maker.document(number=n, with_btf=n == 2) for n in range(4)]
    result = scene.result(write(scene.folder / "f", documents))
    assert result["summary"]["hosts_by"] == by_host(passes=4)
    assert result["kernels"][0]["btf_from"] == "facts"


def test_one_release_with_two_btfs_is_two_kernels(scene: Scene) -> None:
    scene.add("new", "same")
    documents = [scene.maker.document("new" if n else "same", number=n) for n in range(3)]
    kernels = scene.result(write(scene.folder / "f", documents))["kernels"]
    assert sorted(one["hosts"] for one in kernels) == [1, 2]
    assert len({one["kernel"] for one in kernels}) == 2


def test_a_catalogue_entry_of_another_configuration_lends_its_btf_only(scene: Scene) -> None:
    scene.add("new")
    document = scene.maker.document(number=1)
    document["config"] = {"options": 1, "sha256": "0" * 64}
    (kernel,) = scene.result(write(scene.folder / "f", [document]))["kernels"]
    assert kernel["btf_from"] == "catalogue"
    assert kernel["known"]["config"] is False


BAD: dict[str, Any] = {
    "truncated": '{"schema": "preflight.facts/1", "kernel',
    "future": {"schema": "preflight.facts/2", "anything": [1]},
    "not-facts": {"schema": "something/1"},
    "malformed": "[" * 100_000 + "]" * 100_000,
}


@pytest.mark.parametrize("kind", list(BAD))
def test_a_bad_document_is_listed_and_the_rest_is_counted(scene: Scene, kind: str) -> None:
    scene.add("new")
    folder = write(scene.folder / "f", [BAD[kind], scene.maker.document(number=1)])
    ran = scene.run(folder, "--format", "json")
    result = ran.result
    assert ran.code == 3
    assert result["summary"]["hosts"] == 1
    assert [(one["source"], one["kind"]) for one in result["skipped"]] == [("00000.json", kind)]
    assert result["summary"]["skipped_by"][kind] == 1


DAMAGE: dict[str, Any] = {
    "kernel": {"btf_sha256": "x", "contents": {}},
    "config": {"sha256": 5},
    "labels": {"a": 1},
    "host_key": "\x1b[31m",
    "policy": [],
    "checks": [{"code": "PH1"}],
    "collected_at": 7,
}


@pytest.mark.parametrize("member", list(DAMAGE))
def test_a_damaged_member_makes_the_document_malformed(scene: Scene, member: str) -> None:
    scene.add("new")
    bad = {**scene.maker.document(number=1), member: DAMAGE[member]}
    folder = write(scene.folder / "f", [bad, scene.maker.document(number=2)])
    result = scene.result(folder, objects=False)
    assert [one["kind"] for one in result["skipped"]] == ["malformed"]
    assert result["summary"]["hosts"] == 1


def test_damaged_facts_leave_their_group_untested_and_never_fine(scene: Scene) -> None:
    scene.add("new")
    bad = {**scene.maker.document(number=1), "host": {"context": 5}, "checks": []}
    result = scene.result(write(scene.folder / "f", [bad, scene.maker.document(number=2)]))
    assert result["summary"]["hosts_by"] == by_host(passes=1, undecided=1)


def test_btf_that_is_not_what_its_digest_says_is_refused(scene: Scene) -> None:
    bad = scene.maker.document("old", number=1, with_btf=True)
    bad["kernel"] = {**bad["kernel"], "btf_sha256": KERNELS["new"].btf_sha256}
    folder = write(scene.folder / "f", [bad, scene.maker.document(number=2, with_btf=True)])
    result = scene.result(folder)
    assert [one["kind"] for one in result["skipped"]] == ["malformed"]
    assert result["summary"]["hosts_by"] == by_host(passes=1)


def test_the_newest_facts_of_a_named_host_count(scene: Scene) -> None:
    scene.add("new", "old")
    old = scene.maker.document("old", number=1, at="2026-01-01T00:00Z", labels={"zone": "a"})
    new = scene.maker.document("new", number=1, at="2026-02-01T00:00Z", labels={"zone": "b"})
    for number, documents in enumerate(([old, new], [new, old])):
        result = scene.result(write(scene.folder / f"f{number}", documents))
        assert result["summary"]["hosts_by"] == by_host(passes=1)
        assert [v["value"] for v in result["labels"][0]["values"]] == ["b"]
        assert result["summary"]["skipped_by"]["duplicate"] == 1


@pytest.mark.parametrize(("options", "hosts"), [([], 1), (["--count-identical"], 3)])
def test_identical_facts_without_a_name_are_one_host_unless_told(
    scene: Scene, options: list[str], hosts: int
) -> None:
    folder = write(scene.folder / "f", [scene.maker.document() for _ in range(3)])
    assert scene.result(folder, *options, objects=False)["summary"]["hosts"] == hosts


def test_a_file_named_twice_is_read_once(scene: Scene) -> None:
    folder = write(scene.folder / "f", [scene.maker.document()])
    result = scene.result(folder, folder / "00000.json", "--count-identical", objects=False)
    assert result["summary"]["hosts"] == 1


def test_nothing_usable_is_an_input_error(scene: Scene) -> None:
    ran = scene.run(write(scene.folder / "f", ["{"]))
    assert ran.code == 2
    assert "00000.json" in ran.err and ran.err.count("\n") == 1


def test_a_name_that_is_nothing_is_an_input_error(scene: Scene) -> None:
    assert scene.run(scene.folder / "absent").code == 2


def test_lines_files_and_folders_give_the_same(scene: Scene) -> None:
    scene.add("new", "old")
    documents = [scene.maker.document("old" if n % 3 else "new", number=n) for n in range(7)]
    folder = write(scene.folder / "f", documents)
    lines = write_lines(scene.folder / "all.jsonl", documents)
    pretty = scene.folder / "p"
    write(pretty, [json.dumps(one, indent=1) for one in documents])
    results = [scene.run(given, "--format", "json").out for given in (folder, lines, pretty)]
    assert results[0] == results[1] == results[2]


def test_the_order_of_hosts_does_not_change_a_byte(scene: Scene) -> None:
    scene.add("new", "old")
    documents = [
        scene.maker.document(
            "old" if n % 3 else "new", "shut" if n % 4 else "open", n, labels={"z": str(n % 2)}
        )
        for n in range(24)
    ]
    first = scene.run(write(scene.folder / "f", documents), "--format", "json").out
    random.Random(1).shuffle(documents)
    assert scene.run(write(scene.folder / "g", documents), "--format", "json").out == first


def test_only_keeps_hosts_with_the_label(scene: Scene) -> None:
    documents = [scene.maker.document(number=n, labels={"zone": "ab"[n % 2]}) for n in range(5)]
    folder = write(scene.folder / "f", documents)
    assert scene.result(folder, "--only", "zone=b", objects=False)["summary"]["hosts"] == 2


@pytest.mark.parametrize(("options", "code"), [(["--fail-on", "never"], 0), (["--fail-on", "required"], 1)])
def test_fail_on_decides_whether_failing_hosts_fail_the_run(
    scene: Scene, options: list[str], code: int
) -> None:
    scene.add("old")
    folder = write(scene.folder / "f", [scene.maker.document("old", number=1)])
    assert scene.run(folder, *options).code == code


def test_a_thousand_hosts_are_counted_to_the_host_in_every_format(scene: Scene) -> None:
    scene.add("new", "old")
    chosen = random.Random(7)
    kinds = [(chosen.choice(["new", "old"]), chosen.choice(["open", "shut"])) for _ in range(2000)]
    documents = (
        scene.maker.document(*kind, n, labels={"zone": "abc"[n % 3]}) for n, kind in enumerate(kinds)
    )
    lines = write_lines(scene.folder / "all.jsonl", documents)
    table = scene.folder / "fleet.csv"
    result = scene.run(lines, "--format", "json", "--format", f"csv={table}").result
    fine = sum(kind == ("new", "open") for kind in kinds)
    assert result["summary"]["hosts_by"] == by_host(passes=fine, fail=2000 - fine)
    zones = {one["value"]: one["hosts_by"]["pass"] for one in result["labels"][0]["values"]}
    for at, zone in enumerate("abc"):
        assert zones[zone] == sum(kind == ("new", "open") for kind in kinds[at::3])
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert sum(int(row["hosts"]) for row in rows if row["state"] == "fine") == fine


def test_no_format_names_a_host(scene: Scene) -> None:
    scene.add("new")
    document = {**scene.maker.document(number=1), "host_key": "canary-of-host"}
    document["labels"] = {"name": "canary-of-label"}
    folder = write(scene.folder / "f", [document])
    for form in ("json", "text", "csv", "markdown"):
        ran = scene.run(folder, "--format", form, "--name-label", "name", "-v")
        assert "canary-of" not in ran.out + ran.err, form


def test_an_interrupt_keeps_what_was_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from preflight.fleet import reading

    folder = write(scene.folder / "f", [scene.maker.document(number=n) for n in range(5)])
    parsed = reading._parsed
    calls: list[str] = []

    def stop(data: bytes, source: str, pieces: Pieces) -> Any:
        calls.append(source)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return parsed(data, source, pieces)

    monkeypatch.setattr(reading, "_parsed", stop)
    ran = scene.run(folder, "--format", "json", objects=False)
    assert ran.code == 130
    assert ran.result["summary"]["hosts"] == 2
    assert ran.result["summary"]["partial"] is True


def test_a_pipe_is_named_and_not_waited_for(scene: Scene) -> None:
    import os

    folder = write(scene.folder / "f", [scene.maker.document(number=1)])
    os.mkfifo(folder / "pipe.json")
    result = scene.result(folder, objects=False)
    assert [one["kind"] for one in result["skipped"]] == ["unreadable"]


def test_no_folder_is_left_behind(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(scene.folder / "tmp"))
    (scene.folder / "tmp").mkdir()
    scene.result(write(scene.folder / "f", [scene.maker.document(number=1, with_btf=True)]))
    assert list(Path(scene.folder / "tmp").iterdir()) == []
