# SPDX-License-Identifier: Apache-2.0
"""`preflight check` on the running host: contract, exit codes, privilege, privacy, hostile objects."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from preflight.render.contract.check import CheckResult
from tests.cli.hostile import HOSTILE, hostile_object
from tests.cli.run import preflight, result_of
from tests.elfwriter import ElfWriter, exit_, helper, mov
from tests.host.live import needs_loads

pytestmark = pytest.mark.kernel

FORMATS = ("text", "json", "markdown", "html")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
needs_unshare = pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare(1) is not installed")


@cache
def host() -> dict[str, Any]:
    """One plain run without objects."""
    return result_of("check", "--no-samples")


def verdicts(result: dict[str, Any]) -> dict[str, str]:
    return {
        f"{r['code']}[{r['subject']}]" if r["subject"] else r["code"]: r["verdict"] for r in result["results"]
    }


def write_object(path: Path, program: str = "ok", section: str = "socket") -> Path:
    """A two-instruction object of our own."""
    writer = ElfWriter()
    writer.code(section, [mov(0, 0), exit_()], functions=[program])
    writer.license()
    path.write_bytes(writer.bytes())
    return path


def test_the_result_keeps_the_contract() -> None:
    CheckResult.model_validate(host())


#: Commands, capabilities, mounts and options that decide what stayed open.
DECIDES = re.compile(
    r"to decide: |CAP_|\b(as root|mount|install|readable|modprobe)\b|--kernel-config|--btf-dir|bpftool "
)


def assert_unknowns_say_what_decides_them(result: dict[str, Any]) -> None:
    for record in result["results"]:
        if record["verdict"] == "unknown":
            what = f"{record['code']}[{record['subject']}]"
            assert record["cause"], what
            assert DECIDES.search(record["fix"]), f"{what}: {record['fix']}"


def test_every_unknown_says_what_would_decide_it() -> None:
    assert_unknowns_say_what_decides_them(host())


def test_every_finding_has_evidence_and_a_title() -> None:
    for record in host()["results"]:
        assert record["title"], record["code"]
        assert record["evidence"], f"{record['code']}[{record['subject']}]"


@needs_loads
def test_the_run_leaves_the_machine_as_it_was() -> None:
    assert verdicts(host())["PH903"] == "ok"


def test_exit_code_and_its_reason_agree_with_the_result() -> None:
    done = preflight("check", "--no-samples", "--format", "json")
    result = json.loads(done.stdout)
    assert done.returncode == result["summary"]["exit_code"]
    if done.returncode:
        assert done.stderr.decode().splitlines()[-1].startswith(f"exit {done.returncode}: ")


def test_exit_zero_is_for_reports() -> None:
    assert preflight("check", "--no-samples", "--exit-zero", "--select", "PH0").returncode == 0


def test_select_and_ignore_choose_codes() -> None:
    only = result_of("check", "--no-samples", "--select", "PH7")
    assert {r["code"][:3] for r in only["results"]} == {"PH7"}
    without = result_of("check", "--no-samples", "--ignore", "PH7=not this week")
    assert not any(r["code"].startswith("PH7") for r in without["results"])
    assert without["summary"]["ignored"] > 0
    assert without["ignored"] == {"PH7": "not this week"}


def test_a_run_that_asks_nothing_required_does_not_call_the_host_ready() -> None:
    only = result_of("check", "--no-samples", "--select", "PH001")
    assert only["summary"]["verdict"] == "not-asked"
    assert "left out by request" in only["summary"]["sentence"]


def test_nothing_left_to_report_is_a_usage_error() -> None:
    done = preflight("check", "--no-samples", "--select", "PH0", "--ignore", "PH0=not this week")
    assert done.returncode == 2
    assert b"nothing to report" in done.stderr


@needs_loads
def test_an_object_makes_what_it_needs_required_and_says_why(tmp_path: Path) -> None:
    result = result_of("check", str(write_object(tmp_path / "mine.bpf.o")))
    (needed,) = [r for r in result["results"] if r["code"] == "PH401" and r["subject"] == "socket_filter"]
    assert needed["severity"] == "required"
    assert any("mine.bpf.o" in who for who in needed["needed_by"])
    assert result["objects"][0]["verdict"] == "ready"


@needs_loads
def test_a_helper_no_kernel_has_stops_the_object(tmp_path: Path) -> None:
    writer = ElfWriter()
    writer.code("socket", [helper(9999), mov(0, 0), exit_()], functions=["odd"])
    writer.license()
    path = tmp_path / "odd.bpf.o"
    path.write_bytes(writer.bytes())
    done = preflight("check", str(path), "--format", "json")
    result = json.loads(done.stdout)
    assert result["objects"][0]["verdict"] == "not-ready"
    assert done.returncode == 1


def test_named_objects_come_with_their_facts(tmp_path: Path) -> None:
    path = tmp_path / "mine.bpf.o"
    path.write_bytes(hostile_object("plain"))
    result = result_of("check", str(path))
    CheckResult.model_validate(result)
    (item,) = result["objects"]
    facts = item["facts"]
    assert [(p["name"], p["section"], p["program_type"]) for p in facts["programs"]] == [
        ("plainp", "kprobe/plain", "kprobe")
    ]
    assert [m["name"] for m in facts["maps"]] == ["plain"]
    assert sorted(e["name"] for e in facts["externs"]) == ["CONFIG_plain", "plaink"]
    assert facts["programs"][0]["uses"]["helpers"][0]["source"]["file"] == "plain.c"


def test_the_wrong_byte_order_stops_the_object(tmp_path: Path) -> None:
    writer = ElfWriter("big" if sys.byteorder == "little" else "little")
    writer.code("socket", [mov(0, 0), exit_()], functions=["swapped"])
    writer.license()
    path = tmp_path / "swapped.bpf.o"
    path.write_bytes(writer.bytes())
    result = result_of("check", str(path))
    assert "PH002[byte-order]" in result["objects"][0]["blocking"]


@pytest.fixture(scope="module", params=[HOSTILE, "n" * 65536], ids=["hostile", "64k"])
def hostile_pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One run over an object that is hostile in every place, in all formats."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "hostile.bpf.o"
    path.write_bytes(hostile_object(request.param))
    wanted = [word for form in FORMATS for word in ("--format", f"{form}={folder / form}")]
    done = preflight("check", str(path), "-v", *wanted)
    assert done.returncode == 1, done.stderr
    assert not done.stdout
    return {form: (folder / form).read_bytes().decode() for form in FORMATS}


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_objects_are_harmless_in_every_format(form: str, hostile_pages: dict[str, str]) -> None:
    page = hostile_pages[form]
    bad = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert {c for c in page if unicodedata.category(c) in bad} <= {"\n"}
    assert not any(line.lstrip().startswith("::") for line in page.split("\n"))
    assert "7f3a" not in page
    if form != "text":
        assert "<script>alert" not in page
        assert "</script><" not in page
        assert page.count("<b>") <= len(("required", "failing", "undecided", "not tested"))


def test_hostile_json_holds_the_exact_names(hostile_pages: dict[str, str]) -> None:
    (item,) = json.loads(hostile_pages["json"])["objects"]
    (program,) = item["facts"]["programs"]
    assert program["name"][:80] in (HOSTILE[:80], "n" * 80)


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_long_names_do_not_flood_a_page(form: str, hostile_pages: dict[str, str]) -> None:
    assert max(map(len, hostile_pages[form].split("\n"))) < 5000


@pytest.mark.parametrize("form", FORMATS)
@needs_root
@needs_unshare
def test_no_identity_in_any_format(form: str, tmp_path: Path) -> None:
    home = tmp_path / "canary-home-7f3a"
    home.mkdir()
    path = home / "mine.bpf.o"
    path.write_bytes(hostile_object("plain", prefix="raw_tp/", folder=f"{home}/"))
    script = 'echo canary-host-7f3a > /proc/sys/kernel/hostname; exec "$@"'
    done = preflight(
        "check",
        str(path),
        "--format",
        form,
        "-v",
        before=["unshare", "-u", "sh", "-c", script, "sh"],
        env={
            "HOME": str(home),
            "USER": "canary-user-7f3a",
            "LOGNAME": "canary-user-7f3a",
            "CANARY": "canary-env-7f3a",
        },
    )
    assert done.stdout
    assert b"7f3a" not in done.stdout
    assert os.uname().nodename.encode() not in done.stdout or os.uname().nodename in (
        "localhost",
        "vm",
        "debian",
    )


@needs_root
def test_as_nobody_nothing_is_called_missing_for_lack_of_rights() -> None:
    import pwd

    become = ["setpriv", f"--reuid={pwd.getpwnam('nobody').pw_uid}", "--clear-groups", "--bounding-set=-all"]
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv(1) is not installed")
    if preflight("--version", before=become).returncode:
        pytest.skip("this checkout or its environment cannot be read by nobody")
    result = result_of("check", "--no-samples", before=become)
    CheckResult.model_validate(result)
    assert result["summary"]["exit_code"] in (1, 3)
    assert any("sudo preflight check" in step for step in result["summary"]["next_steps"])
    assert_unknowns_say_what_decides_them(result)
    worse = [
        key for key, now in verdicts(result).items() if now == "missing" and verdicts(host()).get(key) == "ok"
    ]
    assert worse == []


@needs_unshare
def test_in_a_user_namespace_nothing_is_called_missing_for_lack_of_rights() -> None:
    if preflight("--version", before=["unshare", "-Ur"]).returncode:
        pytest.skip("user namespaces are not allowed here")
    result = result_of("check", "--no-samples", before=["unshare", "-Ur"])
    CheckResult.model_validate(result)
    assert result["summary"]["host_line"][-1].endswith("user namespace")
    assert_unknowns_say_what_decides_them(result)
    worse = [
        key for key, now in verdicts(result).items() if now == "missing" and verdicts(host()).get(key) == "ok"
    ]
    assert worse == []


@needs_root
@needs_unshare
def test_without_sys_and_proc_config_the_rest_still_runs() -> None:
    if preflight("--version", before=["unshare", "-m"]).returncode:
        pytest.skip("mount namespaces cannot be made here")
    script = 'mount -t tmpfs none /sys && exec "$@"'
    result = result_of("check", "--no-samples", before=["unshare", "-m", "sh", "-c", script, "sh"])
    CheckResult.model_validate(result)
    assert_unknowns_say_what_decides_them(result)
    missing = [key for key, now in verdicts(result).items() if now == "missing"]
    assert [key for key in missing if verdicts(host()).get(key) not in ("missing", None)] == []
    btf = next(r for r in result["results"] if r["code"] == "PH101")
    assert btf["verdict"] == "unknown" or "not mounted" in json.dumps(btf) or "masked" in json.dumps(btf)


@needs_loads
def test_without_bpftool_the_other_witnesses_decide(tmp_path: Path) -> None:
    # The search path for bpftool is fixed, so it is hidden by a mount where that is possible.
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("bpftool") is None:
        pytest.skip("needs root, unshare(1) and a bpftool to hide")
    if preflight("--version", before=["unshare", "-m"]).returncode:
        pytest.skip("mount namespaces cannot be made here")
    places = "/usr/sbin/bpftool /usr/bin/bpftool /sbin/bpftool"
    hide = f"for f in {places}; do [ -e $f ] && mount --bind /dev/null $f; done"
    script = f'{hide}; exec "$@"'
    result = result_of("check", "--no-samples", before=["unshare", "-m", "sh", "-c", script, "sh"])
    assert verdicts(result)["PH401[socket_filter]"] == "ok"
    assert verdicts(result)["PH901"] in ("unknown", "missing", "not-applicable")
