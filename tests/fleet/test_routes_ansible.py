# SPDX-License-Identifier: Apache-2.0
"""The role of docs/routes/ansible, run by ansible-playbook against hosts made of namespaces.

`full` has everything; `poor` runs without the capabilities that loading needs; `bare` has no preflight.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.render import ansible
from preflight.render.console import Style
from preflight.render.registry import renderers
from tests.cli.run import preflight
from tests.fleet.namespaces import Host, start
from tests.fleet.routes import PREFLIGHT, ROUTES, blocks, commands, tables
from tests.host.live import needs_loads
from tests.predict.worlds import program
from tests.render.results import check_result, finding
from tests.render.test_safe import HOSTILE

ROLE = ROUTES / "ansible" / "roles" / "preflight"
FACT = ROLE / "files" / "preflight.fact"
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
CANARY = "canary7f3a"
HOSTS = ("full", "poor", "bare")
needs_hosts = pytest.mark.usefixtures("namespaces")


@dataclass
class Run:
    """One run of ansible-playbook."""

    code: int
    out: str
    err: str

    def recap(self) -> dict[str, dict[str, int]]:
        """Host -> ok, changed, failed ... of the last lines."""
        lines = re.findall(r"^(\S+)\s+: (ok=.*)$", self.out, re.MULTILINE)
        return {
            host: {k: int(v) for k, v in (pair.split("=") for pair in counts.split())}
            for host, counts in lines
        }

    def said(self, host: str) -> str:
        """What Ansible printed about a host's failure or message."""
        return "\n".join(
            re.findall(rf"^(?:fatal|ok): \[{host}\].*?=> (.*?^}})", self.out, re.DOTALL | re.MULTILINE)
        )


