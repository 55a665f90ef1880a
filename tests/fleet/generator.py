# SPDX-License-Identifier: Apache-2.0
"""Fleets of any size from real parts: facts that were recorded on a host, and the BTF of packaged kernels.

    kernels = variants(Store(Path("fixtures/btf")), 6, folder)
    for host in hosts(kernels, 2_000): host.kernel, host.profile, host.document

A catalogue with too few kernels lends some of them again as other builds: their BTF with one more type, which
is what another build of one release mostly is. Everything follows from the seed.
"""

from __future__ import annotations

import json
import lzma
import random
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from preflight.fleet.document import facts_document
from preflight.host.areas.privilege import Capabilities, Memlock
from preflight.host.areas.programs import Trial
from preflight.host.areas.surfaces import Answer
from preflight.host.checks.runner import run_checks
from preflight.host.codec import facts_from_dict
from preflight.host.facts import HostFacts
from preflight.kernels.blob import Blob
from preflight.kernels.model import Kernel
from preflight.kernels.store import Store
from tests.host.areas_builder import seen

_RECORDED = Path(__file__).parents[2] / "fixtures" / "facts" / "collect-1.json.xz"
_DENIED = Trial("denied", "EPERM")
#: Limits of locked memory that hosts of one fleet have for no reason of ours.
_MEMLOCK = tuple(Memlock(size << 20, size << 20) for size in (8, 64, 512, 1024, 2048))


class Host(NamedTuple):
    """One host: the name of its kernel, its profile, its number, and its facts document."""

    kernel: str
    profile: str
    number: int
    document: dict[str, Any]


def recorded() -> HostFacts:
    """What `preflight collect` found on a real host, once."""
    return facts_from_dict(json.loads(lzma.decompress(_RECORDED.read_bytes()))["host"])


def _lifted(facts: HostFacts) -> HostFacts:
    """The same host where nothing is refused: the recorded one is a small machine without kprobes."""
    assert facts.programs and facts.maps and facts.helpers and facts.surfaces
    works, yes = Trial("works", "ok"), Answer("yes", "measured")
    return replace(
        facts,
        programs=replace(
            facts.programs,
            types=tuple(replace(one, load=works) for one in facts.programs.types),
            features=tuple(replace(one, load=works, attach=None) for one in facts.programs.features),
        ),
        maps=replace(facts.maps, types=tuple(replace(one, create=works) for one in facts.maps.types)),
        helpers=replace(
            facts.helpers,
            rows=tuple(
                replace(row, states="".join(c if c in "-nx" else "u" for c in row.states), reason="")
                for row in facts.helpers.rows
            ),
        ),
        surfaces=replace(
            facts.surfaces,
            surfaces=tuple(replace(one, loadable=yes, attachable=yes) for one in facts.surfaces.surfaces),
            features=tuple(replace(one, usable=yes) for one in facts.surfaces.features),
        ),
    )


def _unprivileged(facts: HostFacts) -> HostFacts:
    """A caller without capabilities: bpf(2) refuses whatever is tried."""
    assert facts.privilege and facts.programs and facts.maps and facts.helpers
    return replace(
        facts,
        privilege=replace(
            facts.privilege, is_uid_zero=False, capabilities=seen(Capabilities((), (), ())),
            bpf_syscall=seen("EPERM", "syscall"),
        ),
        programs=replace(
            facts.programs,
            types=tuple(replace(one, load=_DENIED) for one in facts.programs.types),
            features=tuple(replace(one, load=_DENIED, attach=None) for one in facts.programs.features),
        ),
        maps=replace(
            facts.maps,
            types=tuple(replace(one, create=_DENIED) for one in facts.maps.types),
        ),
        helpers=replace(
            facts.helpers,
            rows=tuple(
                replace(row, states="".join("-" if c == "-" else "d" for c in row.states), notes=())
                for row in facts.helpers.rows
            ),
        ),
    )  # fmt: skip


def _locked(facts: HostFacts) -> HostFacts:
    assert facts.policy
    return replace(facts, policy=replace(facts.policy, lockdown=seen("integrity", "sysfs")))


#: What fleets differ in beside kernels. `bare` has only what needs no trial load: much stays undecided.
PROFILES: Mapping[str, Callable[[HostFacts], HostFacts]] = {
    "open": _lifted,
    "locked": lambda facts: _locked(_lifted(facts)),
    "unprivileged": _unprivileged,
    "bare": lambda facts: replace(_lifted(facts), programs=None, maps=None, helpers=None),
}
#: Of a hundred hosts so many have each profile.
_SHARES = {"open": 70, "locked": 15, "unprivileged": 10, "bare": 5}


