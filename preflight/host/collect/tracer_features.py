# SPDX-License-Identifier: Apache-2.0
"""What tracers need beyond a place to attach, asked by loading whole programs with their maps.

The host's libbpf loads the probe objects; where it is absent the answers stay unknown. What hooks a
typed function is asked without it (`typed_features`). Refusals are read by anchored messages and
errno only.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from preflight import bpf_objects
from preflight.errors import InstrumentError
from preflight.facts import Evidence
from preflight.host.areas.surfaces import Answer, Feature
from preflight.host.bpf.syscall import errno_name
from preflight.host.collect.libbpf import Loaded, open_libbpf
from preflight.host.collect.typed_features import TYPED
from preflight.host.surface_data import FeatureEntry, feature_entries

if TYPE_CHECKING:
    from preflight.host.collect.ktypes import KernelTypes

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


def collect_features(
    loadable: Mapping[str, Answer], types: KernelTypes, *, live: bool = True
) -> tuple[Feature, ...]:
    """One answer per entry of features.toml; `loadable` are the surfaces' answers by name."""
    entries = feature_entries().values()
    if not live:
        return tuple(Feature(entry.name, _NOT_LIVE) for entry in entries)
    return tuple(Feature(entry.name, _ask(entry, types, loadable)) for entry in entries)


_NOT_LIVE = Answer("unknown", "none", (), "trial loads ask the running kernel, not this one")


def _ask(entry: FeatureEntry, types: KernelTypes, loadable: Mapping[str, Answer]) -> Answer:
    refused = next((name for name in entry.needs if name in loadable and loadable[name].state != "yes"), None)
    if refused is not None:
        answer = loadable[refused]
        reason = f"it is asked from a program that does not load here ({refused}: {answer.state})"
        state = "blocked" if answer.state == "blocked" else "unknown"
        return Answer(state, answer.level, answer.evidence, reason, answer.decided_by)
    return _typed(entry.name, types) if entry.name in TYPED else _by_libbpf(entry.name)


def _typed(name: str, types: KernelTypes) -> Answer:
    loaded = TYPED[name](types)
    if isinstance(loaded, str):
        return Answer("unknown", "none", (Evidence("btf", loaded),), loaded)
    return read_answer(name, "bpf(2)", loaded)


def _by_libbpf(name: str) -> Answer:
    library = open_libbpf()
    if isinstance(library, str):
        decided = (
            "install libbpf (Debian: libbpf1, Fedora: libbpf, Alpine: libbpf)"
            if "installed" in library
            else None
        )
        return Answer("unknown", "none", (), library, decided)
    try:
        path = bpf_objects.find("probes", name)
    except InstrumentError as error:
        return Answer("unknown", "none", (), str(error), "make build")
    return read_answer(path.name, f"libbpf {library.version}", library.load(path))


def read_answer(name: str, loader: str, loaded: Loaded) -> Answer:
    """From what a load said to a state; `loader` is who loaded it."""
    if loaded.errno == 0:
        shown = f"{name}: loaded by {loader} and closed"
        return Answer("yes", "measured", (Evidence("trial-load", shown),))
    said = errno_name(loaded.errno)
    if (loaded.stage, loaded.errno) == ("map", errno.EINVAL):
        evidence = Evidence("trial-load", f"{name}: {said} for its map")
        return Answer("no", "measured", (evidence,), "the kernel does not have it")
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
