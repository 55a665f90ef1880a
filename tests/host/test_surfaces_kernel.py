# SPDX-License-Identifier: Apache-2.0
"""Surfaces on the running kernel. What is expected is derived from the machine, never written down."""

from __future__ import annotations

import ctypes
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from preflight import bpf_objects
from preflight.btf import Btf, Kind
from preflight.btf.types import Enum
from preflight.errors import InstrumentError
from preflight.host.areas.surfaces import SurfaceFacts
from preflight.host.bpf.asm import R0, exit_, mov
from preflight.host.bpf.names import ProgType
from preflight.host.bpf.syscall import prog_load
from preflight.host.collect import attach_targets, surface_attach
from preflight.host.collect.libbpf import Libbpf, Loaded, open_libbpf
from preflight.host.collect.session import Session
from preflight.host.collect.surfaces import collect
from preflight.host.collect.typed_features import TYPED
from preflight.host.surface_data import feature_entries, surface_entries
from tests.host.elsewhere import why_no_private_mounts, why_no_user_namespace

pytestmark = pytest.mark.kernel

T = TypeVar("T")
#: Probe -> surface where the names differ.
PROBE_OF = {"raw_tp": "raw_tracepoint"}
#: The helper that decides a feature; the others are maps.
HELPER_OF = {
    "bpf_loop": "BPF_FUNC_loop",
    "timer": "BPF_FUNC_timer_init",
    "dynptr": "BPF_FUNC_ringbuf_reserve_dynptr",
    "attach_cookie": "BPF_FUNC_get_attach_cookie",
    "get_func_ip": "BPF_FUNC_get_func_ip",
    "probe_read_kernel": "BPF_FUNC_probe_read_kernel",
    "probe_read_user": "BPF_FUNC_probe_read_user",
    "d_path": "BPF_FUNC_d_path",
    "cgroup_id": "BPF_FUNC_get_current_ancestor_cgroup_id",
}
MAP_OF = {
    "ringbuf": "BPF_MAP_TYPE_RINGBUF",
    "perfbuf": "BPF_MAP_TYPE_PERF_EVENT_ARRAY",
    "stack_trace": "BPF_MAP_TYPE_STACK_TRACE",
    "percpu_hash": "BPF_MAP_TYPE_PERCPU_HASH",
    "lru_hash": "BPF_MAP_TYPE_LRU_HASH",
    "task_storage": "BPF_MAP_TYPE_TASK_STORAGE",
    "hash_of_maps": "BPF_MAP_TYPE_HASH_OF_MAPS",
}


@pytest.fixture(scope="module")
def session() -> Session:
    with prog_load(ProgType.SOCKET_FILTER, mov(R0, 0) + exit_()) as answer:
        if not answer.ok:
            pytest.skip(f"this process may not load BPF programs: {answer.errno_name}")
    return Session()


@pytest.fixture(scope="module")
def facts(session: Session) -> SurfaceFacts:
    return collect(session)


@pytest.fixture(scope="module")
def libbpf() -> Libbpf:
    found = open_libbpf()
    if isinstance(found, str):
        pytest.skip(found)
    return found


def _probe(name: str) -> Path:
    try:
        return bpf_objects.find("probes", PROBE_OF.get(name, name))
    except InstrumentError as error:
        pytest.skip(str(error))


def _enum(btf: Btf, name: str) -> set[str]:
    found: set[str] = set()
    for type_id in btf.ids_by_name(name, {Kind.ENUM}):
        enum = btf.type(type_id)
        if isinstance(enum, Enum):
            found |= {value.name for value in enum.values}
    return found


@pytest.mark.parametrize("name", list(surface_entries()))
def test_two_instructions_and_the_whole_probe_agree(name: str, facts: SurfaceFacts, libbpf: Libbpf) -> None:
    """Our own loader with two instructions against libbpf with the compiled probe: two ways, one answer."""
    loaded = libbpf.load(_probe(name))
    if any("missing BPF prog type" in line for line in loaded.lines):
        pytest.skip(f"libbpf {libbpf.version} does not know this section")
    state = facts.surface(name).loadable.state
    assert (state == "yes") == (loaded.errno == 0), loaded.lines
    assert (state == "blocked") == (loaded.errno == 1), loaded.lines


@pytest.mark.parametrize("name", list(TYPED))
def test_typed_features_agree_with_the_whole_probe(
    name: str, facts: SurfaceFacts, session: Session, libbpf: Libbpf
) -> None:
    """Our own few instructions against libbpf with the compiled probe."""
    if any(facts.surface(need).loadable.state != "yes" for need in feature_entries()[name].needs):
        pytest.skip(f"{', '.join(feature_entries()[name].needs)} programs do not load here")
    asked = TYPED[name](session.types)
    assert isinstance(asked, Loaded)
    assert asked.errno == libbpf.load(_probe(name)).errno


