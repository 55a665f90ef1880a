# SPDX-License-Identifier: Apache-2.0
"""The entry of a code as Markdown, of which the pages under docs/ are made."""

from __future__ import annotations

from dataclasses import replace

from preflight.findings.registry import find
from preflight.render.console import Style
from preflight.render.explain import markdown_page

ENTRY = replace(
    find("PH309"),
    summary="reads `a|b` and <vmlinux>",
    checks="A `code <span>` stays code.\n\nSecond paragraph (with *stars*).",
)


def test_code_in_the_registry_is_code_on_the_page() -> None:
    page = markdown_page([ENTRY], Style(), True)
    assert "A `code <span>` stays code.\n\nSecond paragraph (with \\*stars\\*)." in page


def test_angle_brackets_and_pipes_of_the_prose_stay_text() -> None:
    table = markdown_page([ENTRY], Style(), False)
    assert "reads `a\\|b` and &lt;vmlinux&gt; |" in table


def test_a_page_has_every_part_of_an_entry() -> None:
    page = markdown_page([find("PH309")], Style(), True)
    assert [line for line in page.splitlines() if line.startswith("#")] == [
        "# PH309 unexplained-eperm",
        "## What is checked",
        "## Cause",
        "## Fix",
        "## By hand",
        "## Read on",
    ]
