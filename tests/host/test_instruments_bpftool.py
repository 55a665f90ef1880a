# SPDX-License-Identifier: Apache-2.0
"""bpftool run with bounds and read with suspicion: a stand-in script plays every bad part."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.host import bpftool
from preflight.subprocesses import Finished, Tool, find_tool, run

ANSWER = {
    "program_types": {"have_xdp_prog_type": True, "have_lsm_prog_type": False},
    "map_types": {"have_ringbuf_map_type": True},
    "helpers": {
        "xdp_available_helpers": ["bpf_redirect", "bpf_map_lookup_elem"],
        "lsm_available_helpers": [],
    },
    "misc": {"have_bounded_loops": True},
}
VERSION = {"version": "7.1.0", "libbpf_version": "1.1"}


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a shell script in bpftool's place; `$3` is `probe` when it is asked for features."""

    def install(body: str) -> None:
        path = tmp_path / "bpftool"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        monkeypatch.setattr(bpftool, "find_tool", lambda _: Tool(str(path)))

    return install


def _prints(document: object) -> str:
    return f"cat <<'END'\n{json.dumps(document)}\nEND"


def test_claims_are_read(stand_in: Any) -> None:
    stand_in(f'if [ "$3" = probe ]; then {_prints(ANSWER)}\nelse {_prints(VERSION)}\nfi')
    found = bpftool.probe().value
    assert found is not None
    assert (found.version, found.libbpf) == ("7.1.0", "1.1")
    assert found.program_types == {"xdp": True, "lsm": False}
    assert found.map_types == {"ringbuf": True}
    assert found.helpers == {"xdp": ("redirect", "map_lookup_elem"), "lsm": ()}
    assert found.asked_types == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo 'Error: please run as root' >&2; exit 255", "ended with 255: Error: please run as root"),
        ("kill -9 $$", "ended with -9"),
        ("echo not json", "not a JSON object"),
        ("echo '[1, 2]'", "not a JSON object"),
        ("exit 0", "not a JSON object"),
        ("yes '[' | head -c 200000 | tr -d '\\n'", "not a JSON object"),
    ],
)
def test_a_bad_answer_is_unknown_with_its_reason(stand_in: Any, body: str, reason: str) -> None:
    stand_in(body)
    found = bpftool.probe()
    assert not found.is_known
    assert reason in (found.reason or "")


def test_an_endless_answer_is_cut(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpftool, "JSON_LIMIT", 1000)
    stand_in("yes")
    found = bpftool.probe()
    assert "more than 1000 bytes" in (found.reason or "")


def test_no_answer_in_time_is_unknown(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpftool, "TIMEOUT", 0.05)
    stand_in("exec sleep 30")
    assert "did not finish" in (bpftool.probe().reason or "")


def test_without_bpftool_the_fact_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpftool, "find_tool", lambda _: Tool(None, "no bpftool in /usr/sbin"))
    found = bpftool.probe()
    assert not found.is_known
    assert found.decided_by


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(JSON, st.dictionaries(st.sampled_from(["helpers", "program_types", "map_types", "misc", "x"]), JSON))
def test_any_json_is_read_without_an_error(version: Any, answers: dict[str, Any]) -> None:
    found = bpftool.read("/b", version, answers)
    assert all(isinstance(value, bool) for value in found.program_types.values())
    assert all(isinstance(name, str) for names in found.helpers.values() for name in names)


def test_names_and_lists_are_bounded() -> None:
    found = bpftool.read("/b", {"version": "v" * 10_000}, {"helpers": {"k" * 9999: ["n" * 9999] * 9999}})
    ((key, names),) = found.helpers.items()
    assert len(found.version) == len(key) == 128
    assert len(names) == 4096
    assert len(names[0]) <= 128


class TestProcesses:
    def test_output_and_exit_code_come_back(self) -> None:
        finished = run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"])
        assert (finished.stdout, finished.stderr, finished.exit_code) == (b"out\n", b"err\n", 3)
        assert not finished.ok

    def test_the_environment_is_small_and_fixed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRET", "canary")
        finished = run(["/usr/bin/env"], environment={"EXTRA": "1"})
        names = {line.partition("=")[0] for line in finished.stdout.decode().splitlines()}
        assert names == {"LC_ALL", "PATH", "EXTRA"}

    def test_it_runs_in_the_root_directory_without_input(self) -> None:
        assert run(["/bin/sh", "-c", "pwd; cat"]).stdout == b"/\n"

    def test_too_much_output_ends_the_process(self) -> None:
        finished = run(["/usr/bin/yes"], limit=100)
        assert finished.truncated
        assert len(finished.stdout) == 100
        assert not finished.ok

    def test_too_long_ends_the_process_and_its_children(self) -> None:
        finished = run(["/bin/sh", "-c", "sleep 30 & sleep 30"], timeout=0.05)
        assert finished.timed_out
        assert finished.exit_code is None

    def test_a_closed_output_does_not_outlast_the_time(self) -> None:
        finished = run(["/bin/sh", "-c", "exec >&- 2>&-; sleep 30"], timeout=0.2)
        assert finished.timed_out

    def test_what_does_not_start_is_an_answer(self) -> None:
        assert run(["/nonexistent/tool"]).error
        assert run(["/bin/sh", "nul\0byte"]).error

    def test_much_error_output_does_not_block(self) -> None:
        finished = run(["/bin/sh", "-c", "yes | head -c 300000 >&2"])
        assert finished.ok
        assert len(finished.stderr) <= 1 << 17


class TestFindingTools:
    def test_only_given_folders_are_searched(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tool = tmp_path / "bpftool"
        tool.write_text("")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert find_tool("bpftool", ("/nonexistent",)).path is None

    def test_a_file_that_is_not_executable_is_not_a_tool(self, tmp_path: Path) -> None:
        (tmp_path / "bpftool").write_text("")
        assert find_tool("bpftool", (str(tmp_path),)).path is None

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root refuses what others may write")
    def test_root_refuses_a_tool_that_everybody_may_write(self, tmp_path: Path) -> None:
        tool = tmp_path / "bpftool"
        tool.write_text("")
        tool.chmod(0o777)
        found = find_tool("bpftool", (str(tmp_path),))
        assert found.path is None
        assert "may be written by everybody" in found.reason

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root refuses what belongs to others")
    def test_root_refuses_a_tool_of_somebody_else(self, tmp_path: Path) -> None:
        tool = tmp_path / "bpftool"
        tool.write_text("")
        tool.chmod(0o755)
        os.chown(tool, 65534, 65534)
        found = find_tool("bpftool", (str(tmp_path),))
        assert found.path is None
        assert "does not belong to root" in found.reason


def test_finished_is_ok_only_when_whole() -> None:
    assert Finished(0).ok
    assert not Finished(0, truncated=True).ok
    assert not Finished(None, error="x").ok
