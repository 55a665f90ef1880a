# SPDX-License-Identifier: Apache-2.0
"""The collector that needs no installation: `collect_facts.py`, made whole with preflight's own tables.

That file is written for Python 3.6 and the standard library alone, and is never imported here.
"""

from __future__ import annotations


def text() -> str:
    """The script, ready to run anywhere."""
    import json
    from importlib import resources

    from preflight import __version__
    from preflight.host.bpf.syscall import SYSCALL_NUMBERS
    from preflight.host.collect.kconfig import KEPT, PLAIN
    from preflight.host.collect.privilege import CAPABILITY_NAMES

    source = (resources.files("preflight.fleet.script") / "collect_facts.py").read_text(encoding="utf-8")
    for mark, value in (
        ('"@VERSION@"', json.dumps(__version__)),
        ('"@KEPT_OPTIONS@"', repr(KEPT.pattern)),
        ('"@PLAIN_VALUES@"', repr(PLAIN.pattern)),
        ("CAPABILITIES = []  # type: List[str]", f"CAPABILITIES = {CAPABILITY_NAMES!r}"),
        ("SYSCALLS = {}  # type: Dict[str, int]", f"SYSCALLS = {SYSCALL_NUMBERS!r}"),
    ):
        if source.count(mark) != 1:
            raise AssertionError(f"the script has no single place for {mark}")
        source = source.replace(mark, value)
    return f"#!/usr/bin/env python3\n{source}"
