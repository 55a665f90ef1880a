# SPDX-License-Identifier: Apache-2.0
"""BTF files of made-up hosts: sound, broken, empty, hidden, or from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.findings.model import Verdict
from preflight.host.areas.btf import BtfFacts, BtfPlace, ExternalBtf
from preflight.host.areas.instruments import BpftoolSummary, InstrumentFacts
from preflight.host.checks.btf_readers import LOADERS, is_older, needed_version, parts, parts_in
from preflight.host.collect.btf import LIBBPF_PLACES, collect
from preflight.host.collect.session import Options
from tests.btfwriter import BtfWriter, field
from tests.host.areas_builder import (
    btf,
    btf_file,
    btf_format,
    context,
    options,
    places,
    seen,
    verdict,
    without_btf,
)
from tests.host.fakeroot import MOUNTS, RELEASE, FakeRoot

VMLINUX = "/sys/kernel/btf/vmlinux"


def kernel() -> BtfWriter:
    """A little kernel with the structs every kernel has."""
    writer = BtfWriter()
    number = writer.int("int")
    for name in ("task_struct", "file", "sk_buff"):
        writer.struct(name, [field("x", number, at=0)], size=4)
    return writer


def module(base: BtfWriter) -> bytes:
    writer = BtfWriter(base=base)
    writer.struct("ext4_inode_info", [], size=0)
    return writer.bytes()


def root_with(tmp_path: Path, **files: bytes) -> FakeRoot:
    root = FakeRoot(tmp_path / "root")
    for name, data in files.items():
        root.file(f"/sys/kernel/btf/{name}", data)
    return root


def facts_with(tmp_path: Path, **files: bytes) -> BtfFacts:
    return collect(root_with(tmp_path, **files).session())


# --- collecting


def test_a_sound_kernel_is_counted(tmp_path: Path) -> None:
    facts = facts_with(tmp_path, vmlinux=kernel().bytes())
    file = facts.vmlinux.value
    assert file is not None
    assert (file.types, file.error, file.empty) == (4, None, False)
    assert file.format is not None
    assert set(file.format.kinds) == {"int", "struct"}


def test_the_types_of_a_module_are_its_own(tmp_path: Path) -> None:
    base = kernel()
    facts = facts_with(tmp_path, vmlinux=base.bytes(), ext4=module(base))
    assert [(f.name, f.types, f.error) for f in facts.modules.value or ()] == [("ext4", 1, None)]


@pytest.mark.parametrize("data", [b"", b"\x9f\xeb", b"\x7fELF" + bytes(60), bytes(64)])
def test_a_broken_module_is_named_and_spoils_nothing_else(tmp_path: Path, data: bytes) -> None:
    base = kernel()
    facts = facts_with(tmp_path, vmlinux=base.bytes(), ext4=module(base), zfs=data)
    errors = {f.name: f.error for f in facts.modules.value or ()}
    assert errors["ext4"] is None
    assert errors["zfs"]


def test_a_reference_to_a_missing_type_breaks_a_module(tmp_path: Path) -> None:
    base = kernel()
    writer = BtfWriter(base=base)
    writer.ptr(9999)
    (file,) = facts_with(tmp_path, vmlinux=base.bytes(), bad=writer.bytes()).modules.value or ()
    assert "missing type 9999" in (file.error or "")


def test_the_full_look_finds_a_missing_reference_in_the_kernels_own_btf(tmp_path: Path) -> None:
    writer = kernel()
    writer.ptr(9999)
    root = root_with(tmp_path, vmlinux=writer.bytes())
    errors = [collect(root.session(Options(full=full))).vmlinux.value for full in (False, True)]
    assert [file.error is None for file in errors if file is not None] == [True, False]


def test_a_module_without_types_or_strings_is_hollow(tmp_path: Path) -> None:
    base = kernel()
    (file,) = facts_with(tmp_path, vmlinux=base.bytes(), nls=BtfWriter(base=base).bytes()).modules.value or ()
    assert (file.error, file.empty, file.own_strings) == (None, True, False)


def test_a_broken_kernel_leaves_modules_unknown(tmp_path: Path) -> None:
    facts = facts_with(tmp_path, vmlinux=b"\x9f\xeb\x01", ext4=b"x")
    assert facts.vmlinux.value is not None
    assert facts.vmlinux.value.error
    assert not facts.modules.is_known


def test_names_that_are_no_module_names_are_left_out(tmp_path: Path) -> None:
    facts = facts_with(tmp_path, vmlinux=kernel().bytes(), **{"a b;c": b"x", "x" * 80: b"x"})
    assert facts.modules.value == ()


def test_all_eight_places_are_tried(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path)
    root.file(f"/boot/vmlinux-{RELEASE}", b"\x7fELF" + bytes(60))
    found = collect(root.session()).places
    assert len(found) == len(LIBBPF_PLACES) == 8
    assert [p.path for p in found if p.seen == "present"] == [f"/boot/vmlinux-{RELEASE}"]


def test_an_external_file_of_this_release_is_plausible(tmp_path: Path) -> None:
    (tmp_path / "hub/debian/12/x86_64").mkdir(parents=True)
    (tmp_path / f"hub/debian/12/x86_64/{RELEASE}.btf").write_bytes(kernel().bytes())
    facts = collect(FakeRoot(tmp_path / "root").session(Options(btf_dir=tmp_path / "hub")))
    assert facts.external.value is not None
    assert facts.external.value.plausible
    assert str(tmp_path) not in repr(facts.external)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (BtfWriter("big").bytes(), "big-endian"),
        (BtfWriter().bytes(), "no struct task_struct"),
        (b"not BTF", "does not parse"),
    ],
)
def test_an_external_file_that_cannot_be_this_kernels_is_not_plausible(
    tmp_path: Path, data: bytes, note: str
) -> None:
    (tmp_path / f"{RELEASE}.btf").write_bytes(data)
    external = collect(FakeRoot(tmp_path / "root").session(Options(btf_dir=tmp_path))).external.value
    assert external is not None
    assert not external.plausible
    assert note in external.note


def test_an_external_file_that_differs_from_the_kernels_own_does_not_count(tmp_path: Path) -> None:
    (tmp_path / f"{RELEASE}.btf").write_bytes(kernel().bytes())
    other = kernel()
    other.ptr(1)
    root = root_with(tmp_path, vmlinux=other.bytes())
    external = collect(root.session(Options(btf_dir=tmp_path))).external.value
    assert external is not None
    assert not external.plausible


def test_nothing_is_asked_of_the_kernel_for_another_root(tmp_path: Path) -> None:
    assert not facts_with(tmp_path).fd_by_id.is_known


def test_a_hidden_btf_folder_is_masked(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path, {**MOUNTS, "/sys/kernel/btf": "tmpfs"})
    root.folder("/sys/kernel/btf")
    facts = collect(root.session())
    assert facts.places[0].seen == "masked"
    assert not facts.modules.is_known


# --- judging


@pytest.mark.parametrize("why", ["not-mounted", "masked", "forbidden"])
@pytest.mark.parametrize("config", [options(), context(config=seen(None)).config])
def test_what_cannot_be_seen_is_never_missing(why: str, config: object) -> None:
    found = verdict("PH101", btf=without_btf(why), context=context(config=config))
    assert found.verdict is Verdict.UNKNOWN
    assert found.fix.startswith("to decide")


def test_an_absent_file_without_a_configuration_is_unknown() -> None:
    facts = context(config=seen(None))
    assert verdict("PH101", btf=without_btf(), context=facts).verdict is Verdict.UNKNOWN


def test_an_absent_file_against_the_configuration_is_unknown() -> None:
    found = verdict("PH101", btf=without_btf())
    assert found.verdict is Verdict.UNKNOWN
    assert "CONFIG_DEBUG_INFO_BTF=y" in found.title


def test_a_kernel_built_without_btf_is_missing_with_ways_forward_in_order() -> None:
    off = context(config=options(DEBUG_INFO_BTF="n"))
    found = verdict("PH101", btf=without_btf(), context=off)
    assert found.verdict is Verdict.MISSING
    order = [found.fix.index(word) for word in ("-dbg", "BTFHub", "without CO-RE", "target of its own")]
    assert order == sorted(order)
    assert "6.1.0-9-amd64" in found.fix


def test_btf_in_another_of_libbpfs_places_degrades() -> None:
    more = BtfPlace("/usr/lib/debug/boot/vmlinux-6.1", "present", "ELF file, libbpf reads its .BTF section")
    off = context(config=options(DEBUG_INFO_BTF="n"))
    facts = without_btf(places=places("absent", "absent", more))
    assert verdict("PH101", btf=facts, context=off).verdict is Verdict.DEGRADED
    assert "/usr/lib/debug/boot/vmlinux-6.1" in verdict("PH105", btf=facts, context=off).title


def test_an_implausible_external_file_is_not_offered() -> None:
    off = context(config=options(DEBUG_INFO_BTF="n"))
    useless = seen(ExternalBtf(btf_file("6.1.btf"), False, "does not parse"))
    facts = without_btf(external=useless)
    assert verdict("PH101", btf=facts, context=off).verdict is Verdict.MISSING
    assert verdict("PH105", btf=facts, context=off).verdict is Verdict.MISSING


def test_broken_modules_are_named_with_the_loader_they_stop() -> None:
    files = (btf_file("ext4"), btf_file("zfs", error="cut short", format=None))
    found = verdict("PH103", btf=btf(modules=seen(files)))
    assert found.verdict is Verdict.DEGRADED
    assert "zfs" in found.title
    assert "ext4" not in found.title
    assert "cilium/ebpf" in found.cause


def test_module_files_that_may_not_be_read_are_unknown() -> None:
    facts = btf(modules=seen(()), module_names_unread=("kvm",))
    found = verdict("PH103", btf=facts)
    assert found.verdict is Verdict.UNKNOWN
    assert "kvm" in found.title


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"MODULES": "n"}, Verdict.NOT_APPLICABLE),
        ({"DEBUG_INFO_BTF_MODULES": "n"}, Verdict.DEGRADED),
        ({}, Verdict.OK),
    ],
)
def test_no_module_files_are_explained_by_the_configuration(
    config: dict[str, str], expected: Verdict
) -> None:
    facts = context(config=options(**config))
    assert verdict("PH103", btf=btf(modules=seen(())), context=facts).verdict is expected


# --- which loader reads it


@pytest.mark.parametrize(
    ("changes", "libbpf", "cilium", "aya"),
    [
        ({"kinds": ("int", "struct")}, "", "", ""),
        ({"kinds": ("int", "float")}, "0.4.0", "", ""),
        ({"kinds": ("int", "enum64")}, "1.0.0", "0.10.0", "0.12"),
        ({"header_length": 32, "has_layout": True}, "1.0.0", "0.22.0", "0.12"),
        ({"max_vlen": 70_000}, "1.8.0", None, None),
        ({"newest_kind": 20}, "1.8.0", None, None),
    ],
)
def test_the_format_gives_the_versions_that_read_it(
    changes: dict[str, object], libbpf: str, cilium: str | None, aya: str | None
) -> None:
    used = parts_in([btf_file(format=btf_format(**changes))])
    assert [needed_version(name, used) for name in LOADERS] == [libbpf, cilium, aya]


def test_a_module_without_strings_raises_the_bar_for_the_whole_host() -> None:
    used = parts_in([btf_file(), btf_file("nls", own_strings=False)])
    assert needed_version("cilium", used) == "0.20.0"


def test_every_part_of_the_table_names_a_source_for_each_loader() -> None:
    for part in parts():
        assert set(part.readers) == set(LOADERS)
        assert all(reader.source for reader in part.readers.values()), part.has


@pytest.mark.parametrize(
    ("version", "needed", "older"),
    [
        ("1.1", "1.0.0", False),
        ("v0.8.1", "1.0.0", True),
        ("1.10", "1.9", False),
        ("", "1.0", False),
        ("1.0", "1", False),
    ],
)
def test_versions_compare_as_numbers(version: str, needed: str, older: bool) -> None:
    assert is_older(version, needed) is older


def test_an_old_bpftool_is_named() -> None:
    summary = BpftoolSummary("bpftool", "5.10", "0.8", 0, 0, 0)
    instruments = InstrumentFacts(seen(summary), seen(None))
    found = verdict("PH104", instruments=instruments)
    assert found.verdict is Verdict.DEGRADED
    assert "libbpf 0.8" in found.cause


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("OK", Verdict.OK),
        ("ENOENT", Verdict.OK),
        ("EPERM", Verdict.BLOCKED),
        ("EINVAL", Verdict.MISSING),
        ("ENOSYS", Verdict.UNKNOWN),
    ],
)
def test_btf_by_id(answer: str, expected: Verdict) -> None:
    assert verdict("PH106", btf=btf(fd_by_id=seen(answer))).verdict is expected
