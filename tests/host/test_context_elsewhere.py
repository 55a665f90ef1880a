# SPDX-License-Identifier: Apache-2.0
"""The real host seen by somebody who may not see it: nobody, a user namespace, an empty root.

What cannot be looked at is unknown with a remedy, or blocked; it is never missing.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from preflight.findings.model import Finding, Verdict
from preflight.host import codec
from preflight.host.collect.run import collect_host
from tests.host.elsewhere import (
    become_nobody,
    enter,
    facts_after,
    findings_of,
    own_user_namespace,
    why_no_user_namespace,
)

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="giving up root needs root"),
]


@pytest.fixture(scope="module")
def as_root() -> dict[str, Finding]:
    return findings_of(collect_host())


@pytest.fixture(scope="module")
def as_nobody() -> dict[str, Finding]:
    return findings_of(facts_after(become_nobody))


@pytest.fixture(scope="module")
def in_namespace() -> dict[str, Finding]:
    if why_no_user_namespace():
        pytest.skip(why_no_user_namespace())
    return findings_of(facts_after(own_user_namespace))


@pytest.fixture(scope="module")
def in_empty_root(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    return findings_of(facts_after(enter(tmp_path_factory.mktemp("root"))))


def missing(findings: dict[str, Finding]) -> set[str]:
    return {code for code, finding in findings.items() if finding.verdict is Verdict.MISSING}


@pytest.mark.parametrize("where", ["as_nobody", "in_namespace", "in_empty_root"])
def test_less_sight_never_makes_anything_missing(
    where: str, as_root: dict[str, Finding], request: pytest.FixtureRequest
) -> None:
    assert missing(request.getfixturevalue(where)) <= missing(as_root)


@pytest.mark.parametrize("where", ["as_root", "as_nobody", "in_namespace", "in_empty_root"])
def test_every_undecided_check_has_a_reason_and_says_what_decides(
    where: str, request: pytest.FixtureRequest
) -> None:
    for code, finding in request.getfixturevalue(where).items():
        assert not finding.title.startswith("the check itself failed"), code
        if finding.verdict is Verdict.UNKNOWN:
            assert finding.cause, code
            assert finding.fix, code


def test_nobody_is_blocked_for_lack_of_capabilities(as_nobody: dict[str, Finding]) -> None:
    assert as_nobody["PH202"].verdict is Verdict.BLOCKED
    assert set(as_nobody["PH202"].data["lacking"]) >= {"BPF", "PERFMON"}
    assert as_nobody["PH309"].verdict is Verdict.OK


def test_nobody_cannot_read_the_hardening_of_the_jit(as_nobody: dict[str, Finding]) -> None:
    assert as_nobody["PH307"].verdict is Verdict.UNKNOWN
    assert "cat /proc/sys/net/core/bpf_jit_harden" in as_nobody["PH307"].fix


def test_root_of_a_user_namespace_is_not_root(in_namespace: dict[str, Finding]) -> None:
    assert in_namespace["PH202"].verdict is Verdict.BLOCKED
    assert in_namespace["PH205"].verdict is Verdict.BLOCKED
    assert "user" in in_namespace["PH003"].data["not_initial"]


def test_an_empty_root_leaves_the_files_unknown(in_empty_root: dict[str, Finding]) -> None:
    for code in ("PH003", "PH004", "PH101", "PH103", "PH203", "PH205", "PH207", "PH308", "PH801", "PH803"):
        assert in_empty_root[code].verdict is Verdict.UNKNOWN, code


def test_an_empty_root_still_tells_what_system_calls_tell(in_empty_root: dict[str, Finding]) -> None:
    for code in ("PH201", "PH202", "PH204", "PH208"):
        assert in_empty_root[code].verdict in (Verdict.OK, Verdict.BLOCKED), code


def test_the_facts_of_this_host_survive_the_facts_file() -> None:
    import json

    facts = collect_host()
    assert facts.failures == {}
    assert codec.loads(json.dumps(codec.facts_to_dict(facts))) == facts


def test_the_facts_name_nobody() -> None:
    """Host name, users, home folders and the command line of the kernel stay out."""
    import json
    import pwd
    import socket

    text = json.dumps(codec.facts_to_dict(collect_host()))
    secrets = {socket.gethostname(), pwd.getpwuid(os.geteuid()).pw_dir + "/", str(Path.cwd())}
    secrets |= {word for word in Path("/proc/cmdline").read_text().split() if len(word) > 12}
    for file in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        if Path(file).exists():
            secrets.add(Path(file).read_text().strip())
    # A host called "vm" or "debian" is no secret among ordinary words.
    assert [word for word in secrets if len(word) > 6 and word in text] == []
