# SPDX-License-Identifier: Apache-2.0
"""Every code explains itself and has a passing and a failing case."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import tests.gate
import tests.host
import tests.hygiene
import tests.lab
import tests.predict
import tests.verifier
from preflight.errors import UsageError
from preflight.findings.model import BAD_VERDICTS, Verdict
from preflight.findings.registry import Code, codes, find
from tests.host.cases import Case


def _cases() -> dict[str, Case]:
    """The CASES tables of all test modules whose name starts with `cases_`."""
    found: dict[str, Case] = {}
    for package in (tests.gate, tests.host, tests.hygiene, tests.lab, tests.predict, tests.verifier):
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.startswith("cases_"):
                table = importlib.import_module(f"{package.__name__}.{module.name}").CASES
                assert not set(table) & set(found), f"{module.name} repeats {set(table) & set(found)}"
                found |= table
    return found


CASES = _cases()
ALL = sorted(codes())


@pytest.mark.parametrize("code", ALL)
def test_code_has_explain_text(code: str) -> None:
    entry = codes()[code]
    assert re.fullmatch(r"(PH|PC|PG|PT)\d{3}|[VL]-[A-Z0-9-]+", code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name)
    for field in ("summary", "checks", "cause", "fix"):
        assert len(getattr(entry, field)) >= 20, f"{code}: {field} is too short to help anybody"
    assert entry.references, f"{code} names no source"


def test_names_are_unique() -> None:
    names = [entry.name for entry in codes().values()]
    assert len(names) == len(set(names))


CHECKS = [code for code in ALL if code.startswith("PH")]
OTHERS = [code for code in ALL if not code.startswith("PH")]


@pytest.mark.parametrize("code", CHECKS)
def test_check_has_a_passing_case(code: str) -> None:
    found = [f for f in CASES[code].passing() if f.code == code]
    assert found, f"{code}: the passing case yields no finding of this code"
    assert all(f.verdict not in BAD_VERDICTS and f.verdict is not Verdict.UNKNOWN for f in found)


@pytest.mark.parametrize("code", CHECKS)
def test_check_has_a_failing_case(code: str) -> None:
    found = [f for f in CASES[code].failing() if f.code == code]
    assert any(f.verdict in BAD_VERDICTS or f.verdict is Verdict.UNKNOWN for f in found), (
        f"{code} never fails"
    )


@pytest.mark.parametrize("code", OTHERS)
def test_cause_does_not_arise_where_it_should_not(code: str) -> None:
    assert [f for f in CASES[code].passing() if f.code == code] == []


@pytest.mark.parametrize("code", OTHERS)
def test_cause_arises_where_it_should(code: str) -> None:
    assert [f for f in CASES[code].failing() if f.code == code]


@pytest.mark.parametrize("code", ALL)
def test_a_failing_finding_says_what_to_do(code: str) -> None:
    for finding in CASES[code].failing():
        record = finding.to_dict()
        assert record["title"], f"{code} has no title"
        assert record["fix"], f"{code} has no fix"


def test_every_case_has_a_code() -> None:
    assert set(CASES) <= set(codes())


@pytest.mark.parametrize("text", ["PH101", "ph101", "btf-vmlinux-present"])
def test_find_takes_code_or_name(text: str) -> None:
    entry: Code = find(text)
    assert entry.code == "PH101"


def test_find_suggests_near_names() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        find("btf-vmlinux-presnt")