def with_one_more_type(btf: bytes, number: int) -> bytes:
    """The BTF of another build: a typedef of `int` more, whose name has the number in it."""
    order = "<" if btf[:2] == b"\x9f\xeb" else ">"
    header = struct.Struct(f"{order}HBBIIIII")
    magic, version, flags, length, types_at, types_size, strings_at, strings_size = header.unpack_from(btf)
    strings = length + strings_at
    types = btf[length + types_at : length + types_at + types_size]
    # name, info (a typedef has kind 8), type: id 1 is an integer type in every kernel's BTF
    types += struct.pack(f"{order}III", strings_size, 8 << 24, 1)
    names = btf[strings : strings + strings_size] + f"preflight_variant_{number}\0".encode()
    # what a longer header tells of beside types and strings is optional, and left out
    head = header.pack(magic, version, flags, header.size, 0, len(types), len(types), len(names))
    return head + types + names


def variants(store: Store, count: int, folder: Path) -> list[Kernel]:
    """So many kernels, no two alike, put into a catalogue at `folder` as `fleet/NUMBER`."""
    names = store.names()
    target = Store(folder)
    made = []
    for number in range(count):
        kernel = store.get(names[number % len(names)])
        if number >= len(names):
            blob = Blob(data=with_one_more_type(kernel.contents.btf.read(), number))
            kernel = Kernel(kernel.identity, replace(kernel.contents, btf=blob), kernel.provenance)
        name = f"fleet/{number:04d}"
        target.add(kernel, name)
        made.append(target.get(name))
    return made


class Maker:
    """Documents by kernel and profile; what does not differ between hosts is made once."""

    def __init__(self, profiles: Sequence[str] = tuple(PROFILES)) -> None:
        self._base = recorded()
        self._profiles = {name: PROFILES[name](self._base) for name in profiles}
        self._kernels: dict[str, tuple[Any, Any]] = {}
        self._made: dict[tuple[str, str, int], dict[str, Any]] = {}

    def document(
        self, kernel: Kernel, profile: str, number: int, labels: Mapping[str, str]
    ) -> dict[str, Any]:
        """Host `number`'s document. Hosts differ in labels, name, time and a limit that decides nothing."""
        key = (kernel.name, profile, number % len(_MEMLOCK))
        if key not in self._made:
            self._made[key] = self._document(kernel, profile, _MEMLOCK[key[2]])
        minute = number % 60
        return {
            **self._made[key],
            "collected_at": f"2026-03-01T12:{minute:02d}Z",
            "labels": dict(labels),
            "host_key": f"host{number:08d}",
        }

    def _document(self, kernel: Kernel, profile: str, memlock: Memlock) -> dict[str, Any]:
        facts = self._profiles[profile]
        assert facts.context and facts.privilege
        context = replace(
            facts.context,
            release=kernel.release or "",
            machine=kernel.arch or "",
            byte_order=kernel.byteorder,
        )
        facts = replace(facts, context=context, privilege=replace(facts.privilege, memlock=memlock))
        known = None if kernel.name in self._kernels else kernel
        made = facts_document(
            facts, run_checks(facts), known, tool={"name": "preflight", "version": "0"}, collected_at="",
            labels={},
        )  # fmt: skip
        if known is not None:
            self._kernels[kernel.name] = made["kernel"], made["config"]
        made["kernel"], made["config"] = self._kernels[kernel.name]
        loaded: dict[str, Any] = json.loads(json.dumps(made))
        return loaded


def hosts(
    kernels: Sequence[Kernel], count: int, *, seed: int = 1, maker: Maker | None = None,
    weights: Sequence[float] | None = None,
) -> Iterator[Host]:  # fmt: skip
    """So many hosts; some kernels have many of them and most have few, unless `weights` says otherwise."""
    chosen = random.Random(seed)
    maker = maker or Maker()
    shares = weights or [1 / (1 + rank) for rank in range(len(kernels))]
    profiles = [name for name in _SHARES if name in PROFILES]
    for number in range(count):
        # every kernel has at least one host, where there are enough
        kernel = kernels[number] if number < len(kernels) else chosen.choices(kernels, shares)[0]
        profile = chosen.choices(profiles, [_SHARES[name] for name in profiles])[0]
        labels = {"zone": f"zone-{chosen.randrange(7)}", "rack": f"rack-{chosen.randrange(300)}"}
        yield Host(kernel.name, profile, number, maker.document(kernel, profile, number, labels))
