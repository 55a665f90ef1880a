# SPDX-License-Identifier: Apache-2.0
"""bpftool as a witness: run once with bounds, its JSON read with suspicion.

It is never the judge: its claims are kept beside those of the kernel's BTF and of trial
loads. libbpf before its commit b0624101 does not know the wording "program of this type
cannot use helper" and then claims every helper for every type.
"""

from __future__ import annotations

from typing import Any

from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.instruments import Bpftool
from preflight.subprocesses import Finished, find_tool, run

TIMEOUT = 20.0
JSON_LIMIT = 8 << 20
#: Names kept of any list, and characters kept of any name.
_NAMES, _LENGTH = 4096, 128

COMMAND = "bpftool -j feature probe kernel"


def probe(*, full: bool = False) -> Fact[Bpftool]:
    """Ask bpftool; unknown when it is absent, refuses, takes too long or answers nonsense."""
    tool = find_tool("bpftool")
    if tool.path is None:
        return unknown(tool.reason, decided_by="install bpftool (Debian: bpftool, Fedora: bpftool)")
    version = run([tool.path, "-j", "version"], timeout=TIMEOUT, limit=JSON_LIMIT)
    answers = run(
        [tool.path, "-j", "feature", "probe", "kernel", *(["full"] if full else [])],
        timeout=TIMEOUT,
        limit=JSON_LIMIT,
    )
    problem = _problem(answers)
    document = None if problem else parse_json(answers.stdout)
    if not isinstance(document, dict):
        reason = problem or "bpftool's answer is not a JSON object"
        return unknown(reason, Evidence("bpftool", reason, COMMAND), decided_by=f"run as root: {COMMAND}")
    return known(read(tool.path, parse_json(version.stdout), document), Evidence("bpftool", "asked", COMMAND))


def _problem(answer: Finished) -> str:
    if answer.error:
        return f"bpftool does not start: {answer.error}"
    if answer.timed_out:
        return f"bpftool did not finish within {TIMEOUT:.0f} s"
    if answer.truncated:
        return f"bpftool wrote more than {JSON_LIMIT} bytes"
    if answer.exit_code != 0:
        document = parse_json(answer.stdout)
        said = document.get("error") if isinstance(document, dict) else None
        lines = (
            (said if isinstance(said, str) else answer.stderr.decode("utf-8", "replace")).strip().splitlines()
        )
        return f"bpftool ended with {answer.exit_code}{f': {lines[0][:200]}' if lines else ''}"
    return ""


def parse_json(data: bytes) -> Any:
    """The JSON value, None when it is none or is nested beyond reason."""
    import json

    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def read(path: str, version: Any, answers: dict[str, Any]) -> Bpftool:
    """bpftool's claims from its two JSON documents; what has another shape is left out."""
    about = version if isinstance(version, dict) else {}
    helpers = {
        _short(key.removesuffix("_available_helpers")): tuple(
            _short(name).removeprefix("bpf_") for name in names[:_NAMES] if isinstance(name, str)
        )
        for key, names in _section(answers, "helpers").items()
        if isinstance(names, list)
    }
    return Bpftool(
        path=path,
        version=_short(about.get("version", "")),
        libbpf=_short(about.get("libbpf_version", "")),
        program_types=_booleans(_section(answers, "program_types"), "_prog_type"),
        map_types=_booleans(_section(answers, "map_types"), "_map_type"),
        helpers=helpers,
        misc=_booleans(_section(answers, "misc"), ""),
    )


def _section(answers: dict[str, Any], name: str) -> dict[str, Any]:
    value = answers.get(name)
    if not isinstance(value, dict):
        return {}
    return dict(list(value.items())[:_NAMES])


def _booleans(section: dict[str, Any], suffix: str) -> dict[str, bool]:
    return {
        _short(key.removeprefix("have_").removesuffix(suffix)): value
        for key, value in section.items()
        if isinstance(value, bool)
    }


def _short(value: Any) -> str:
    return value[:_LENGTH] if isinstance(value, str) else ""
