# SPDX-License-Identifier: Apache-2.0
"""Kernel identity, namespaces, containers and sandboxes, from made-up hosts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from preflight.errors import InputError
from preflight.findings.model import Verdict
from preflight.host.areas.context import Hint, Namespace
from preflight.host.checks.context import object_byte_order
from preflight.host.codec import encode
from preflight.host.collect.context import INITIAL_INODES, collect
from preflight.host.collect.session import Options
from tests.host.areas_builder import context, seen, verdict
from tests.host.fakeroot import MOUNTS, RELEASE, FakeRoot

CONFIG = b'CONFIG_BPF=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_LOCALVERSION="-of-jane"\nCONFIG_DEBUG_INFO_BTF=y\n'


def namespaces(root: FakeRoot, **inodes: int) -> None:
    for kind, inode in {**INITIAL_INODES, **inodes}.items():
        root.link(f"/proc/self/ns/{kind}", f"{kind}:[{inode}]")


def initial(root: FakeRoot) -> dict[str, bool | None]:
    return {n.kind: n.initial.value for n in collect(root.session()).namespaces}


def test_the_initial_namespaces_are_recognised(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    namespaces(root)
    assert set(initial(root).values()) == {True}


def test_another_pid_namespace_is_not_the_initial_one(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    namespaces(root, pid=4026532500)
    assert initial(root)["pid"] is False


def test_a_net_namespace_numbered_at_run_time_is_compared_with_the_first_process(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    namespaces(root, net=4026531992, mnt=4026532000)
    root.link("/proc/1/ns/net", "net:[4026531992]")
    root.link("/proc/1/ns/mnt", "mnt:[4026531840]")
    assert (initial(root)["net"], initial(root)["mnt"]) == (True, False)


def test_without_sight_of_the_first_process_a_run_time_number_tells_nothing(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    namespaces(root, net=4026531992)
    assert initial(root)["net"] is None


def test_inside_a_pid_namespace_its_first_process_proves_nothing(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    namespaces(root, pid=4026532500, net=4026532600)
    root.link("/proc/1/ns/net", "net:[4026532600]")
    assert initial(root)["net"] is None


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("/.dockerenv", "", "docker"),
        ("/run/.containerenv", "", "podman"),
        ("/run/systemd/container", "lxc\n", "lxc"),
        ("/proc/self/cgroup", "0::/kubepods/besteffort/pod1234/cri-containerd-ab.scope\n", "kubernetes"),
        ("/proc/self/cgroup", "0::/system.slice/docker-0123.scope\n", "docker"),
    ],
)
def test_signs_of_a_container(tmp_path: Path, path: str, content: str, kind: str) -> None:
    root = FakeRoot(tmp_path)
    root.file(path, content)
    assert kind in {hint.kind for hint in collect(root.session()).container}


def test_an_overlay_root_is_a_sign_of_an_image(tmp_path: Path) -> None:
    facts = collect(FakeRoot(tmp_path, {**MOUNTS, "/": "overlay"}).session())
    assert [hint.kind for hint in facts.container] == ["container image"]


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016", "gvisor"),
        ("Linux version 5.15.90.1-microsoft-standard-WSL2 (oe-user@oe-host)", "wsl2"),
        ("Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com)", "wsl1"),
        ("Linux version 6.6.26-linuxkit (root@buildkitsandbox)", "linuxkit"),
    ],
)
def test_sandboxes_by_their_version(tmp_path: Path, version: str, kind: str) -> None:
    root = FakeRoot(tmp_path)
    root.file("/proc/version", version)
    assert [hint.kind for hint in collect(root.session(release=version.split()[2])).sandbox] == [kind]


def test_an_old_ubuntu_kernel_is_no_sandbox(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.file("/proc/version", "Linux version 4.4.0-210-generic (buildd@lgw01) #242-Ubuntu SMP")
    assert collect(root.session(release="4.4.0-210-generic")).sandbox == ()


@pytest.mark.parametrize(
    "path", ["/proc/config.gz", f"/boot/config-{RELEASE}", f"/lib/modules/{RELEASE}/config"]
)
def test_the_configuration_is_found_in_each_place(tmp_path: Path, path: str) -> None:
    root = FakeRoot(tmp_path)
    root.file(path, gzip.compress(CONFIG) if path.endswith(".gz") else CONFIG)
    config = collect(root.session()).config.value
    assert config is not None
    assert config.get("DEBUG_INFO_BTF") == "y"
    assert config.get("NEVER_HEARD_OF") == "n"


def test_a_given_configuration_comes_first(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path / "root")
    root.file("/proc/config.gz", gzip.compress(CONFIG))
    mine = tmp_path / "my-config"
    mine.write_text("CONFIG_BPF=y\n# CONFIG_DEBUG_INFO_BTF is not set\n")
    config = collect(root.session(Options(kernel_config=mine))).config.value
    assert config is not None
    assert (config.source, config.get("DEBUG_INFO_BTF")) == ("--kernel-config", "n")


@pytest.mark.parametrize(("content", "words"), [(None, "absent"), (b"hello", "not a kernel configuration")])
def test_a_given_configuration_that_is_none_is_an_error(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    mine = tmp_path / "my-config"
    if content is not None:
        mine.write_bytes(content)
    with pytest.raises(InputError, match=words):
        FakeRoot(tmp_path / "root").session(Options(kernel_config=mine))


def test_a_given_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a directory"):
        FakeRoot(tmp_path / "root").session(Options(btf_dir=tmp_path / "nowhere"))


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b broken", b"not a configuration\n"])
def test_a_broken_configuration_is_unknown_and_the_search_goes_on(tmp_path: Path, content: bytes) -> None:
    root = FakeRoot(tmp_path)
    root.file("/proc/config.gz", content)
    facts = collect(root.session())
    assert not facts.config.is_known
    assert [one.seen for one in facts.config_tried] == ["is not a kernel configuration", "absent", "absent"]


def test_nothing_that_names_somebody_gets_into_the_facts(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path / "canary-root")
    namespaces(root, pid=4026532500)
    root.file("/proc/config.gz", gzip.compress(CONFIG))
    root.file("/etc/os-release", 'ID=debian\nPRETTY_NAME="canary-pretty"\n')
    root.file("/proc/version", "Linux version 6.1 (canary-user@canary-host) #1 SMP")
    root.file("/proc/1/comm", "canary-agent\n")
    root.file("/proc/self/cgroup", "0::/kubepods/podcanary-id/canary-name\n")
    root.file("/run/systemd/container", "canary-container\n")
    mine = tmp_path / "canary-config"
    mine.write_bytes(CONFIG)
    for options in (Options(), Options(kernel_config=mine)):
        text = json.dumps(encode(collect(root.session(options))))
        assert "canary" not in text
        assert "jane" not in text


def test_the_verdict_of_another_namespace_says_what_it_means() -> None:
    found = verdict("PH003", context=context(namespaces=(Namespace("user", seen(False)),)))
    assert found.verdict is Verdict.DEGRADED
    assert "token" in found.cause


def test_signs_of_a_container_alone_change_no_verdict() -> None:
    found = verdict("PH003", context=context(container=(Hint("docker", "/.dockerenv exists"),)))
    assert found.verdict is Verdict.OK
    assert "docker" in found.title


def test_the_worst_sign_of_a_sandbox_counts() -> None:
    signs = (Hint("micro-VM", "CPU flag"), Hint("gvisor", "/proc/version"))
    assert verdict("PH005", context=context(sandbox=signs)).verdict is Verdict.MISSING


def test_a_real_kernel_in_a_virtual_machine_is_fine() -> None:
    assert verdict("PH005", context=context(sandbox=(Hint("wsl2", "release"),))).verdict is Verdict.OK


def test_an_object_of_the_other_byte_order_is_refused_with_the_flag_to_use() -> None:
    found = object_byte_order(context(), "big", "agent.bpf.o")
    assert found.verdict is Verdict.MISSING
    assert "bpfel" in found.fix
    assert object_byte_order(context(), "little", "agent.bpf.o").verdict is Verdict.OK
