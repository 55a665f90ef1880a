# SPDX-License-Identifier: Apache-2.0
"""The units of docs/routes/systemd: read by systemd's own tools, and run within what they allow."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.fleet.routes import PREFLIGHT, ROUTES, blocks, commands, place, tables
from tests.fleet.test_routes_prometheus import NODE_DIR, samples
from tests.host.live import needs_loads
from tests.predict.worlds import program

UNITS = ROUTES / "systemd"
needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv, to become less"
)
AGENT_UNIT = "[Unit]\nDescription=agent\n[Service]\nExecStart=/bin/true\nStartLimitBurst=3\n"


def settings(name: str) -> dict[str, str]:
    """The [Service] section of a unit."""
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read_string((UNITS / name).read_text())
    return dict(unit["Service"])


def test_the_page_shows_the_drop_in_as_it_is() -> None:
    (shown,) = blocks("systemd.md", "ini")
    assert shown in (UNITS / "preflight-gate.conf").read_text()


@needs_analyze
def test_systemd_takes_every_unit_without_a_word(tmp_path: Path) -> None:
    """`verify` wants the programs to be there, so that they become one that is on every machine."""
    for path in UNITS.iterdir():
        text = re.sub(r"/usr/bin/preflight\b", "/bin/true", path.read_text())
        folder = tmp_path / ("agent.service.d" if path.suffix == ".conf" else "")
        folder.mkdir(exist_ok=True)
        (folder / path.name).write_text(text)
    (tmp_path / "agent.service").write_text(AGENT_UNIT.replace("StartLimitBurst=3\n", ""))
    units = ["agent.service", "preflight-report.service", "preflight-report.timer"]
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit) for unit in units)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    complaints = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "preflight" in line]
    assert complaints == []
    assert not re.search(r"agent\.service", done.stderr), done.stderr


@needs_analyze
def test_systemd_rates_the_report_as_little_exposed(tmp_path: Path) -> None:
    """Root with every capability is 9.6 of 10 (UNSAFE); the report's service has to stay below 5 (OK)."""
    (tmp_path / "preflight-report.service").write_text((UNITS / "preflight-report.service").read_text())
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=50", "preflight-report.service"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": str(tmp_path), "SYSTEMD_COLORS": "0"},
    )
    if "offline" in done.stderr and "nrecognized" in done.stderr:
        pytest.skip("this systemd is older than 251: it has no --offline")
    assert "Overall exposure level" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def capabilities(given: str) -> str:
    """`CAP_BPF CAP_PERFMON` as setpriv wants it."""
    return ",".join(["-all", *(f"+{word.removeprefix('CAP_').lower()}" for word in given.split())])


def as_service(unit: str, command: str) -> list[str]:
    """The command with the unit's capabilities and NoNewPrivileges, as systemd would start it."""
    given = settings(unit)
    words = ["setpriv", f"--bounding-set={capabilities(given['CapabilityBoundingSet'])}"]
    words += ["--inh-caps=-all", "--no-new-privs"] if given.get("NoNewPrivileges") == "yes" else []
    return [*words, *shlex.split(command)]


@needs_loads
@needs_root
def test_the_report_is_written_with_the_capabilities_of_its_unit(tmp_path: Path) -> None:
    there = place(tmp_path / "place", program("socket").data, NODE_DIR)
    command = there.text(settings("preflight-report.service")["ExecStart"])
    words = as_service("preflight-report.service", command.replace("/usr/bin/preflight", str(PREFLIGHT)))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = samples((there.at(NODE_DIR) / "preflight.prom").read_text())
    by_check = {one.labels["check"]: one.value for one in found["preflight_check"]}
    assert by_check["PH202"] == 0, "the capabilities of the unit do not suffice for tracing"
    assert by_check["PH201"] == 0