class Site:
    """An inventory of namespaced hosts, and Ansible's own folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        caps = "-all,+chown,+dac_override,+fowner"
        poor = ("setpriv", f"--bounding-set={caps}", "--inh-caps=-all")
        self.hosts = {name: self._start(name, poor if name == "poor" else ()) for name in HOSTS}
        for name in ("full", "poor"):
            self.hosts[name].run("ln", "-s", str(PREFLIGHT), "/usr/local/bin/preflight")
        listed = {
            name: {"ansible_python_interpreter": str(self._python(host))} for name, host in self.hosts.items()
        }
        common = {
            "ansible_connection": "local",
            "ansible_become": False,  # the tests are root already, and sudo need not be there
            "ansible_remote_tmp": str(folder / "remote"),
        }
        (folder / "inventory.yml").write_text(json.dumps({"all": {"hosts": listed, "vars": common}}))

    def _start(self, name: str, limits: tuple[str, ...]) -> Host:
        return start(f"{CANARY}-{name}", self.folder / "hosts" / name, limits)

    def _python(self, host: Host) -> Path:
        """A Python of that host, for Ansible's modules: the system's, not the one that runs the tests."""
        path = self.folder / f"python-{host.name}"
        words = " ".join(host.command("/usr/bin/python3"))
        path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        path.chmod(0o755)
        return path

    def put(self, path: str, data: bytes, mode: str = "0644") -> None:
        for host in self.hosts.values():
            host.put(path, data, mode)

    def play(self, playbook: str, *words: str) -> Run:
        """Run a playbook of the page as it is."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")
        } | {
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "local"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            [
                str(PLAYBOOK),
                "-i",
                str(self.folder / "inventory.yml"),
                *words,
                str(ROUTES / "ansible" / playbook),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=self.folder,
            timeout=180,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def close(self) -> None:
        for host in self.hosts.values():
            host.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def gated(site: Site) -> Run:
    """gate.yml against the three hosts; each has an object that any kernel takes from whoever may load."""
    site.put("/usr/lib/agent/agent.bpf.o", program("socket").data)
    return site.play("gate.yml")


@needs_loads
@needs_hosts
def test_only_the_host_where_the_object_runs_gets_past_the_gate(gated: Run) -> None:
    failed = {host: counts["failed"] for host, counts in gated.recap().items()}
    assert failed == {"full": 0, "poor": 1, "bare": 1}, gated.out + gated.err
    assert gated.code == 2
    assert "READY: this host for agent.bpf.o" in gated.out


@needs_loads
@needs_hosts
def test_the_gate_says_why_and_what_to_do(gated: Run) -> None:
    failures = dict(
        re.findall(
            r"^\[ERROR\]|^fatal: \[(\w+)\].*?$(.*?)(?=^\w+: \[|^PLAY)", gated.out, re.DOTALL | re.MULTILINE
        )
    )
    text = re.sub(r"\s+", " ", failures["poor"])
    assert "NOT READY: this host for agent.bpf.o" in text
    assert re.search(r"PH\d{3} .*Fix: \S", text)
    assert "UNKNOWN: preflight is not installed" in failures["bare"]


@needs_loads
@needs_hosts
def test_a_second_run_changes_nothing(site: Site, gated: Run) -> None:
    again = site.play("gate.yml", "--limit", "full")
    assert gated.recap()["full"]["changed"] > 0
    assert again.recap()["full"]["changed"] == 0
    assert again.code == 0


@needs_loads
@needs_hosts
def test_the_fact_is_where_ansible_looks_and_says_what_check_says(site: Site, gated: Run) -> None:
    assert gated.recap()
    host = site.hosts["full"]
    mode, owner = host.run("stat", "-c", "%a %u", "/etc/ansible/facts.d/preflight.fact").split()
    assert (mode, owner) == (b"755", b"0")
    fact = json.loads(host.run("/etc/ansible/facts.d/preflight.fact"))
    assert (fact["schema"], fact["ready"], fact["objects"]) == (
        ansible.SCHEMA,
        True,
        {"agent.bpf.o": "ready"},
    )


@needs_hosts
def test_facts_of_all_hosts_become_a_fleet_and_name_nobody(site: Site) -> None:
    script = site.folder / "collect_facts.py"
    assert preflight("collect", "--emit-script", "-o", str(script)).returncode == 0
    facts = site.folder / "facts"
    shown = ["-e", json.dumps({"preflight_facts_dir": str(facts), "preflight_labels": {"zone": "eu-1"}})]
    first = site.play("collect.yml", "--limit", "full,poor", *shown)
    assert first.code == 0, first.out + first.err
    bare = site.play("collect.yml", "--limit", "bare", *shown, "-e", f"preflight_script={script}")
    assert bare.code == 0, bare.out + bare.err
    assert {path.name for path in facts.iterdir()} == {
        f"{hashlib.sha256(name.encode()).hexdigest()}.json" for name in HOSTS
    }
    done = preflight("fleet", str(facts), "--format", "json", "--undecided", "ok", "--fail-on", "never")
    result = json.loads(done.stdout)
    assert (result["summary"]["hosts"], result["summary"]["kernels"]) == (3, 1)
    assert [
        (label["label"], one["value"], one["hosts"]) for label in result["labels"] for one in label["values"]
    ] == [("zone", "eu-1", 3)]
    for text in (done.stdout, *(path.read_bytes() for path in facts.iterdir())):
        assert CANARY.encode() not in text
        assert not any(f'"{name}"'.encode() in text for name in ("full", "poor"))


@needs_hosts
def test_nothing_stays_on_a_host_that_was_only_asked_for_facts(site: Site) -> None:
    found = site.hosts["bare"].run(
        "find", "/etc", "/usr/lib/agent", "/usr/local", "-newer", str(site.folder / "inventory.yml")
    )
    names = {Path(line).name for line in found.decode().split()}
    assert not {name for name in names if "collect" in name or name.endswith(".json")}


# --- the fact by itself


@pytest.fixture
def facts_d(tmp_path: Path) -> Path:
    shutil.copy(FACT, tmp_path / "preflight.fact")
    return tmp_path


def run_fact(folder: Path, script: str | None, *, objects: str | None = None) -> dict[str, Any]:
    """The fact, with this as the `preflight` it finds; it must end with 0 and print one object."""
    if script is not None:
        (folder / "bin").mkdir()
        (folder / "bin" / "preflight").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bin" / "preflight").chmod(0o755)
    if objects is not None:
        (folder / "preflight.objects").write_text(objects)
    done = subprocess.run(
        [str(folder / "preflight.fact")],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{folder / 'bin'}:/usr/bin:/bin"},
    )
    assert done.stderr == ""
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo text", "UNKNOWN: preflight ended with exit code 0"),
        ("echo noise >&2; exit 4", "UNKNOWN: preflight ended with exit code 4"),
        ("kill -9 $$", "UNKNOWN: preflight ended with exit code 137"),
        ('printf "{\\"half"', "UNKNOWN: preflight ended with exit code 0"),
    ],
)
def test_the_fact_is_an_object_whatever_happens(facts_d: Path, script: str, sentence: str) -> None:
    fact = run_fact(facts_d, script)
    assert (fact["verdict"], fact["ready"], fact["sentence"]) == ("unknown", False, sentence)


