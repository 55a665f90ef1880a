# SPDX-License-Identifier: Apache-2.0
"""Collects PH6xx: the helper table by trial loads, bpftool's lists beside it, kfuncs by BTF, abilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from preflight.host.areas.helpers import LETTERS, NOT_TRIED, Claims, HelperFacts, HelperNote, HelperRow
from preflight.host.areas.instruments import Bpftool
from preflight.host.areas.programs import Trial
from preflight.host.bpf.attrs import ProgFlag
from preflight.host.bpf.classify import HelperAnswer, HelperState, Meaning, classify_helper
from preflight.host.bpf.helper_loop import probe_helpers
from preflight.host.bpf.helper_names import HELPERS, LOGGING
from preflight.host.bpf.implementations import PROGRAM_TYPES
from preflight.host.bpf.vehicles import COMMON_TYPES, VEHICLES, Target, Vehicle
from preflight.host.collect.abilities import collect_features, collect_limit
from preflight.host.collect.loading import NOT_LIVE, Loader, Ready, memlock_raised
from preflight.host.collect.session import Session
from preflight.host.collect.witnesses import Witnesses, witnesses

_PREFIX = "BPF_FUNC_"
_LETTER = {HelperState(name): letter for letter, name in LETTERS.items()}
#: Helper ids beyond this are not believed; the kernel stopped at 211 in favour of kfuncs.
_MAX_ID = 1023
_STATISTICS = b"verification time "


def collect(session: Session) -> HelperFacts:
    """The table over every way of loading, and what verifier and instruction set can do."""
    shared = witnesses(session)
    enum = shared.types.enum("bpf_func_id")
    names = helper_names(enum)
    options = session.options
    skipped = frozenset() if options.full else LOGGING
    needed = frozenset(options.program_types)
    ids = [i for i, name in enumerate(names) if name and name not in skipped]
    rows: list[HelperRow] = []
    loads = 0
    with memlock_raised(), Loader(shared.types, session.system.release, shared.trials) as loader:
        # An extension may call what the program it extends may call, so it has no row of its own.
        for vehicle in (v for v in VEHICLES if session.is_live and v.target is not Target.PROGRAM):
            wanted = options.full or vehicle.type in COMMON_TYPES or vehicle.type.name.lower() in needed
            table = _Prober(shared, loader, names, ids if wanted else None)
            rows += table.rows(vehicle)
            loads += table.loads
        features = collect_features(loader, shared.types) if session.is_live else ()
        limit = collect_limit(loader) if session.is_live else NOT_LIVE
    return HelperFacts(
        names=names,
        names_from="table" if enum is None else "btf",
        rows=tuple(rows),
        claims=claims_by_id(shared.bpftool.value, names),
        features=features,
        limit=limit,
        kfuncs=shared.types.kfuncs(),
        not_probed=tuple(sorted(skipped & set(names))),
        loads=loads,
    )


def helper_names(enum: dict[str, int] | None) -> tuple[str, ...]:
    """Names by id from `enum bpf_func_id`, or preflight's table without it."""
    if enum is None:
        return HELPERS
    found = {
        number: name.removeprefix(_PREFIX)
        for name, number in enum.items()
        if name.startswith(_PREFIX) and 0 < number <= _MAX_ID
    }
    return tuple(found.get(i, "") for i in range(max(found, default=0) + 1))


def claims_by_id(bpftool: Bpftool | None, names: Sequence[str]) -> tuple[Claims, ...]:
    """bpftool's lists as letters by id. A type it lists nothing for made no claim that can be compared."""
    if bpftool is None:
        return ()
    return tuple(
        Claims(kind, "".join("-" if not name else "y" if name in listed else "n" for name in names))
        for kind, names_listed in bpftool.helpers.items()
        if (listed := frozenset(names_listed))
    )


