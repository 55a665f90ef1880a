# SPDX-License-Identifier: Apache-2.0
"""Capabilities, seccomp, namespaces, perf and memlock: a refusal is blocked, never missing."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from preflight.facts import unknown
from preflight.findings.model import Confidence, Verdict
from preflight.host.areas.privilege import Capabilities, Memlock, Seccomp, TokenMount
from preflight.host.checks.capabilities import (
    NET_ADMIN_TYPES,
    PERFMON_TYPES,
    capabilities_needed,
    holds,
    ways_to_grant,
)
from preflight.host.checks.privilege import capability_finding
from preflight.host.collect import privilege as collector
from preflight.host.collect.privilege import CAPABILITY_NAMES, collect
from preflight.host.collect.syscalls import capability_masks
from tests.host.areas_builder import FORBIDDEN, caps, context, host, options, privilege, seen, verdict
from tests.host.fakeroot import MOUNTS, FakeRoot

STATUS = """Name:\tcanary
CapInh:\t0000000000000000
CapPrm:\t000001ffffffffff
CapEff:\t000000c000201000
CapBnd:\t000001ffffffffff
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t3
"""


def root_with(tmp_path: Path, **files: str) -> FakeRoot:
    root = FakeRoot(tmp_path)
    for name, content in files.items():
        root.file("/proc/" + name.replace("__", "/"), content)
    return root


# --- collecting


def test_status_gives_capabilities_seccomp_and_no_new_privs(tmp_path: Path) -> None:
    facts = collect(root_with(tmp_path, self__status=STATUS).session())
    assert facts.capabilities.value is not None
    assert facts.capabilities.value.effective == ("BPF", "NET_ADMIN", "PERFMON", "SYS_ADMIN")
    assert facts.seccomp.value == Seccomp(2, 3)
    assert facts.no_new_privs.value is True


def test_a_capability_without_a_name_keeps_its_number(tmp_path: Path) -> None:
    status = STATUS.replace("000000c000201000", f"{1 << 45:016x}")
    sets = collect(root_with(tmp_path, self__status=status).session()).capabilities.value
    assert sets is not None
    assert sets.effective == ("CAP_45",)


@pytest.mark.parametrize("status", ["", "CapEff:\tnonsense\n", "CapEff:\t1\n"])
def test_a_status_that_does_not_parse_is_unknown(tmp_path: Path, status: str) -> None:
    facts = collect(root_with(tmp_path, self__status=status).session())
    assert not facts.capabilities.is_known
    assert not facts.seccomp.is_known


@pytest.mark.parametrize(
    ("link", "uid_map", "expected"),
    [
        ("user:[4026531837]", "", True),
        ("user:[4026532999]", "", False),
        (None, "0 1000 1\n", False),
        (None, "0 0 4294967295\n", None),
        (None, "", None),
    ],
)
def test_the_user_namespace(tmp_path: Path, link: str | None, uid_map: str, expected: bool | None) -> None:
    root = root_with(tmp_path, self__uid_map=uid_map)
    if link:
        root.link("/proc/self/ns/user", link)
    assert collect(root.session()).user_namespace_initial.value is expected


def test_delegating_bpffs_mounts_are_found(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path, MOUNTS)
    line = "40 1 0:40 / /token rw - bpf none rw,delegate_cmds=prog_load:map_create,delegate_progs=any,gid=5\n"
    root.file("/proc/self/mountinfo", line)
    (mount,) = collect(root.session()).token_mounts.value or ()
    assert mount.delegates == {"delegate_cmds": "prog_load:map_create", "delegate_progs": "any"}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("0000000000000000 T _text\n0000000000000000 t x\n", True),
        ("0000000000000000 A fixed_percpu_data\nffffffff81000000 T _text\n", False),
    ],
)
def test_hidden_addresses_are_all_zero(tmp_path: Path, text: str, hidden: bool) -> None:
    fact = collect(root_with(tmp_path, kallsyms=text).session()).kallsyms_hidden
    assert fact.value is hidden
    assert "ffffffff81" not in repr(fact)


def test_system_calls_are_not_asked_for_another_root(tmp_path: Path) -> None:
    facts = collect(FakeRoot(tmp_path).session())
    trials = (facts.bpf_syscall, facts.perf_self, facts.perf_system, facts.memlock_accounting)
    assert [trial.is_known for trial in trials] == [False] * 4


def test_the_memlock_limit_is_put_back_even_after_an_error() -> None:
    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    with pytest.raises(KeyError), collector._no_locked_memory():
        assert resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == 0
        raise KeyError
    assert resource.getrlimit(resource.RLIMIT_MEMLOCK) == before


def test_capget_agrees_with_proc() -> None:
    masks = capability_masks()
    status = dict(
        line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line
    )
    assert masks == tuple(int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd"))


def test_capability_names_are_the_kernels() -> None:
    numbers = {"CHOWN": 0, "NET_ADMIN": 12, "SYS_ADMIN": 21, "SYS_RESOURCE": 24, "SYSLOG": 34, "PERFMON": 38}
    assert {name: CAPABILITY_NAMES.index(name) for name in numbers} == numbers
    assert CAPABILITY_NAMES.index("BPF") == 39
    assert len(CAPABILITY_NAMES) == 41


# --- which capabilities are needed


@pytest.mark.parametrize(
    ("types", "needed"),
    [
        ([], set()),
        (["socket_filter"], {"BPF"}),
        (["kprobe"], {"BPF", "PERFMON"}),
        (["xdp", "sk_reuseport"], {"BPF", "NET_ADMIN"}),
        (["ext"], {"BPF", "NET_ADMIN", "PERFMON"}),
        (["syscall", "sk_lookup"], {"BPF"}),
    ],
)
def test_capabilities_follow_the_program_types(types: list[str], needed: set[str]) -> None:
    assert capabilities_needed(types) == needed


def test_kernels_without_cap_bpf_want_sys_admin() -> None:
    assert capabilities_needed(["kprobe"], has_cap_bpf=False) == {"SYS_ADMIN"}
    assert capabilities_needed(["xdp"], has_cap_bpf=False) == {"SYS_ADMIN", "NET_ADMIN"}


def test_open_unprivileged_bpf_lets_two_types_through() -> None:
    assert capabilities_needed(["socket_filter", "cgroup_skb"], unprivileged_allowed=True) == set()
    assert capabilities_needed(["kprobe"], unprivileged_allowed=True) == {"BPF", "PERFMON"}


def test_sys_admin_stands_in_for_bpf_but_not_for_syslog() -> None:
    assert holds(["SYS_ADMIN"], "BPF")
    assert not holds(["SYS_ADMIN"], "SYSLOG")


def test_the_type_tables_use_bpftools_names() -> None:
    from preflight.host.bpf.names import ProgType

    names = {member.name.lower() for member in ProgType}
    assert names >= (NET_ADMIN_TYPES | PERFMON_TYPES)


def test_the_lines_to_grant_them_name_every_one() -> None:
    assert ways_to_grant(["PERFMON", "BPF"]) == {
        "docker": "docker run --cap-add BPF --cap-add PERFMON IMAGE",
        "kubernetes": 'securityContext: {capabilities: {add: ["BPF", "PERFMON"]}}',
        "systemd": "AmbientCapabilities=CAP_BPF CAP_PERFMON",
        "binary": "setcap cap_bpf,cap_perfmon+ep PROGRAM",
    }


# --- judging


def test_all_missing_capabilities_are_in_one_finding() -> None:
    found = capability_finding(host(privilege=privilege(capabilities=caps())), ["xdp", "kprobe"], ("prog a",))
    assert found.verdict is Verdict.BLOCKED
    assert found.data["lacking"] == ["BPF", "NET_ADMIN", "PERFMON"]
    assert found.needed_by == ("prog a",)
    assert "--cap-add NET_ADMIN" in found.fix


def test_what_the_bounding_set_lacks_cannot_be_regained() -> None:
    sets = seen(Capabilities((), (), ("PERFMON",)))
    found = verdict("PH202", privilege=privilege(capabilities=sets))
    assert "CAP_BPF cannot be regained" in found.cause


def test_capabilities_of_another_user_namespace_do_not_count() -> None:
    found = verdict("PH202", privilege=privilege(user_namespace_initial=seen(False)))
    assert found.verdict is Verdict.BLOCKED
    assert "first user namespace" in found.title


def test_a_capability_only_some_tools_want_is_mentioned_and_blocks_nothing() -> None:
    found = verdict("PH202", privilege=privilege(capabilities=caps("BPF", "PERFMON", "SYS_ADMIN")))
    assert found.verdict is Verdict.OK
    assert "CAP_SYS_RESOURCE" in found.title


@pytest.mark.parametrize(
    ("answer", "seccomp", "config", "expected"),
    [
        ("E2BIG", 2, "y", Verdict.OK),
        ("EINVAL", 0, "y", Verdict.OK),
        ("EPERM", 2, "y", Verdict.BLOCKED),
        ("EPERM", 0, "y", Verdict.BLOCKED),
        ("ENOSYS", 0, "y", Verdict.MISSING),
        ("ENOSYS", 2, "n", Verdict.MISSING),
        ("ENOSYS", 2, "y", Verdict.BLOCKED),
        ("ENOSYS", 2, None, Verdict.UNKNOWN),
        ("EXDEV", 0, "y", Verdict.UNKNOWN),
    ],
)
def test_what_bpf_answers(answer: str, seccomp: int, config: str | None, expected: Verdict) -> None:
    facts = privilege(bpf_syscall=seen(answer), seccomp=seen(Seccomp(seccomp, None)))
    known_config = seen(None) if config is None else options(BPF_SYSCALL=config)
    assert verdict("PH201", privilege=facts, context=context(config=known_config)).verdict is expected


def test_a_filter_that_lets_both_calls_through_is_fine() -> None:
    assert verdict("PH204", privilege=privilege(seccomp=seen(Seccomp(2, 1)))).verdict is Verdict.OK


def test_a_filter_with_refusals_is_the_likely_cause_only() -> None:
    facts = privilege(seccomp=seen(Seccomp(2, 1)), bpf_syscall=seen("EPERM"))
    assert verdict("PH204", privilege=facts).confidence is Confidence.MEDIUM


def test_a_filter_nobody_tried_is_unknown() -> None:
    facts = privilege(seccomp=seen(Seccomp(2, 1)), bpf_syscall=FORBIDDEN)
    assert verdict("PH204", privilege=facts).verdict is Verdict.UNKNOWN


def test_a_delegating_bpffs_makes_a_user_namespace_usable() -> None:
    tokens = seen((TokenMount({"delegate_progs": "any"}),))
    found = verdict("PH205", privilege=privilege(user_namespace_initial=seen(False), token_mounts=tokens))
    assert found.verdict is Verdict.DEGRADED
    assert "delegate_progs" in found.cause


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"capabilities": caps("BPF")}, "does not hold CAP_PERFMON"),
        ({"perf_event_paranoid": seen(4)}, "distribution's patch"),
        ({"user_namespace_initial": seen(False)}, "first user namespace"),
        ({"seccomp": seen(Seccomp(2, 1))}, "seccomp filter"),
        ({}, "security module"),
    ],
)
def test_why_perf_events_are_refused(changes: dict[str, object], words: str) -> None:
    found = verdict("PH206", privilege=privilege(perf_system=seen("EACCES"), **changes))
    assert found.verdict is Verdict.BLOCKED
    assert words in found.cause


def test_a_strict_level_that_lets_this_caller_through_is_fine() -> None:
    assert verdict("PH206", privilege=privilege(perf_event_paranoid=seen(4))).verdict is Verdict.OK


def test_perf_enosys_behind_a_filter_is_unknown() -> None:
    facts = privilege(perf_system=seen("ENOSYS"), seccomp=seen(Seccomp(2, 1)))
    assert verdict("PH206", privilege=facts).verdict is Verdict.UNKNOWN
    assert verdict("PH206", privilege=privilege(perf_system=seen("ENOSYS"))).verdict is Verdict.MISSING


@pytest.mark.parametrize(
    ("mode", "limit", "capability", "expected"),
    [
        ("memcg", 0, "BPF", Verdict.OK),
        ("rlimit", None, "BPF", Verdict.OK),
        ("rlimit", 65536, "SYS_RESOURCE", Verdict.OK),
        ("rlimit", 65536, "BPF", Verdict.BLOCKED),
    ],
)
def test_who_pays_for_bpf_memory(mode: str, limit: int | None, capability: str, expected: Verdict) -> None:
    facts = privilege(
        memlock_accounting=seen(mode), memlock=Memlock(limit, limit), capabilities=caps(capability)
    )
    assert verdict("PH208", privilege=facts).verdict is expected


@pytest.mark.parametrize("code", [f"PH20{n}" for n in range(1, 9)])
def test_unknown_facts_stay_unknown_and_say_what_decides(code: str) -> None:
    nothing = unknown("/proc is not mounted", decided_by="mount -t proc proc /proc")
    names = [
        name for name in type(privilege()).__dataclass_fields__ if name not in ("is_uid_zero", "memlock")
    ]
    found = verdict(code, privilege=privilege(**dict.fromkeys(names, nothing)))
    assert found.verdict is Verdict.UNKNOWN
    assert "mount -t proc" in found.fix
