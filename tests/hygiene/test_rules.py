# SPDX-License-Identifier: Apache-2.0
"""The rules beyond one case per code: what must not be said."""

from __future__ import annotations

from preflight.findings.model import Severity
from preflight.hygiene.calls import calls
from preflight.hygiene.lint import lint
from tests.elfwriter import Ins, load_address, mov
from tests.hygiene.made import (
    DELETE,
    HASH,
    LOOKUP,
    LRU,
    OUTPUT,
    RING,
    SMALL,
    UPDATE,
    found,
    if_zero,
    made,
    on,
    one,
)


def test_a_probe_beside_fentry_for_the_same_function_is_a_fallback() -> None:
    obj = made({"old": ("kprobe/vfs_open", []), "new": ("fentry/vfs_open", [])})
    assert found(obj, "PT101") == []


def test_a_probe_without_an_event_is_told_of_fentry_but_as_information() -> None:
    (one_,) = found(one("kretprobe/vfs_open"), "PT101")
    assert (one_.severity, one_.data["alternative"]) == (Severity.INFO, "fexit/vfs_open")


def test_a_probe_inside_a_function_has_no_alternative() -> None:
    assert found(one("kprobe/vfs_open+0x10"), "PT101") == []


def test_a_hash_with_small_keys_is_bounded() -> None:
    assert found(one("kprobe/f", *on("seen", UPDATE), seen=SMALL), "PT103") == []


def test_a_hash_that_is_never_written_by_a_program_is_user_spaces_own() -> None:
    assert found(one("kprobe/f", *on("seen", LOOKUP), seen=HASH), "PT103") == []


def test_a_delete_on_a_map_nobody_can_tell_excuses_all() -> None:
    insns = [*on("seen", UPDATE), Ins(0x79, 1, 10, off=-8), DELETE]
    assert found(one("kprobe/f", *insns, seen=HASH), "PT103") == []


def test_a_full_hash_that_is_counted_only_grows_until_it_says_so() -> None:
    counted = [*on("seen", UPDATE), if_zero(0, 3), *on("lost", LOOKUP)]
    obj = one("kprobe/f", *counted, seen=HASH, lost={**SMALL, "type": 6})
    assert found(obj, "PT103") == []


def test_results_that_a_return_writes_are_no_start_records() -> None:
    obj = made(
        {
            "begin": ("kprobe/f", on("counts", UPDATE)),
            "end": ("kretprobe/f", [*on("counts", LOOKUP), *on("counts", UPDATE)]),
        },
        {"counts": LRU},
    )
    assert found(obj, "PT106") == []


def test_an_output_whose_result_nobody_looks_at_loses_silently() -> None:
    assert found(one("kprobe/f", *on("events", OUTPUT), events=RING), "PT104") != []


def test_a_perf_buffer_counts_its_own_losses() -> None:
    perf = one("kprobe/f", load_address(2, "events"), Ins(0x85, imm=25), events={**SMALL, "type": 4})
    assert found(perf, "PT104") == []


def test_a_map_pointer_is_followed_through_copies_and_lost_where_paths_differ() -> None:
    straight = one("kprobe/f", load_address(6, "a"), Ins(0xBF, 1, 6), UPDATE, a=HASH)
    assert [call.map for call in calls(straight, straight.programs[0])] == ["a"]
    either = one(
        "kprobe/f",
        load_address(1, "a"),
        if_zero(2, 2),
        load_address(1, "b"),
        UPDATE,
        a=HASH,
        b=LRU,
    )
    assert [call.map for call in calls(either, either.programs[0])] == [None]


def test_an_endless_loop_in_a_program_ends_the_rules() -> None:
    assert lint(one("kprobe/f", mov(0, 0), Ins(0x05, off=-2))) is not None


def test_findings_name_their_place() -> None:
    (finding,) = found(one("kprobe/f", *on("events", OUTPUT), events=RING), "PT104")
    assert finding.location is not None
    assert (finding.location.object, finding.location.insn) == ("made.bpf.o", 2)
