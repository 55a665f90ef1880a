# SPDX-License-Identifier: Apache-2.0
"""Lockdown read and inferred, security modules, and refusals nothing explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.facts import unknown
from preflight.findings.model import Confidence, Verdict
from preflight.host.areas.policy import Apparmor, Selinux
from preflight.host.areas.privilege import Seccomp
from preflight.host.collect.policy import SECURE_BOOT, collect
from tests.btfwriter import BtfWriter
from tests.host.areas_builder import (
    DENIED,
    FORBIDDEN,
    UNSUPPORTED,
    caps,
    context,
    feature,
    helpers,
    options,
    policy,
    privilege,
    programs,
    seen,
    verdict,
)
from tests.host.fakeroot import MOUNTS, FakeRoot

SECURITY = "/sys/kernel/security"
EFI = {**MOUNTS, "/sys/firmware/efi/efivars": "efivarfs"}

# --- collecting


@pytest.mark.parametrize("level", ["none", "integrity", "confidentiality"])
def test_the_level_in_brackets_is_the_lockdown(tmp_path: Path, level: str) -> None:
    root = FakeRoot(tmp_path)
    root.file(f"{SECURITY}/lockdown", "none integrity confidentiality\n".replace(level, f"[{level}]"))
    assert collect(root.session()).lockdown.value == level


@pytest.mark.parametrize("text", ["", "none integrity\n", "[extreme]\n"])
def test_a_level_nobody_knows_is_unknown(tmp_path: Path, text: str) -> None:
    root = FakeRoot(tmp_path)
    root.file(f"{SECURITY}/lockdown", text)
    assert not collect(root.session()).lockdown.is_known


def test_a_complete_list_without_lockdown_means_none(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.file(f"{SECURITY}/lsm", "capability,yama,apparmor")
    assert collect(root.session()).lockdown.value == "none"


def test_a_list_with_lockdown_does_not_tell_the_level(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.file(f"{SECURITY}/lsm", "lockdown,capability")
    assert not collect(root.session()).lockdown.is_known


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("# CONFIG_SECURITY_LOCKDOWN_LSM is not set\n", "none"),
        ("CONFIG_SECURITY_LOCKDOWN_LSM=y\n", None),
        ("CONFIG_BPF=y\n", None),
        ("# CONFIG_SECURITY_LOCKDOWN_LSM is not set\nCONFIG_LOCK_DOWN_KERNEL=y\n", None),
    ],
)
def test_the_configuration_rules_lockdown_out_only_when_it_says_so(
    tmp_path: Path, config: str, expected: str | None
) -> None:
    root = FakeRoot(tmp_path, {"/proc": "proc", "/sys": "sysfs"})
    root.file("/proc/config.gz", config)
    assert collect(root.session()).lockdown.value == expected


def test_without_securityfs_the_reason_names_the_mount(tmp_path: Path) -> None:
    facts = collect(FakeRoot(tmp_path, {"/proc": "proc", "/sys": "sysfs"}).session())
    assert "securityfs" in (facts.lockdown.decided_by or "")
    assert "securityfs" in (facts.lsm_active.decided_by or "")


@pytest.mark.parametrize(
    ("functions", "expected"), [(["bpf_lsm_file_open"], True), (["bpf_lsm_other"], False)]
)
def test_the_hook_is_looked_up_in_btf(tmp_path: Path, functions: list[str], expected: bool) -> None:
    writer = BtfWriter()
    proto = writer.func_proto()
    for name in functions:
        writer.func(name, proto)
    root = FakeRoot(tmp_path)
    root.file("/sys/kernel/btf/vmlinux", writer.bytes())
    assert collect(root.session()).bpf_lsm_hook.value is expected


def test_broken_btf_leaves_the_hook_unknown(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.file("/sys/kernel/btf/vmlinux", b"\x9f\xeb")
    assert not collect(root.session()).bpf_lsm_hook.is_known


def test_selinux_keeps_the_domain_and_not_the_user(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path, {**MOUNTS, "/sys/fs/selinux": "selinuxfs"})
    root.file("/sys/fs/selinux/enforce", "1")
    root.file("/proc/self/attr/current", "canary_u:system_r:container_t:s0:c1,c2\0")
    fact = collect(root.session()).selinux
    assert fact.value == Selinux(True, "container_t")
    assert "canary" not in repr(fact)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unconfined\n", Apparmor(None, None)),
        ("docker-default (enforce)\n", Apparmor("docker-default", "enforce")),
        ("/home/canary/bin/agent (complain)\n", Apparmor("agent", "complain")),
    ],
)
def test_the_apparmor_profile_of_this_process(tmp_path: Path, text: str, expected: Apparmor) -> None:
    root = FakeRoot(tmp_path)
    root.file(f"{SECURITY}/lsm", "capability,apparmor")
    root.file("/proc/self/attr/apparmor/current", text)
    fact = collect(root.session()).apparmor
    assert fact.value == expected
    assert "canary" not in repr(fact)


@pytest.mark.parametrize(
    ("data", "expected"), [(b"\x06\0\0\0\x01", True), (b"\x06\0\0\0\0", False), (b"\x01", None)]
)
def test_the_secure_boot_byte(tmp_path: Path, data: bytes, expected: bool | None) -> None:
    root = FakeRoot(tmp_path, EFI)
    root.file(SECURE_BOOT, data)
    assert collect(root.session()).secure_boot.value is expected


def test_a_machine_without_efi_has_no_secure_boot(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.folder("/sys/firmware")
    fact = collect(root.session()).secure_boot
    assert (fact.is_known, fact.value) == (True, None)


def test_without_sys_secure_boot_is_unknown(tmp_path: Path) -> None:
    assert not collect(FakeRoot(tmp_path, {"/proc": "proc"}).session()).secure_boot.is_known


# --- lockdown


def test_integrity_lets_tracing_work() -> None:
    assert verdict("PH301", policy=policy(lockdown=seen("integrity"))).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("user", "kernel", "old", "expected"),
    [
        ("u", "u", "u", Verdict.OK),
        ("u", "n", "n", Verdict.BLOCKED),
        ("n", "n", "n", Verdict.UNKNOWN),
        ("d", "d", "d", Verdict.UNKNOWN),
        ("?", "?", "n", Verdict.UNKNOWN),
        ("u", "?", "?", Verdict.UNKNOWN),
        ("x", "x", "u", Verdict.OK),
        ("x", "x", "n", Verdict.BLOCKED),
    ],
)
def test_lockdown_is_inferred_from_two_helpers(user: str, kernel: str, old: str, expected: Verdict) -> None:
    found = verdict("PH301", policy=policy(lockdown=FORBIDDEN), helpers=helpers(user, kernel, old))
    assert found.verdict is expected


def test_an_inference_says_so_and_how_to_see_the_level() -> None:
    found = verdict("PH301", policy=policy(lockdown=FORBIDDEN), helpers=helpers("u", "u"))
    assert "inferred" in found.title
    assert any(e.source == "inferred" for e in found.evidence)
    assert found.confidence is Confidence.HIGH


def test_a_withheld_helper_is_blamed_with_medium_confidence() -> None:
    found = verdict("PH301", policy=policy(lockdown=FORBIDDEN), helpers=helpers("u", "n"))
    assert found.confidence is Confidence.MEDIUM


def test_what_was_read_outweighs_the_inference() -> None:
    facts = policy(lockdown=seen("none"))
    assert verdict("PH301", policy=facts, helpers=helpers("u", "n")).verdict is Verdict.OK


# --- BPF LSM


@pytest.mark.parametrize(
    ("areas", "expected", "leg"),
    [
        ({"context": context(config=options(BPF_LSM="n"))}, Verdict.MISSING, "configuration"),
        ({"policy": policy(lsm_active=seen(("yama",)))}, Verdict.MISSING, "boot list"),
        ({"policy": policy(bpf_lsm_hook=seen(False))}, Verdict.MISSING, "hook in BTF"),
        ({"programs": programs(lsm=UNSUPPORTED)}, Verdict.MISSING, "program type"),
        ({"programs": programs(lsm=DENIED)}, Verdict.BLOCKED, "program type"),
        ({"programs": None}, Verdict.UNKNOWN, "program type"),
        ({"policy": policy(lsm_active=FORBIDDEN)}, Verdict.UNKNOWN, "boot list"),
    ],
)
def test_the_missing_leg_of_bpf_lsm_is_named(areas: dict[str, object], expected: Verdict, leg: str) -> None:
    found = verdict("PH303", **areas)
    assert found.verdict is expected
    assert found.data["legs"][leg] != "yes"
    assert sum(state != "yes" for state in found.data["legs"].values()) == 1


def test_a_program_that_loads_proves_the_configuration() -> None:
    assert verdict("PH303", context=context(config=seen(None))).verdict is Verdict.OK


# --- security modules and refusals

REFUSED = programs(feature("fentry", "tracing", DENIED), lsm=DENIED)


def test_an_unexplained_refusal_lists_what_was_ruled_out() -> None:
    found = verdict("PH309", programs=REFUSED)
    assert found.verdict is Verdict.BLOCKED
    assert found.data["refused"] == ["fentry", "lsm"]
    ruled_out = " ".join(found.data["ruled_out"])
    for word in ("capabilities (BPF, PERFMON held)", "user namespace", "seccomp (off)", "lockdown (none)"):
        assert word in ruled_out


def test_an_unexplained_refusal_says_what_was_not_seen_and_what_to_run() -> None:
    hidden = policy(lockdown=unknown("securityfs is not mounted"), lsm_active=FORBIDDEN)
    found = verdict("PH309", programs=REFUSED, policy=hidden, helpers=helpers("u", "u"))
    assert "securityfs is not mounted" in " ".join(found.data["not_seen"])
    assert "inferred" in " ".join(found.data["ruled_out"])
    assert "mount -t securityfs" in found.fix


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"capabilities": caps("BPF")}, "PH202"),
        ({"user_namespace_initial": seen(False)}, "PH205"),
        ({"seccomp": seen(Seccomp(2, 1)), "bpf_syscall": seen("EPERM")}, "PH204"),
    ],
)
def test_a_refusal_with_a_known_cause_is_explained(changes: dict[str, object], code: str) -> None:
    refused = programs(feature("fentry", "tracing", DENIED), kprobe=DENIED, tracing=DENIED, lsm=DENIED)
    found = verdict("PH309", programs=refused, privilege=privilege(**changes))
    assert found.verdict is Verdict.OK
    assert code in found.title


def test_loads_that_work_rule_out_what_would_explain_a_refusal() -> None:
    """With a BPF token, a user namespace explains nothing as long as others load."""
    found = verdict("PH309", programs=REFUSED, privilege=privilege(user_namespace_initial=seen(False)))
    assert found.verdict is Verdict.BLOCKED
    assert "other loads that need BPF, PERFMON work" in " ".join(found.data["ruled_out"])


def test_a_refusal_without_sight_of_privilege_is_unknown() -> None:
    refused = programs(feature("fentry", "tracing", DENIED), kprobe=DENIED, tracing=DENIED, lsm=DENIED)
    facts = privilege(capabilities=FORBIDDEN)
    assert verdict("PH309", programs=refused, privilege=facts).verdict is Verdict.UNKNOWN


def test_what_the_kernel_does_not_list_is_no_refusal() -> None:
    facts = programs(feature("freplace", "ext", DENIED, in_btf=False))
    assert verdict("PH309", programs=facts).verdict is Verdict.OK


def test_no_trial_loads_at_all_are_unknown() -> None:
    from preflight.host.areas.programs import Trial

    idle = dict.fromkeys(("kprobe", "tracing", "lsm"), Trial("not-tried"))
    assert verdict("PH309", programs=programs(**idle)).verdict is Verdict.UNKNOWN
    assert verdict("PH309", programs=None).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("PH304", {"selinux": seen(Selinux(True, "container_t"))}),
        ("PH305", {"apparmor": seen(Apparmor("docker-default", "enforce"))}),
    ],
)
def test_a_security_module_is_suspected_only_of_unexplained_refusals(
    code: str, facts: dict[str, object]
) -> None:
    assert verdict(code, policy=policy(**facts)).verdict is Verdict.OK
    suspected = verdict(code, policy=policy(**facts), programs=REFUSED)
    assert (suspected.verdict, suspected.confidence) == (Verdict.BLOCKED, Confidence.MEDIUM)
    refused = programs(feature("fentry", "tracing", DENIED), kprobe=DENIED, tracing=DENIED, lsm=DENIED)
    explained = verdict(
        code, policy=policy(**facts), programs=refused, privilege=privilege(capabilities=caps())
    )
    assert explained.verdict is Verdict.OK


def test_permissive_selinux_is_not_suspected() -> None:
    facts = policy(selinux=seen(Selinux(False, None)))
    assert verdict("PH304", policy=facts, programs=REFUSED).verdict is Verdict.OK


@pytest.mark.parametrize("code", [f"PH30{n}" for n in (1, 2, 4, 5, 6, 7, 8)])
def test_unknown_facts_stay_unknown_and_say_what_decides(code: str) -> None:
    nothing = unknown("securityfs is not mounted", decided_by="mount -t securityfs none /sys/kernel/security")
    found = verdict(code, policy=policy(**dict.fromkeys(type(policy()).__dataclass_fields__, nothing)))
    assert found.verdict is Verdict.UNKNOWN
    assert "mount -t securityfs" in found.fix
