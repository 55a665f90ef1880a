# SPDX-License-Identifier: Apache-2.0
"""Objects on a host: needs are judged one by one and folded into ready, not-ready or undecided."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from preflight.findings.model import Finding, Severity, Verdict
from preflight.host.areas.helpers import HelperFacts, HelperRow
from preflight.host.areas.programs import ProgramFacts
from preflight.host.areas.surfaces import FunctionTarget
from preflight.host.judge import MACHINES, judge
from preflight.host.readiness import (
    Readiness,
    assess_object,
    attach_targets,
    is_placeholder,
    requirement_findings,
)
from preflight.objects import arch
from preflight.objects.load import load
from preflight.objects.model import BpfObject
from preflight.predict.core_findings import core_findings
from preflight.predict.needs import Need, object_needs
from preflight.predict.relocated import RelocatedObject
from tests.elfwriter import ElfWriter, exit_, helper, mov
from tests.host import areas_builder as areas
from tests.host import witness_builder as witnesses
from tests.host.surface_builder import NO, YES, surface_facts
from tests.predict.scenes import kernel, on, reader

#: The first helpers of enum bpf_func_id, as the kernel numbers them.
NAMES = ("", "map_lookup_elem", "map_update_elem", "map_delete_elem")


def table(*rows: HelperRow) -> HelperFacts:
    return witnesses.helpers(*rows, names=NAMES)


def made(*programs: tuple[str, str], helpers: tuple[int, ...] = ()) -> BpfObject:
    """An object with one program per (section, name)."""
    writer = ElfWriter()
    for section, name in programs:
        writer.code(section, [*(helper(n) for n in helpers), mov(0, 0), exit_()], functions=[name])
    writer.license()
    return load(writer.bytes(), "made.bpf.o")


def assessed(obj: BpfObject, *, core: Iterable[Finding] = (), **changes: object) -> Readiness:
    host = areas.host(
        **{
            "programs": witnesses.programs(name="kprobe"),
            "maps": witnesses.maps(),
            "helpers": table(HelperRow("socket_filter", "socket", "-uuu")),
            "surfaces": surface_facts(),
            **changes,
        }
    )
    return assess_object(obj, host, lambda _: None, lambda _: core)


def test_all_needs_met_is_ready() -> None:
    assert assessed(made(("socket", "ok"))).verdict == "ready"


def test_a_refused_helper_is_not_ready_and_named() -> None:
    row = HelperRow("socket_filter", "socket", "-uun")
    found = assessed(made(("socket", "ok"), helpers=(3,)), helpers=table(row))
    assert found.verdict == "not-ready"
    assert found.to_dict()["blocking"] == ["PH601[socket_filter/bpf_map_delete_elem]"]


def test_a_helper_nobody_could_decide_is_undecided_not_ready() -> None:
    row = HelperRow("socket_filter", "socket", "-uu?")
    found = assessed(made(("socket", "ok"), helpers=(3,)), helpers=table(row))
    assert found.verdict == "undecided"


def test_a_program_type_that_was_refused_is_blocked() -> None:
    found = assessed(made(("kprobe/f", "p")), programs=witnesses.programs(witnesses.DENIED, name="kprobe"))
    blocked = [u for u in found.unmet if u.judgement.code == "PH401"]
    assert [u.judgement.verdict for u in blocked] == [Verdict.BLOCKED]


CGROUP_HOOKS = pytest.mark.parametrize(
    ("section", "kind", "surface"),
    [
        ("cgroup_skb/egress", "cgroup_skb", "cgroup_skb"),
        ("cgroup/connect4", "cgroup_sock_addr", "cgroup_sock"),
        ("cgroup/sock_create", "cgroup_sock", "cgroup_sock"),
        ("cgroup/getsockopt", "cgroup_sockopt", "cgroup_sockopt"),
        ("cgroup/sysctl", "cgroup_sysctl", "cgroup_sysctl"),
        ("cgroup/dev", "cgroup_device", "cgroup_device"),
        ("sockops", "sock_ops", "sockops"),
    ],
)


@CGROUP_HOOKS
def test_without_control_groups_of_version_2_there_is_nothing_to_attach_to(
    section: str, kind: str, surface: str
) -> None:
    facts = surface_facts({surface: (YES, NO)})
    found = assessed(made((section, "p")), programs=witnesses.programs(name=kind), surfaces=facts)
    assert found.verdict == "not-ready"
    assert found.to_dict()["blocking"] == [f"PH711[{surface}]"]


@CGROUP_HOOKS
def test_with_them_a_program_that_loads_is_ready(section: str, kind: str, surface: str) -> None:
    found = assessed(made((section, "p")), programs=witnesses.programs(name=kind))
    assert (found.verdict, found.unmet) == ("ready", ())


def test_a_program_type_that_is_missing_is_told_before_what_it_attaches_to() -> None:
    facts = surface_facts({"cgroup_skb": (NO, NO)})
    denied = witnesses.programs(witnesses.DENIED, name="cgroup_skb")
    found = assessed(made(("cgroup_skb/egress", "p")), programs=denied, surfaces=facts)
    assert {one.judgement.code for one in found.unmet} == {"PH401"}


def test_areas_nobody_collected_are_unknown() -> None:
    found = assessed(made(("socket", "ok"), helpers=(3,)), programs=None, helpers=None, surfaces=None)
    assert found.verdict == "undecided"


def test_an_object_without_programs_to_load_is_undecided() -> None:
    assert assessed(made(("?socket", "off"))).verdict == "undecided"


def test_a_fatal_relocation_stops_an_object_whose_other_needs_are_met() -> None:
    fatal = Finding("PC201", Verdict.MISSING, Severity.REQUIRED, "made", subject="p/struct s.f")
    obj = reader("pid")
    host = areas.host(
        programs=witnesses.programs(name="raw_tracepoint"),
        maps=witnesses.maps(),
        helpers=witnesses.helpers(),
        surfaces=surface_facts(),
    )
    found = assess_object(obj, host, lambda o: on(o, kernel(["pid"])), lambda _: [fatal])
    assert found.verdict == "not-ready"
    assert "PC201[p/struct s.f]" in found.to_dict()["blocking"]


def test_relocations_are_judged_by_the_engine() -> None:
    host = areas.host(surfaces=surface_facts(), programs=witnesses.programs(name="raw_tracepoint"))

    def relocate(obj: BpfObject) -> RelocatedObject:
        return on(obj, kernel(["pid"]))

    guarded = assess_object(reader("gone", guarded=True), host, relocate, core_findings)
    fatal = assess_object(reader("gone"), host, relocate, core_findings)
    assert not any(f.code == "PC201" for f in guarded.findings)
    assert any(f.code == "PC201" for f in fatal.findings)


def test_programs_for_one_event_are_alternatives_as_long_as_one_works() -> None:
    obj = made(("kprobe/vfs_read", "old"), ("fentry/vfs_read", "new"))
    denied = witnesses.programs(witnesses.DENIED, name="tracing")
    types = (*witnesses.programs(name="kprobe").types, *denied.types[1:])
    target = FunctionTarget("vfs_read", in_btf=True, in_kallsyms=True, in_filter=True, blacklisted=False)
    found = assessed(
        obj, programs=ProgramFacts(types, (), "btf"), surfaces=surface_facts(functions=(target,))
    )
    assert found.open == ("new",)
    assert not any(u.need.program == "new" for u in found.unmet)


@pytest.mark.parametrize(
    ("name", "expected"), [("dummy_file_read", True), ("vfs_read", False), ("foo", True)]
)
def test_placeholders_are_open(name: str, expected: bool) -> None:
    assert is_placeholder(Need("function", name, "p", "kprobe", "why")) is expected


def test_attach_targets_are_looked_up_once() -> None:
    obj = made(("kprobe/vfs_read", "a"), ("kretprobe/vfs_read", "b"), ("tp/sched/sched_switch", "c"))
    functions, tracepoints = attach_targets(object_needs(obj))
    assert functions == ("vfs_read",)
    assert tracepoints == (("sched", "sched_switch"),)


def test_required_findings_say_who_needs_them() -> None:
    row = HelperRow("socket_filter", "socket", "-uun")
    readiness = assessed(made(("socket", "ok"), helpers=(3,)), helpers=table(row))
    found = {f.code: f for f in requirement_findings([readiness]) if f.verdict is Verdict.MISSING}
    assert found["PH601"].severity is Severity.REQUIRED
    assert found["PH601"].needed_by == ("made.bpf.o: called by ok",)
    assert found["PH601"].location is not None
    assert found["PH601"].location.section == "socket"


@pytest.mark.parametrize(
    ("arch", "machine", "verdict"),
    [
        ("x86_64", "x86_64", Verdict.OK),
        ("x86_64", "aarch64", Verdict.MISSING),
        ("aarch64", "aarch64", Verdict.OK),
        ("vax", "x86_64", Verdict.UNKNOWN),
    ],
)
def test_an_object_for_another_architecture(arch: str, machine: str, verdict: Verdict) -> None:
    need = Need("arch", arch, "", "", "its source reads registers")
    assert judge(need, areas.host(context=areas.context(machine=machine))).verdict is verdict


def test_every_architecture_an_object_can_show_is_judged() -> None:
    assert {machine for _, machine in arch._MARKS} <= set(MACHINES)
    for machine in MACHINES:
        assert machine in MACHINES[machine]


def test_unreadable_btf_is_unknown_not_missing() -> None:
    need = Need("btf", "vmlinux", "", "", "1 CO-RE relocations")
    assert judge(need, areas.host(btf=areas.without_btf("forbidden"))).verdict is Verdict.UNKNOWN


def test_a_helper_the_enum_does_not_have_is_missing() -> None:
    need = Need("helper", "bpf_made_up", "p", "xdp", "called by p", number=999)
    facts = table(HelperRow("xdp", "xdp", "-uuu"))
    assert judge(need, areas.host(helpers=facts)).verdict is Verdict.MISSING


def test_the_best_way_to_load_a_type_decides_its_helpers() -> None:
    need = Need("helper", "bpf_map_lookup_elem", "p", "tracing", "called by p", number=1)
    rows = [HelperRow("tracing", "tp_btf", "-u"), HelperRow("tracing", "fentry", "-d")]
    assert judge(need, areas.host(helpers=table(*rows))).verdict is Verdict.OK


def test_a_helper_left_out_for_the_kernel_log_is_inferred_from_its_neighbour() -> None:
    need = Need("helper", "bpf_trace_printk", "p", "xdp", "called by p", number=2)
    names = ("", "get_current_task", "trace_printk")

    def verdict(states: str) -> Verdict:
        facts = witnesses.helpers(HelperRow("xdp", "xdp", states), names=names, not_probed=("trace_printk",))
        return judge(need, areas.host(helpers=facts)).verdict

    assert verdict("-u?") is Verdict.OK
    assert verdict("-n?") is Verdict.UNKNOWN