@pytest.mark.parametrize("name", list(feature_entries()))
def test_features_agree_with_the_kernels_enums(
    name: str, facts: SurfaceFacts, session: Session, libbpf: Libbpf
) -> None:
    if not isinstance(session.vmlinux, Btf):
        pytest.skip("the kernel shows no BTF to compare with")
    state = next(one.usable.state for one in facts.features if one.name == name)
    if any(facts.surface(need).loadable.state != "yes" for need in feature_entries()[name].needs):
        assert state in ("blocked", "unknown")
        return
    enum, word = ("bpf_func_id", HELPER_OF[name]) if name in HELPER_OF else ("bpf_map_type", MAP_OF[name])
    if word in _enum(session.vmlinux, enum):
        # Present in the enum and refused all the same is possible (lockdown), but never plain absence.
        assert state != "no" or name == "probe_read_kernel"
    else:
        assert state != "yes"


def test_kprobes_attach_only_where_the_kernel_offers_them(facts: SurfaceFacts) -> None:
    source = Path("/sys/bus/event_source/devices/kprobe").exists()
    sibling = Path("/sys/bus/event_source/devices/uprobe").exists()
    if not source and not sibling:
        pytest.skip("neither probe source is visible, so nothing is expected")
    assert facts.surface("kprobe").attachable.state == ("yes" if source else "no")


def test_tracepoints_by_name_need_tracefs(facts: SurfaceFacts) -> None:
    mounted = any(line.split()[2] == "tracefs" for line in Path("/proc/self/mounts").read_text().splitlines())
    trace = facts.tracefs.value
    assert trace is not None
    assert (trace.path is not None) == mounted
    if not mounted:
        assert facts.surface("tracepoint").attachable.state == "blocked"


def test_every_answer_rests_on_something(facts: SurfaceFacts) -> None:
    for surface in facts.surfaces:
        for answer in (surface.loadable, surface.attachable):
            assert answer.evidence or answer.reason
            assert answer.state == "yes" or answer.reason


