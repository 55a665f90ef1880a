# SPDX-License-Identifier: Apache-2.0
"""What a booted kernel told of itself, as a Kernel with those facts, and as raw observations. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from preflight.kernels.blob import Blob
from preflight.kernels.model import Kernel, Provenance, symbol_lines
from preflight.lab.results import KernelRun
from preflight.records import replace

_EVENT_ID = re.compile(r"/events/([^/:]+)/([^/:]+)/id:(\d+)\Z")
_SYSTEM_LINE = re.compile(r"(?P<file>[^:]+): (?P<text>.*)\Z")


def enriched(kernel: Kernel, run: KernelRun) -> Kernel:
    """The kernel with the facts of its run; what the run does not have stays as it was.

    A guest has the modules it was given and no others: a symbol, an event or a function of another module is
    absent from these facts without being absent from the kernel, and the provenance says which were loaded.
    """
    facts = run.facts
    contents = kernel.contents
    if facts.get("kallsyms"):
        contents = replace(contents, symbols=Blob(data=symbol_lines(_text(facts["kallsyms"]))))
    if facts.get("available_events"):
        contents = replace(contents, tracepoints=Blob(data=_sorted(facts["available_events"])))
    if facts.get("available_filter_functions"):
        contents = replace(contents, filter_functions=Blob(data=facts["available_filter_functions"]))
    if facts.get("config") and contents.config is None:
        contents = replace(contents, config=Blob(data=facts["config"]))
    loaded = ", ".join(name for name, state in run.modules.items() if state == "ok") or "none"
    note = f"symbols, tracepoints and traceable functions are from a boot with these modules loaded: {loaded}"
    source = kernel.provenance
    notes = (*(n for n in source.notes if not n.startswith("symbols, tracepoints and")), note)
    return Kernel(kernel.identity, contents, Provenance(source.kind, source.files, notes))


def document(kernel: Kernel, run: KernelRun, collected_at: str) -> dict[str, Any]:
    """The facts file of a run (schema `preflight.facts/1`): the enriched kernel, host facts, observations.

    Everything travels along but the BTF of modules that were not loaded.
    """
    from preflight import __version__
    from preflight.kernels.entry import files_of
    from preflight.kernels.facts_file import SCHEMA, kernel_part

    loaded = {f"modules/{name}.btf" for name, state in run.modules.items() if state == "ok"}
    names = {name for name, _ in files_of(kernel.contents)}
    carried = {name for name in names if not name.startswith("modules/")} | (names & loaded)
    return {
        "schema": SCHEMA,
        "tool": {"name": "preflight", "version": __version__},
        "collected_at": collected_at,
        "source": "lab",
        "kernel": kernel_part(kernel, carried=carried),
        "host": host_facts(run),
        "observed": observations(run),
    }


def host_facts(run: KernelRun) -> dict[str, Any] | None:
    """What the guest's own collection found, as `preflight.host.codec` writes it; None without it.

    InputError when it is not what the codec reads.
    """
    if not run.facts.get("host"):
        return None
    from preflight.host.codec import facts_to_dict, loads

    return facts_to_dict(loads(run.facts["host"], subject=f"the host facts of {run.kernel}"))


def observations(run: KernelRun) -> dict[str, Any]:
    """Everything else the guest told: feature probe, event ids and formats, settings. Ready for JSON."""
    import json

    features: Any = None
    if run.facts.get("features"):
        try:
            features = json.loads(run.facts["features"])
        except (ValueError, RecursionError):
            features = None
    return {
        "kernel": run.kernel,
        "release": run.release,
        "btf_sha256": run.btf_sha256,
        "modules": dict(run.modules),
        "bpftool_features": features,
        "tracepoint_ids": event_ids(_text(run.facts.get("tracepoint_ids", b""))),
        "tracepoint_formats": event_formats(_text(run.facts.get("tracepoint_formats", b""))),
        "system": settings(_text(run.facts.get("system", b""))),
    }


def event_ids(text: str) -> dict[str, int]:
    """`category:event` -> id, from lines `.../events/CATEGORY/EVENT/id:NUMBER`."""
    matches = (_EVENT_ID.search(line) for line in text.splitlines())
    return {f"{m[1]}:{m[2]}": int(m[3]) for m in matches if m}


def event_formats(text: str) -> dict[int, list[str]]:
    """Event id -> its fields as tracefs declares them, one line each, without the common ones."""
    found: dict[int, list[str]] = {}
    fields: list[str] = []
    for line in text.splitlines():
        if line.startswith("ID: ") and line[4:].isdigit():
            fields = found.setdefault(int(line[4:]), [])
        elif line.startswith("\tfield:") and not line.partition(";")[0].split()[-1].startswith("common_"):
            fields.append(line.strip().removeprefix("field:"))
    return found


def settings(text: str) -> Mapping[str, list[str]]:
    """File -> its lines, from lines `FILE: LINE`."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if match := _SYSTEM_LINE.match(line):
            found.setdefault(match["file"], []).append(match["text"])
    return found


def _sorted(data: bytes) -> bytes:
    return b"".join(line + b"\n" for line in sorted(set(data.split(b"\n"))) if line)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
