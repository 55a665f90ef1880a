# SPDX-License-Identifier: Apache-2.0
"""Collecting surfaces from made-up roots: nothing here asks the running kernel."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight.btf import Btf
from preflight.facts import Evidence, Fact, known, unknown
from preflight.host.areas.surfaces import Answer, CgroupMode, NetModule, PerfEvents, Tracefs
from preflight.host.collect import kconfig
from preflight.host.collect import surface_witnesses as witness
from preflight.host.collect.attach_libbpf import usdt_program
from preflight.host.collect.attach_trial import Outcome
from preflight.host.collect.ktypes import KernelTypes
from preflight.host.collect.libbpf import Loaded
from preflight.host.collect.session import Session
from preflight.host.collect.surface_attach import _answer
from preflight.host.collect.surface_loads import TrialLoads
from preflight.host.collect.surface_network import network_modules
from preflight.host.collect.surface_targets import TargetLists
from preflight.host.collect.surfaces import OPTIONS, collect, read_cgroup, read_tracefs
from preflight.host.collect.tracer_features import collect_features, read_answer
from preflight.host.surface_data import surface_entries
from preflight.host.system import System
from tests.btfwriter import BtfWriter

RELEASE = "6.1.0-test"
YES = Answer("yes", "measured", (Evidence("trial-load", "loaded"),))


def mountinfo(*mounts: tuple[str, str, str]) -> str:
    """Lines of mountinfo from (mount point, type, super options)."""
    return "".join(
        f"{n} 1 0:{n} / {point} rw - {fstype} none {options}\n"
        for n, (point, fstype, options) in enumerate(mounts, 20)
    )


def host(tmp_path: Path, files: Mapping[str, str], *, magics: Mapping[str, int] | None = None) -> System:
    for name, content in files.items():
        path = tmp_path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return System(tmp_path, release=RELEASE, machine="x86_64", magics=magics or {})


# --- tracefs


def test_tracefs_mounted_nowhere(tmp_path: Path) -> None:
    fact = read_tracefs(host(tmp_path, {"/proc/self/mountinfo": mountinfo(("/sys", "sysfs", "rw"))}))
    assert fact.value == Tracefs(None, False)


def test_tracefs_at_its_usual_place_with_its_files(tmp_path: Path) -> None:
    files = {
        "/proc/self/mountinfo": mountinfo(("/sys/kernel/tracing", "tracefs", "rw")),
        "/sys/kernel/tracing/events/enable": "0",
        "/sys/kernel/tracing/uprobe_events": "",
        "/sys/kernel/tracing/trace": "",
    }
    value = read_tracefs(host(tmp_path, files)).value
    assert value == Tracefs("/sys/kernel/tracing", True, ("events", "uprobe_events"))


def test_tracefs_is_unknown_where_neither_proc_nor_sys_can_be_read(tmp_path: Path) -> None:
    fact = read_tracefs(host(tmp_path, {}))
    assert not fact.is_known
    assert fact.decided_by


def test_a_tracefs_outside_sys_does_not_give_its_path_away(tmp_path: Path) -> None:
    files = {"/proc/self/mountinfo": mountinfo(("/home/canary/t", "tracefs", "rw"))}
    fact = read_tracefs(host(tmp_path, files))
    assert "canary" not in repr(fact)


# --- control groups

V1 = ("/sys/fs/cgroup/cpu", "cgroup", "rw,cpu,cpuacct")
V1_NAMED = ("/sys/fs/cgroup/systemd", "cgroup", "rw,name=systemd")
CGROUPS = [
    ([("/sys/fs/cgroup", "cgroup2", "rw")], "v2", "/sys/fs/cgroup"),
    ([V1, ("/sys/fs/cgroup/unified", "cgroup2", "rw")], "hybrid", "/sys/fs/cgroup/unified"),
    ([V1], "v1", None),
    ([("/proc", "proc", "rw")], "none", None),
    ([V1_NAMED, ("/sys/fs/cgroup", "cgroup2", "rw")], "v2", "/sys/fs/cgroup"),
]


@pytest.mark.parametrize(("mounts", "mode", "path"), CGROUPS)
def test_cgroup_mode_from_the_mount_table(
    tmp_path: Path, mounts: list[tuple[str, str, str]], mode: str, path: str | None
) -> None:
    files = {"/proc/self/mountinfo": mountinfo(*mounts)}
    if path:
        files[f"{path}/cgroup.controllers"] = "cpu memory\n"
    value = read_cgroup(host(tmp_path, files)).value
    assert value is not None
    assert (value.mode, value.v2_path) == (mode, path)
    assert value.v2_controllers == (("cpu", "memory") if path else ())


def test_cgroup_mode_by_magic_number_without_proc(tmp_path: Path) -> None:
    system = host(
        tmp_path,
        {"/sys/fs/cgroup/unified/cgroup.controllers": ""},
        magics={"/sys/fs/cgroup/unified": 0x63677270, "/sys/fs/cgroup": 0x01021994},
    )
    value = read_cgroup(system).value
    assert value is not None
    assert (value.mode, value.v2_path) == ("hybrid", "/sys/fs/cgroup/unified")


def test_cgroup_mode_is_unknown_when_nothing_tells(tmp_path: Path) -> None:
    assert not read_cgroup(host(tmp_path, {})).is_known


# --- network modules

NO_CONFIG: Fact[dict[str, str]] = unknown("no kernel configuration could be read")
MODULES = f"/lib/modules/{RELEASE}"
NETWORK = [
    (known({"NET_CLS_BPF": "y"}), {}, "built-in"),
    (known({"NET_CLS_BPF": "n"}), {}, "absent"),
    (known({"NET_CLS_BPF": "m"}), {"/sys/module/cls_bpf/refcnt": "0"}, "loaded"),
    (
        known({"NET_CLS_BPF": "m"}),
        {f"{MODULES}/modules.dep": "kernel/net/sched/cls_bpf.ko.xz: kernel/x.ko\n"},
        "available",
    ),
    (NO_CONFIG, {f"{MODULES}/modules.builtin": "kernel/net/sched/cls_bpf.ko\n"}, "built-in"),
    (NO_CONFIG, {f"{MODULES}/modules.dep": "kernel/net/sched/cls_bpf_other.ko:\n"}, "unknown"),
    (NO_CONFIG, {f"{MODULES}/modules.dep": "kernel/a.ko: kernel/net/sched/cls_bpf.ko\n"}, "unknown"),
    (known({"NET_CLS_BPF": "m"}), {}, "unknown"),
]


@pytest.mark.parametrize(("config", "files", "state"), NETWORK)
def test_network_module(
    tmp_path: Path, config: Fact[dict[str, str]], files: dict[str, str], state: str
) -> None:
    assert network_modules(host(tmp_path, files), config)[0].state == state


# --- targets


def lists(
    tmp_path: Path, files: Mapping[str, str], *, traced: bool = False, btf: Btf | None = None
) -> TargetLists:
    trace = Tracefs("/sys/kernel/tracing", True, ("events",)) if traced else Tracefs(None, False)
    mounts = mountinfo(
        *([("/sys/kernel/tracing", "tracefs", "rw")] if traced else []), ("/sys", "sysfs", "rw")
    )
    return TargetLists(
        host(tmp_path, {"/proc/self/mountinfo": mounts, **files}), known(trace), KernelTypes(btf)
    )


KALLSYMS = """\
ffffffff81000000 T vfs_read
ffffffff81000010 t split_me.part.0
ffffffff81000020 t split_me.cold
ffffffff81000030 t xvfs_open
ffffffff81000040 T __traceiter_sched_switch
ffffffffc0000000 t in_module\t[mod]
ffffffffc0000010 t __traceiter_mod_event\t[mod]
"""


def test_functions_in_kallsyms(tmp_path: Path) -> None:
    found = lists(tmp_path, {"/proc/kallsyms": KALLSYMS}).functions(
        ["vfs_read", "vfs_open", "split_me", "in_module"]
    )
    assert [one.in_kallsyms for one in found] == [True, False, False, True]
    assert found[2].variants == ("split_me.cold", "split_me.part.0")
    assert {one.in_filter for one in found} == {None}


def test_functions_ftrace_can_hook(tmp_path: Path) -> None:
    files = {
        "/proc/kallsyms": KALLSYMS,
        "/sys/kernel/tracing/available_filter_functions": "vfs_read\nin_module [mod]\n",
    }
    found = lists(tmp_path, files, traced=True).functions(["vfs_read", "xvfs_open", "in_module"])
    assert [one.in_filter for one in found] == [True, False, True]


def test_functions_on_the_blacklist(tmp_path: Path) -> None:
    files = {
        "/proc/kallsyms": KALLSYMS,
        "/sys/kernel/debug/kprobes/blacklist": "0xffffffff81000000-0xffffffff81000008\tvfs_read\n",
    }
    found = lists(tmp_path, files).functions(["vfs_read", "xvfs_open"])
    assert [one.blacklisted for one in found] == [True, False]


def test_without_any_list_nothing_is_said_of_a_function(tmp_path: Path) -> None:
    (found,) = lists(tmp_path, {}).functions(["vfs_read"])
    assert (found.in_btf, found.in_kallsyms, found.in_filter, found.blacklisted) == (None,) * 4
    assert any("kallsyms" in why for why in found.unread)


def test_an_empty_blacklist_forbids_nothing(tmp_path: Path) -> None:
    files = {"/proc/kallsyms": KALLSYMS, "/sys/kernel/debug/kprobes/blacklist": ""}
    assert lists(tmp_path, files).functions(["vfs_read"])[0].blacklisted is False


def test_functions_in_btf(tmp_path: Path) -> None:
    writer = BtfWriter()
    writer.func("vfs_read", writer.func_proto())
    found = lists(tmp_path, {}, btf=Btf.parse(writer.bytes())).functions(["vfs_read", "vfs_write"])
    assert [one.in_btf for one in found] == [True, False]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a b", "", "x" * 5000, "f\n", "\x1b[2J"])
def test_impossible_names_are_looked_up_nowhere(tmp_path: Path, name: str) -> None:
    source = lists(tmp_path, {"/proc/kallsyms": KALLSYMS}, traced=True)
    assert source.functions([name])[0].in_kallsyms is False
    assert source.tracepoints([("sched", name)])[0].event is False


def test_tracepoints_by_event_and_by_symbol(tmp_path: Path) -> None:
    files = {"/proc/kallsyms": KALLSYMS, "/sys/kernel/tracing/events/sched/sched_switch/id": "300\n"}
    found = lists(tmp_path, files, traced=True).tracepoints(
        [("sched", "sched_switch"), ("sched", "gone"), ("", "mod_event")]
    )
    assert [one.event for one in found] == [True, False, None]
    assert [one.symbol for one in found] == [True, False, True]


def test_kernels_without_traceiter_symbols_say_nothing_of_tracepoints(tmp_path: Path) -> None:
    (found,) = lists(tmp_path, {"/proc/kallsyms": "ffffffff81000000 T vfs_read\n"}).tracepoints([("", "x")])
    assert found.symbol is None


def test_tracepoints_in_btf(tmp_path: Path) -> None:
    writer = BtfWriter()
    writer.typedef("btf_trace_sched_switch", 0)
    found = lists(tmp_path, {}, btf=Btf.parse(writer.bytes())).tracepoints([("", "sched_switch"), ("", "x")])
    assert [one.typed for one in found] == [True, False]


@given(kallsyms=st.binary(max_size=400), name=st.text(max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_list_and_no_name_makes_the_lookup_fail(tmp_path: Path, kallsyms: bytes, name: str) -> None:
    (tmp_path / "proc").mkdir(exist_ok=True)
    (tmp_path / "proc" / "kallsyms").write_bytes(kallsyms)
    source = TargetLists(System(tmp_path, release=RELEASE), known(Tracefs(None, False)), KernelTypes(None))
    (function,) = source.functions([name])
    (event,) = source.tracepoints([("sched", name)])
    if function.in_kallsyms:
        assert name.encode() in kallsyms
    if event.symbol:
        assert b"__traceiter_" + name.encode() in kallsyms


# --- witnesses


def view(**changes: object) -> witness.View:
    base = witness.View(
        tracefs=known(Tracefs(None, False)),
        pmus=known(("software", "tracepoint")),
        pmu_formats={},
        config=NO_CONFIG,
        ftrace_enabled=unknown("no /proc"),
        perf=known(PerfEvents("ok", "ok")),
        cgroup=known(CgroupMode("v2", "/sys/fs/cgroup", (), (), True)),
        network=(),
        lsm=unknown("securityfs is not mounted", decided_by="mount it"),
        btf_read=False,
        names=frozenset(),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


MULTI = frozenset({"BPF_TRACE_KPROBE_MULTI", "BPF_TRACE_UPROBE_MULTI", "BPF_TCX_INGRESS"})
READABLE = known(Tracefs("/sys/kernel/tracing", True, ("events",)))
WITNESSES: list[tuple[str, dict[str, object], str]] = [
    ("kprobe-source", {"pmus": known(("kprobe",))}, "yes"),
    ("kprobe-source", {"tracefs": known(Tracefs("/t", True, ("kprobe_events",)))}, "yes"),
    # Only an old kernel has neither source; without tracefs and configuration nothing is decided.
    ("kprobe-source", {}, "unknown"),
    # The two sources came with one kernel, so one of them proves the other absent.
    ("kprobe-source", {"pmus": known(("uprobe",))}, "no"),
    ("kprobe-source", {"config": known({"KPROBES": "n"})}, "no"),
    ("kprobe-source", {"config": known({"KPROBES": "y"})}, "unknown"),
    ("kprobe-source", {"tracefs": READABLE}, "no"),
    ("kprobe-source", {"pmus": unknown("no sysfs")}, "unknown"),
    ("uprobe-source", {"pmus": known(("uprobe",))}, "yes"),
    ("uprobe-source", {"pmus": known(("kprobe",))}, "no"),
    ("uretprobe-source", {"pmu_formats": {"uprobe": ("ref_ctr_offset", "retprobe")}}, "yes"),
    ("uretprobe-source", {"pmu_formats": {"uprobe": ("ref_ctr_offset",)}}, "no"),
    ("uretprobe-source", {}, "unknown"),
    ("perf-open", {"perf": known(PerfEvents("EACCES", "EACCES"))}, "blocked"),
    ("perf-open", {"perf": known(PerfEvents("ENOSYS", "ENOSYS"))}, "unknown"),
    ("perf-open", {"perf": unknown("not this kernel")}, "unknown"),
    ("perf-open", {}, "yes"),
    ("tracepoint-ids", {}, "blocked"),
    ("tracepoint-ids", {"tracefs": READABLE}, "yes"),
    ("tracepoint-ids", {"tracefs": known(Tracefs("/sys/kernel/tracing", False))}, "blocked"),
    ("tracepoint-ids", {"tracefs": unknown("no /proc")}, "unknown"),
    ("trampoline", {}, "unknown"),
    ("trampoline", {"config": known({"DYNAMIC_FTRACE_WITH_DIRECT_CALLS": "y"})}, "yes"),
    ("trampoline", {"config": known({"KPROBES": "y"})}, "no"),
    (
        "trampoline",
        {"config": known({"DYNAMIC_FTRACE_WITH_DIRECT_CALLS": "y"}), "ftrace_enabled": known(0)},
        "no",
    ),
    ("bpf-lsm", {"lsm": known(("capability", "bpf"))}, "yes"),
    ("bpf-lsm", {"lsm": known(("capability",))}, "no"),
    ("bpf-lsm", {}, "unknown"),
    # Built in says nothing of the boot parameters.
    ("bpf-lsm", {"config": known({"BPF_LSM": "y"})}, "unknown"),
    ("bpf-lsm", {"config": known({"BPF_LSM": "n"})}, "no"),
    ("fprobe", {}, "unknown"),
    ("fprobe", {"config": known({"FPROBE": "n"})}, "no"),
    ("fprobe", {"btf_read": True}, "no"),
    ("fprobe", {"btf_read": True, "names": MULTI}, "unknown"),
    ("fprobe", {"btf_read": True, "names": MULTI | {"register_fprobe"}}, "yes"),
    ("uprobe-multi", {}, "unknown"),
    ("uprobe-multi", {"btf_read": True}, "no"),
    ("uprobe-multi", {"btf_read": True, "names": MULTI, "pmus": known(("uprobe",))}, "yes"),
    ("uprobe-multi", {"btf_read": True, "names": MULTI, "pmus": known(("kprobe",))}, "no"),
    ("cgroup2", {}, "yes"),
    ("cgroup2", {"cgroup": known(CgroupMode("v1", None, ("cpu",), (), False))}, "blocked"),
    ("cgroup2", {"cgroup": unknown("no /proc")}, "unknown"),
    ("clsact", {}, "unknown"),
    (
        "clsact",
        {"network": (NetModule("cls_bpf", "absent", "n"), NetModule("sch_ingress", "unknown", ""))},
        "no",
    ),
    (
        "clsact",
        {"network": (NetModule("cls_bpf", "loaded", ""), NetModule("sch_ingress", "available", ""))},
        "yes",
    ),
    ("tcx", {}, "unknown"),
    ("tcx", {"btf_read": True}, "no"),
    ("tcx", {"btf_read": True, "names": MULTI}, "unknown"),
    ("tcx", {"btf_read": True, "names": MULTI, "config": known({"NET_XGRESS": "y"})}, "yes"),
    ("struct-ops", {"btf_read": True}, "unknown"),
]


@pytest.mark.parametrize(("name", "changes", "state"), WITNESSES)
def test_witness(name: str, changes: dict[str, object], state: str) -> None:
    answer = witness.WITNESSES[name](view(**changes))
    assert answer.state == state
    assert answer.evidence or answer.reason
    if state != "yes":
        assert answer.reason


def test_every_need_of_the_table_has_a_witness() -> None:
    assert {need for entry in surface_entries().values() for need in entry.needs} == set(witness.WITNESSES)


def test_the_worst_witness_decides_and_comes_first() -> None:
    answer = witness.attachable(view(pmus=known(("uprobe",))), ("perf-open", "kprobe-source"), YES)
    assert answer.state == "no"
    assert "kprobe" in answer.evidence[0].detail


REFUSED = Answer("blocked", "measured", (Evidence("trial-load", "EPERM"),), "refused", "be root")


def test_what_does_not_load_cannot_be_attached() -> None:
    assert witness.attachable(view(), ("perf-open",), REFUSED).state == "blocked"


def test_a_kernel_without_the_surface_is_told_from_a_caller_who_may_not() -> None:
    answer = witness.attachable(view(pmus=known(("uprobe",))), ("kprobe-source",), REFUSED)
    assert answer.state == "no"


def test_unknown_loading_leaves_attaching_unknown_unless_a_witness_says_no() -> None:
    undecided = Answer("unknown", "none", (), "no BTF")
    assert witness.attachable(view(), ("perf-open",), undecided).state == "unknown"
    assert witness.attachable(view(pmus=known(("uprobe",))), ("kprobe-source",), undecided).state == "no"


# --- trial loads without a kernel


def test_typed_surfaces_are_unknown_without_btf() -> None:
    loads = TrialLoads(KernelTypes(None), live=False)
    assert {loads.answer(entry).state for entry in surface_entries().values()} == {"unknown"}


def test_a_target_that_btf_does_not_list_is_unknown_and_not_missing() -> None:
    answer = TrialLoads(KernelTypes(Btf.parse(BtfWriter().bytes()))).answer(surface_entries()["fentry"])
    assert answer.state == "unknown"
    assert "bpf_fentry_test1" in (answer.reason or "")


def test_enum_values_are_looked_up_by_name() -> None:
    writer = BtfWriter()
    writer.enum("bpf_prog_type", [("BPF_PROG_TYPE_XDP", 6)])
    types = KernelTypes(Btf.parse(writer.bytes()))
    assert types.enum_has("bpf_prog_type", "BPF_PROG_TYPE_XDP") is True
    assert types.enum_has("bpf_prog_type", "BPF_PROG_TYPE_LSM") is False
    assert types.enum_has("bpf_map_type", "BPF_MAP_TYPE_HASH") is None


# --- features: reading what a load said

REFUSALS = [
    (Loaded(0, "load", ()), "yes"),
    (Loaded(22, "load", ("0: (85) call bpf_loop#181", "unknown func bpf_loop#181")), "no"),
    (Loaded(22, "load", ("program of this type cannot use helper bpf_d_path#147",)), "no"),
    (Loaded(22, "load", ("libbpf: map 'events': failed to create: Invalid argument(-22)",)), "no"),
    # The words in the middle of another line prove nothing.
    (Loaded(22, "load", ("; unknown func bpf_loop#181 is what the source says",)), "unknown"),
    (Loaded(22, "load", ("R1 type=ctx expected=fp",)), "unknown"),
    (Loaded(13, "load", ("R2 invalid mem access 'scalar'",)), "unknown"),
    (Loaded(1, "load", ("libbpf: prog 'p': failed to load: -1",)), "blocked"),
    (Loaded(2, "open", ()), "unknown"),
    # Our own map, and our own BTF, which older kernels refuse for other reasons.
    (Loaded(22, "map", ()), "no"),
    (Loaded(12, "map", ()), "unknown"),
    (Loaded(22, "BTF", ()), "unknown"),
]


@pytest.mark.parametrize(("loaded", "state"), REFUSALS)
def test_reading_a_load(loaded: Loaded, state: str) -> None:
    assert read_answer("ringbuf.bpf.o", "libbpf v1.1", loaded).state == state


def test_features_of_another_host_are_unknown() -> None:
    assert {one.usable.state for one in collect_features({}, KernelTypes(None), live=False)} == {"unknown"}


# --- attach answers

INFERRED_NO = Answer("no", "inferred", (Evidence("sysfs", "absent"),), "not there", "another kernel")
INFERRED_YES = Answer("yes", "inferred", (Evidence("sysfs", "there"),))
MOUNT = Answer("blocked", "measured", (Evidence("procfs", "not mounted"),), "not mounted", "mount it")
OUTCOMES = [
    (INFERRED_YES, Outcome(0, "x"), "yes", "measured"),
    # An attempt that worked is stronger than what was inferred.
    (INFERRED_NO, Outcome(0, "x"), "yes", "measured"),
    (INFERRED_YES, Outcome(1, "x"), "blocked", "measured"),
    (INFERRED_YES, Outcome(95, "x"), "no", "measured"),
    # Another errno may be about the target: it does not overrule, it only unsettles.
    (INFERRED_YES, Outcome(2, "x"), "unknown", "measured"),
    (INFERRED_NO, Outcome(2, "x"), "no", "inferred"),
    # It worked only with a mount that this host does not have.
    (MOUNT, Outcome(0, "x", supplied=True), "blocked", "measured"),
]


@pytest.mark.parametrize(("inferred", "outcome", "state", "level"), OUTCOMES)
def test_answer_after_an_attempt(inferred: Answer, outcome: Outcome, state: str, level: str) -> None:
    answer = _answer(inferred, outcome)
    assert (answer.state, answer.level) == (state, level)
    assert set(inferred.evidence) < set(answer.evidence)


def test_the_probe_file_is_an_elf_with_one_note_and_one_executable_segment() -> None:
    elf = ELFFile(io.BytesIO(usdt_program()))
    (segment,) = elf.iter_segments()
    assert segment.header.p_flags == 5
    (note,) = elf.get_section_by_name(".note.stapsdt").iter_notes()
    assert note["n_name"] == "stapsdt"
    words = note["n_descdata"]
    location, base, semaphore = struct.unpack_from("=QQQ", words)
    assert words[24:].rstrip(b"\0") == b"preflight\0target"
    assert base == elf.get_section_by_name(".stapsdt.base").header.sh_addr
    assert segment.header.p_vaddr <= location < segment.header.p_vaddr + segment.header.p_filesz
    assert semaphore == 0


# --- the whole


def test_an_empty_root_gives_unknown_everywhere_and_no_error(tmp_path: Path) -> None:
    facts = collect(Session(System(tmp_path, release=RELEASE, machine="x86_64")), functions=["vfs_read"])
    assert {one.loadable.state for one in facts.surfaces} == {"unknown"}
    assert "no" not in {one.attachable.state for one in facts.surfaces}
    assert not facts.tracefs.is_known
    assert facts.attach_proof is None


def test_another_root_is_never_attached_to(tmp_path: Path) -> None:
    assert collect(Session(System(tmp_path, release=RELEASE)), attach=True).attach_proof is None


def test_the_configuration_keeps_every_option_that_is_cited() -> None:
    lost = [name for name in OPTIONS if not kconfig.KEPT.fullmatch(name)]
    assert lost == []
