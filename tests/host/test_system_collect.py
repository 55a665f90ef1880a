# SPDX-License-Identifier: Apache-2.0
"""One crash costs one area and nothing else; its checks say that nobody looked."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.findings.model import Verdict
from preflight.host.checks import runner
from preflight.host.collect import policy as policy_collector
from preflight.host.collect import run
from preflight.host.collect.session import Session
from tests.host.areas_builder import host
from tests.host.fakeroot import FakeRoot

MINE = ("PH0", "PH1", "PH2", "PH3", "PH8")


def crash(session: Session) -> None:
    raise ZeroDivisionError("/home/canary/secret")


def test_a_crash_leaves_one_area_empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(policy_collector, "collect", crash)
    facts = run.collect_host(FakeRoot(tmp_path).system())
    assert facts.policy is None
    assert facts.context is not None
    assert facts.failures["policy"].startswith("ZeroDivisionError in tests.host.test_system_collect, line ")
    assert "canary" not in str(facts.failures)


def test_an_empty_host_crashes_no_collector(tmp_path: Path) -> None:
    facts = run.collect_host(FakeRoot(tmp_path, None).system())
    assert facts.failures == {}


@pytest.mark.parametrize("code", [code for code in runner.checks() if code.startswith(MINE)])
def test_without_facts_every_check_is_unknown(code: str) -> None:
    areas = dict.fromkeys(("context", "btf", "privilege", "policy", "programs", "resources"))
    for finding in runner.checks()[code](host(**areas)):
        assert finding.verdict is Verdict.UNKNOWN
        assert finding.cause


def test_the_error_of_the_collector_is_in_the_finding() -> None:
    facts = host(btf=None)
    facts.failures["btf"] = "KeyError in preflight.x, line 7"
    (finding,) = runner.checks()["PH101"](facts)
    assert "KeyError in preflight.x, line 7" in finding.cause