@dataclass(slots=True)
class _Prober:
    """Probes all helpers for one vehicle, and for its sleepable twin where the table has none.

    With `ids` None nothing is probed, and the row of a vehicle that loads says so.
    """

    shared: Witnesses
    loader: Loader
    names: Sequence[str]
    ids: Sequence[int] | None
    loads: int = 0

    def rows(self, vehicle: Vehicle) -> list[HelperRow]:
        """The row of a vehicle, and one of its sleepable twin when the kernel loads that."""
        rows = [self._row(vehicle)]
        twin = replace(vehicle, name=f"{vehicle.name}.s", flags=vehicle.flags | int(ProgFlag.SLEEPABLE))
        listed = any((v.type, v.attach, v.flags) == (twin.type, twin.attach, twin.flags) for v in VEHICLES)
        if not vehicle.sleepable and not listed and rows[0].reason == "" and self.loader.trial(twin).works:
            rows.append(self._row(twin))
        return rows

    def _row(self, vehicle: Vehicle) -> HelperRow:
        base = self.loader.trial(vehicle)
        kind = vehicle.type.name.lower()
        if not base.works:
            letter, reason = self._whole_row(kind, vehicle, base)
            return HelperRow(kind, vehicle.name, self._filled(letter), reason=reason)
        if self.ids is None:
            return HelperRow(kind, vehicle.name, self._filled("?"), reason=NOT_TRIED)
        letters = ["-" if not name else "?" for name in self.names]
        notes: list[HelperNote] = []
        # The same few hundred answers come thousands of times; each is read once per vehicle.
        read: dict[tuple[int, bytes], tuple[str, str]] = {}
        for helper, error, log in self._probe(self.loader.ready(vehicle), self.ids):
            answer = (error, log.partition(_STATISTICS)[0])
            if answer not in read:
                state, note = settle(_classify(*answer), vehicle)
                read[answer] = (_LETTER[state], note)
            letters[helper], note = read[answer]
            if note:
                notes.append(HelperNote(self.names[helper], note))
        self.loads += len(self.ids)
        return HelperRow(kind, vehicle.name, "".join(letters), tuple(notes))

    def _probe(self, ready: Ready, ids: Sequence[int]) -> Iterator[tuple[int, int, bytes]]:
        return probe_helpers(
            ids,
            prog_type=ready.vehicle.type,
            expected_attach_type=ready.attach_type,
            prog_flags=ready.vehicle.flags,
            attach_btf_id=ready.attach_btf_id,
            attach_fd=ready.attach_fd,
            btf_fd=ready.btf_fd,
            func_info=ready.func_info,
            kern_version=self.loader.kern_version,
        )

    def _filled(self, letter: str) -> str:
        return "".join(letter if name else "-" for name in self.names)

    def _whole_row(self, kind: str, vehicle: Vehicle, base: Trial) -> tuple[str, str]:
        """Letter and reason for all helpers of a vehicle whose minimal program does not load."""
        said = f"{base.errno}{': ' + base.line if base.line else ''}"
        if base.denied:
            return "d", f"no program of this kind loads here ({said})"
        attach = f"BPF_{vehicle.attach.name}" if vehicle.attach is not None else ""
        if attach and self.shared.types.enum_has("bpf_attach_type", attach) is False:
            return "n", f"the kernel has no attach type {attach}"
        if base.state == "unsupported" and base.line:
            return "n", f"the kernel does not take such programs ({said})"
        if base.state == "unsupported":
            enum = self.shared.types.enum_has("bpf_prog_type", f"BPF_PROG_TYPE_{kind.upper()}")
            if enum is False or self.shared.types.has_func(PROGRAM_TYPES.get(kind)) is False:
                return "n", f"the kernel has no such programs ({said})"
        return "?", base.reason or f"no program of this kind could be loaded ({said})"


@lru_cache(maxsize=4096)
def _classify(error: int, log: bytes) -> HelperAnswer:
    """The log as text, classified; the answers of one kind of program mostly come again in the next."""
    return classify_helper(error, log.decode("utf-8", "backslashreplace"))


def settle(answer: HelperAnswer, vehicle: Vehicle) -> tuple[HelperState, str]:
    """The state for this very way of loading, and a note where it needs one.

    What wants a sleepable program, another attach type or another target is not callable from
    here; only where the attach target decides may another target of the same kind differ.
    """
    match answer.meaning:
        case Meaning.WANTS_SLEEPABLE:
            return HelperState.NOT_FOR_TYPE, "only in sleepable programs"
        case Meaning.OTHER_ATTACH:
            return HelperState.NOT_FOR_TYPE, "only for fentry, fexit and fmod_ret"
        case Meaning.OTHER_TARGET if vehicle.target is Target.NONE:
            return HelperState.NOT_FOR_TYPE, "not allowed for programs of this kind"
        case Meaning.OTHER_TARGET:
            return HelperState.INCONCLUSIVE, "allowed for some attach targets only"
        case None if answer.line:
            return answer.state, f"unread answer, please report: {answer.line}"
    return answer.state, ""
