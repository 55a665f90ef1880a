# SPDX-License-Identifier: Apache-2.0
"""What the user named as OBJECT, as the bytes that are measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from preflight.errors import UsageError
from preflight.lab.run import Subject

#: Prefix -> folder of the objects that come with preflight.
_PACKAGED = ("probes", "tracers")


def subjects(specs: Iterable[str]) -> tuple[Subject, ...]:
    """The objects behind several specs, each distinct one once.

    A spec is a path or command as everywhere, `probes:` for all packaged probes, `probes:NAME` for one of
    them, or the same of `tracers:`, where NAME may also be a tracer for all its variants. UsageError when
    none is shipped or none has that name; InputError for a path without objects. What is compiled per machine
    is there for each; a kernel gets those of its own.
    """
    # of one content there can be objects for several machines, and a kernel gets only its own
    found: dict[tuple[str, str | None], Subject] = {}
    for spec in specs:
        group, colon, name = spec.partition(":")
        wanted = _packaged(group, name) if colon and group in _PACKAGED else _opened(spec)
        for subject in wanted:
            found.setdefault((subject.sha256, subject.arch), subject)
    return tuple(found.values())


def _opened(spec: str) -> Iterator[Subject]:
    from preflight.objects.sources import open_objects

    for obj in open_objects(spec):
        yield Subject(obj.name, obj.sha256, obj.data)


def _packaged(group: str, name: str) -> Iterator[Subject]:
    """The packaged objects of one folder, all or those that `name` stands for, for every machine there is."""
    from preflight import bpf_objects

    files = bpf_objects.chosen(group, "")
    if not files:
        raise UsageError(f"this version ships no {group}")
    names = {file.name for file in bpf_objects.chosen(group, name)}
    if not names:
        raise UsageError(f"no {group}:{name[:80]}; there are {', '.join(f.name for f in files)}")
    machines = {libbpf: uname for uname, libbpf in bpf_objects.ARCHES.items()}
    for file in bpf_objects.objects(group):
        if file.name in names and file.target == files[0].target:
            arch = machines.get(file.arch) if file.arch else None
            yield Subject(f"{group}:{file.name}", file.sha256, file.path.read_bytes(), arch)