@cache
def called(*words: str) -> frozenset[str]:
    """System calls that a run of preflight makes, by name; unknown ones by number."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace")
        subprocess.run(
            ["strace", "-f", "-qq", "-o", str(trace), str(PREFLIGHT), *words],
            capture_output=True,
            check=True,
        )
        return frozenset(re.findall(r"^\d+\s+(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))


def _allowed(group: str) -> set[str]:
    """The system calls of a group of systemd, groups within it unfolded."""
    done = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True
    )
    words = {line.strip() for line in done.stdout.splitlines() if line.startswith("    ")}
    words = {word for word in words if not word.startswith("#")}
    return {w for w in words if w[0] != "@"}.union(*(_allowed(w) for w in words if w[0] == "@"))


#: A question that may be refused: lsm_list_modules(2) is newer than many a systemd, and the list of security
#: modules is then read from securityfs.
_MAY_BE_REFUSED = {"lsm_list_modules", "syscall_0x1cd"}


@needs_analyze
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_filter_of_the_unit_lets_every_call_of_a_check_pass(tmp_path: Path) -> None:
    words = settings("preflight-report.service")["SystemCallFilter"].split()
    allowed = {w for w in words if w[0] != "@"}.union(*(_allowed(w) for w in words if w[0] == "@"))
    seen = called("check", "--exit-zero", "--no-cache", "--format", f"prom={tmp_path}/p.prom")
    assert "bpf" in seen
    assert seen - allowed - _MAY_BE_REFUSED == set()
    assert settings("preflight-report.service")["RestrictAddressFamilies"] == "none"
    assert not seen & {"socket", "socketpair", "connect"}


@needs_loads
@needs_root
@pytest.mark.parametrize(
    ("section", "code"), [("socket", 0), ("fentry/preflight_has_no_such_function", 1)], ids=["ready", "not"]
)
def test_the_gate_decides_whether_the_service_starts(tmp_path: Path, section: str, code: int) -> None:
    there = place(tmp_path / "place", program(section).data)
    command = settings("preflight-gate.conf")["ExecStartPre"]
    done = there.run(command.replace("/usr/bin/preflight", "preflight"))
    assert done.returncode == code, done.stdout + done.stderr


@needs_loads
@needs_root
def test_the_gate_answers_for_the_users_and_capabilities_of_the_service(tmp_path: Path) -> None:
    """`User=nobody` with `AmbientCapabilities=CAP_BPF CAP_PERFMON` may, without them it may not."""
    import tempfile

    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*nobody, str(PREFLIGHT), "--version"], capture_output=True, check=False).returncode:
        pytest.skip("this checkout or its environment cannot be read by nobody")
    with tempfile.TemporaryDirectory() as open_folder:
        folder = Path(open_folder)
        folder.chmod(0o755)
        path = folder / "agent.bpf.o"
        path.write_bytes(program("tp_btf/sched_switch").data)
        codes = {}
        for granted in ("bpf,+perfmon", "bpf"):
            caps = f"+{granted}"
            words = [
                *nobody,
                *(f"--inh-caps=-all,{caps}", f"--ambient-caps=-all,{caps}", f"--bounding-set=-all,{caps}"),
                *(str(PREFLIGHT), "check", str(path), "--no-cache", "--undecided", "ok"),
            ]
            done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
            codes[granted] = done.returncode
            assert "PH202" in done.stdout or done.returncode == 0, done.stdout + done.stderr
    assert codes == {"bpf,+perfmon": 0, "bpf": 1}


def test_the_page_says_what_the_exit_codes_do() -> None:
    rows = {cells[0]: cells[1:] for cells in tables("systemd.md")}
    assert rows["a required question stayed open (3)"] == ["starts", "fails (1)"]


def test_the_page_names_files_that_are_there() -> None:
    named = set(re.findall(r"[\w-]+\.(?:conf|service|timer)", " ".join(commands("systemd.md"))))
    assert named - {"agent.service"} == {path.name for path in UNITS.iterdir()}