def test_the_fact_has_the_same_members_when_preflight_cannot_be_asked(facts_d: Path) -> None:
    fact = run_fact(facts_d, "exit 4")
    whole = json.loads(renderers("check")["ansible"](check_result(), Style()))
    assert set(fact) <= set(whole)
    assert {"verdict", "ready", "sentence", "problems", "objects", "checks"} <= set(fact)


def test_objects_are_one_per_line_and_never_options(facts_d: Path) -> None:
    script = (
        'shift 6; [ "$1" = -- ] || exit 9; shift\n'
        """for word; do printf '%s\\n' "$word" >> "$0.seen"; done; echo '{}'"""
    )
    names = ["/a b/c.o", "--fail-on", "$(touch x)", "last"]
    assert run_fact(facts_d, script, objects="\n".join(["", *names])) == {}
    assert (facts_d / "bin" / "preflight.seen").read_text().splitlines() == names


# --- the format


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 70_000])
def test_no_name_breaks_the_fact(text: str) -> None:
    result = check_result(text)
    page = renderers("check")["ansible"](result, Style())
    assert page.count("\n") == 1
    assert page.isascii()
    assert len(json.loads(page)["problems"]) == 2


def test_the_fact_has_the_worst_verdict_of_each_check_and_the_problems_first() -> None:
    result = check_result()
    result["results"] = [
        finding("a", code="PH401", verdict="ok"),
        finding("b", code="PH401", verdict="unknown", severity="info"),
        finding("c", code="PH201", verdict="blocked", severity="required"),
    ]
    fact = json.loads(renderers("check")["ansible"](result, Style()))
    assert fact["checks"] == {"PH201": "blocked", "PH401": "unknown"}
    assert [one["code"] for one in fact["problems"]] == ["PH201", "PH401"]
    assert fact["ready"] is False


def test_a_fact_is_small_whatever_the_host_has() -> None:
    result = check_result()
    result["results"] = [finding("x" * 300, code=f"PH{n:04}", title="y" * 1000) for n in range(2000)]
    (one,) = result["objects"]
    result["objects"] = [one | {"object": f"o{n}"} for n in range(2000)]
    page = renderers("check")["ansible"](result, Style())
    assert json.loads(page)["problem_count"] == 2000
    assert len(page) < 100_000


# --- the page


def test_the_page_lists_the_members_as_they_are() -> None:
    fact = json.loads(renderers("check")["ansible"](check_result(), Style()))
    listed = {name for cells in tables("ansible.md") for name in re.findall(r"^`(\w+)`", cells[0])}
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert listed == set(fact) | set(defaults)


def test_every_file_of_the_role_is_yaml_with_a_licence() -> None:
    files = list((ROUTES / "ansible").rglob("*.yml"))
    assert len(files) == 6
    for path in files:
        assert yaml.safe_load(path.read_text())
        assert path.read_text().startswith("# SPDX-License-Identifier: Apache-2.0\n")


def test_the_commands_of_the_page_are_right(tmp_path: Path) -> None:
    """Playbooks are there and have no mistake in them; the fact is copied from where it is."""
    inventory = tmp_path / "hosts"
    inventory.write_text("localhost ansible_connection=local\n")
    for command in commands("ansible.md"):
        words = command.split()
        if words[0] == "ansible-playbook":
            checked = [str(PLAYBOOK), "--syntax-check", *words[1:]]
            done = subprocess.run(
                [str(inventory) if word == "hosts" else word for word in checked],
                cwd=ROUTES / "ansible",
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "ANSIBLE_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
            )
            assert done.returncode == 0, done.stderr
        elif words[0] == "install":
            assert (ROUTES / "ansible" / words[-2]).is_file()
        else:
            assert words[0] == "preflight"


def test_the_recipe_of_the_page_is_that_of_the_role() -> None:
    shown = [yaml.safe_load(block) for block in blocks("ansible.md", "yaml")]
    tasks = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text())
    (task,) = [one for one in tasks if "ansible.builtin.assert" in one]
    assert [task] in shown