def test_nothing_is_attached_by_default(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("attached without being asked to")

    for name in ("raw_tracepoint_open", "link_create", "prog_attach", "iter_create"):
        monkeypatch.setattr(attach_targets, name, forbidden)
        monkeypatch.setattr(f"preflight.host.bpf.syscall.{name}", forbidden)
    for name in ("usdt_attach", "tc_attach"):
        monkeypatch.setattr(Libbpf, name, forbidden)
    before = len(os.listdir("/proc/self/fd"))
    assert collect(session).attach_proof is None
    assert len(os.listdir("/proc/self/fd")) == before


def test_attaching_measures_and_leaves_nothing(session: Session, facts: SurfaceFacts) -> None:
    if os.geteuid() != 0:
        pytest.skip("attaching and proving it takes root")
    taint = Path("/proc/sys/kernel/tainted").read_text()
    attached = collect(session, attach=True)
    proof = attached.attach_proof
    assert proof is not None
    assert proof.clean, proof
    assert Path("/proc/sys/kernel/tainted").read_text() == taint
    for before, after in zip(facts.surfaces, attached.surfaces, strict=True):
        assert before.name == after.name
        if before.loadable.state == "yes" and before.name not in surface_attach.LEFT_ALONE:
            assert set(before.attachable.evidence) <= set(after.attachable.evidence)
    # Of what bpf(2) attaches by itself, all that loads attaches.
    for name in ("raw_tp", "tp_btf", "iter", "socket_filter"):
        if attached.surface(name).loadable.state == "yes":
            assert attached.surface(name).attachable.state == "yes"
            assert attached.surface(name).attachable.level == "measured"


def test_attaching_without_the_means_to_prepare_a_target_changes_no_answer(session: Session) -> None:
    """Without CAP_SYS_ADMIN there is no new namespace; that is not the surface's fault."""
    if os.geteuid() != 0:
        pytest.skip("giving privileges up takes having them")
    inferred = _in_child(_keep_bpf_capabilities, lambda: collect(Session()))
    attached = _in_child(_keep_bpf_capabilities, lambda: collect(Session(), attach=True))
    for name in ("tc", "tcx", "xdp"):
        if inferred.surface(name).attachable.state == "yes":
            assert attached.surface(name).attachable.state == "yes"
    proof = attached.attach_proof
    assert proof is not None
    assert proof.descriptors_before == proof.descriptors_after
    # Nobody without CAP_SYS_ADMIN may ask for programs by id: not proved, and not claimed.
    assert not proof.ids_checked
    assert not proof.clean


def _keep_bpf_capabilities() -> None:
    """Drop all capabilities but CAP_NET_ADMIN, CAP_PERFMON and CAP_BPF (capset(2), version 3)."""
    libc = ctypes.CDLL(None, use_errno=True)
    low, high = 1 << 12, 1 << (38 - 32) | 1 << (39 - 32)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    if libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _in_child(prepare: Callable[[], None], work: Callable[[], T]) -> T:
    """Run `work` in a forked child that first gives something up; its result comes back through a pipe."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            prepare()
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(work(), pipe)
            os._exit(0)
        except BaseException:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    assert os.waitpid(child, 0)[1] == 0, "the child failed"
    return pickle.loads(data)  # type: ignore[no-any-return]


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


def _enter_user_namespace() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def _hide_proc_and_sys() -> None:
    """A mount namespace whose /proc and /sys are empty."""
    libc = ctypes.CDLL(None, use_errno=True)
    private = ctypes.c_ulong(0x4000 | 0x40000)
    if libc.unshare(0x00020000) or libc.mount(b"none", b"/", None, private, None):
        raise OSError(ctypes.get_errno(), "unshare")
    for place in (b"/sys", b"/proc"):
        if libc.mount(b"none", place, b"tmpfs", ctypes.c_ulong(0), None):
            raise OSError(ctypes.get_errno(), "mount")


def _mount_tracefs() -> None:
    """A mount namespace that has tracefs at its usual place."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000) or libc.mount(b"none", b"/", None, ctypes.c_ulong(0x4000 | 0x40000), None):
        raise OSError(ctypes.get_errno(), "unshare")
    if libc.mount(b"none", b"/sys/kernel/tracing", b"tracefs", ctypes.c_ulong(0), None):
        raise OSError(ctypes.get_errno(), "mount")


def test_with_tracefs_events_and_traceable_functions_are_known(session: Session) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting tracefs takes root")
    if why_no_private_mounts():
        pytest.skip(why_no_private_mounts())
    if "tracefs" not in Path("/proc/filesystems").read_text().split():
        pytest.skip("this kernel has no tracefs")
    functions = ["vfs_read", "no_such_function_anywhere"]
    events = [("sched", "sched_process_exec"), ("sched", "no_such_event")]

    def look() -> tuple[SurfaceFacts, bool]:
        try:
            Path("/sys/kernel/tracing/available_filter_functions").open("rb").close()
            readable = True
        except OSError:
            readable = False
        return collect(Session(), attach=True, functions=functions, tracepoints=events), readable

    seen, readable = _in_child(_mount_tracefs, look)
    assert [one.event for one in seen.tracepoints] == [True, False]
    trace = seen.tracefs.value
    assert trace is not None
    assert trace.readable
    assert [one.in_filter for one in seen.functions] == ([True, False] if readable else [None, None])
    if seen.surface("tracepoint").loadable.state == "yes":
        assert seen.surface("tracepoint").attachable.state == "yes"
        assert seen.surface("tracepoint").attachable.level == "measured"
    assert seen.attach_proof is not None
    assert seen.attach_proof.clean, seen.attach_proof


def test_without_proc_and_sys_nothing_is_missing(session: Session, facts: SurfaceFacts) -> None:
    if os.geteuid() != 0:
        pytest.skip("hiding /proc and /sys takes root")
    if why_no_private_mounts():
        pytest.skip(why_no_private_mounts())
    blind = _in_child(_hide_proc_and_sys, lambda: collect(Session()))
    assert "no" not in {one.loadable.state for one in blind.surfaces}
    assert "no" not in {one.attachable.state for one in blind.surfaces}
    assert not blind.tracefs.is_known
    assert not blind.pmus.is_known
    assert not blind.cgroup.is_known
    # What needs neither BTF nor files is still measured.
    assert blind.surface("raw_tp").loadable == facts.surface("raw_tp").loadable


@pytest.mark.parametrize("prepare", [_become_nobody, _enter_user_namespace])
def test_without_privilege_nothing_is_missing(
    prepare: Callable[[], None], session: Session, facts: SurfaceFacts
) -> None:
    """What a privileged caller can load is at worst blocked or unknown to others: never missing."""
    if os.geteuid() != 0:
        pytest.skip("giving privileges up takes having them")
    if prepare is _enter_user_namespace and why_no_user_namespace():
        pytest.skip(why_no_user_namespace())
    weak = _in_child(prepare, lambda: collect(Session()))
    states = {one.name: one.loadable.state for one in weak.surfaces}
    assert "blocked" in states.values()
    for surface in facts.surfaces:
        if surface.loadable.state == "yes":
            assert states[surface.name] in ("yes", "blocked", "unknown"), surface.name
        if surface.attachable.state == "yes":
            assert weak.surface(surface.name).attachable.state != "no", surface.name
    for one in weak.surfaces:
        if one.loadable.state == "blocked":
            assert "CAP_BPF" in (one.loadable.decided_by or "")
