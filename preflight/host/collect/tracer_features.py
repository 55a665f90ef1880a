# SPDX-License-Identifier: Apache-2.0
"""What tracers need beyond a place to attach, asked by loading whole probe objects.

These need maps and relocations, so the host's libbpf loads them; where it is absent the
answers stay unknown. Refusals are read by anchored messages and errno only.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping

from preflight import bpf_objects
from preflight.errors import InstrumentError
from preflight.facts import Evidence
from preflight.host.areas.surfaces import Answer, Feature
from preflight.host.bpf.syscall import errno_name
from preflight.host.collect.libbpf import Libbpf, Loaded, open_libbpf
from preflight.host.surface_data import FeatureEntry, feature_entries

#: Messages that say "the kernel does not have it", each anchored at the start of its line.
#: Sources: kernel/bpf/verifier.c (check_helper_call, torvalds/linux 5.10 to 6.18), libbpf
#: src/libbpf.c (bpf_object__create_map).
_ABSENT = (
    re.compile(r"unknown func (?:bpf_)?\w+#\d+$"),
    re.compile(r"program of this type cannot use helper (?:bpf_)?\w+#\d+$"),
    re.compile(r"invalid func (?:bpf_)?\w+#\d+$"),
    re.compile(r"libbpf: map '\w+': failed to create: Invalid argument\(-22\)$"),
)
_SHOWN = 200


def collect_features(loadable: Mapping[str, Answer], *, live: bool = True) -> tuple[Feature, ...]:
    """One answer per entry of features.toml; `loadable` are the surfaces' answers by name."""
    library = open_libbpf() if live else "trial loads ask the running kernel, not this one"
    return tuple(Feature(entry.name, _ask(entry, library, loadable)) for entry in feature_entries().values())


def _ask(entry: FeatureEntry, library: Libbpf | str, loadable: Mapping[str, Answer]) -> Answer:
    if isinstance(library, str):
        decided = (
            "install libbpf (Debian: libbpf1, Fedora: libbpf, Alpine: libbpf)"
            if "installed" in library
            else None
        )
        return Answer("unknown", "none", (), library, decided)
    refused = next((name for name in entry.needs if name in loadable and loadable[name].state != "yes"), None)
    if refused is not None:
        answer = loadable[refused]
        reason = f"it is asked from a program that does not load here ({refused}: {answer.state})"
        state = "blocked" if answer.state == "blocked" else "unknown"
        return Answer(state, answer.level, answer.evidence, reason, answer.decided_by)
    try:
        path = bpf_objects.find("probes", entry.name)
    except InstrumentError as error:
        return Answer("unknown", "none", (), str(error), "make build")
    return read_answer(path.name, library.version, library.load(path))


def read_answer(name: str, version: str, loaded: Loaded) -> Answer:
    """From what a load said to a state."""
    if loaded.errno == 0:
        return Answer(
            "yes", "measured", (Evidence("trial-load", f"{name}: loaded by libbpf {version} and closed"),)
        )
    said = errno_name(loaded.errno)
    for line in loaded.lines:
        if any(pattern.match(line) for pattern in _ABSENT):
            evidence = Evidence("trial-load", f"{name}: {said}, {line[:_SHOWN]!r}")
            return Answer("no", "measured", (evidence,), "the kernel does not have it")
    line = next((line for line in loaded.lines if not line.startswith("libbpf: ")), "")
    last = line or (loaded.lines[-1] if loaded.lines else "no message")
    evidence = Evidence("trial-load", f"{name}: {said} at {loaded.stage}, {last[:_SHOWN]!r}")
    if loaded.errno == errno.EPERM:
        decided = "run with CAP_BPF and CAP_PERFMON (or as root)"
        return Answer("blocked", "measured", (evidence,), "the kernel refused this caller", decided)
    return Answer(
        "unknown", "measured", (evidence,), "the refusal is not one preflight knows; please report it"
    )
