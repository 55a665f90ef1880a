# SPDX-License-Identifier: Apache-2.0
"""Explanations name what the kernel has instead, for the right reason, with C that serves both kernels."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from preflight.btf import Btf, Kind
from preflight.btf.types import Composite
from preflight.core import Cause, Relocation
from preflight.kernels import Store
from preflight.objects.load import load
from preflight.predict.core_findings import core_findings
from preflight.predict.explain import Explanation
from preflight.predict.nearest import Wanted, near_members
from tests.btfwriter import BtfWriter, Field, bitfield, field
from tests.predict.scenes import kernel, kernel_of, number_reader, on, reader

ROOT = Path(__file__).resolve().parents[2]
#: Members that programs and kernels both have in the struct, so that its places tell something.
BESIDE = {"pid": 0, "tgid": 4, "prio": 12, "cpu": 48}


def _explained(name: str, types: BtfWriter, *, beside: bool = False) -> tuple[Relocation, Explanation]:
    found = on(reader(name, beside=BESIDE if beside else {}), kernel_of(types))
    record = found.relocation.relocations[-1]
    return record, found.explanation(record)


def _task(*fields: Field, types: BtfWriter, beside: bool = False) -> BtfWriter:
    number = types.int("int", 4)
    others = [field(name, number, at=at) for name, at in BESIDE.items()] if beside else []
    types.struct("task_struct", sorted([*fields, *others], key=lambda one: one[2]), size=64)
    return types


def test_a_rename_by_underscores_is_found() -> None:
    types = BtfWriter()
    number = types.int("int", 4)
    _, explained = _explained("i_ctime", _task(field("__i_ctime", number, at=24), types=types))
    assert [(near.how, near.access) for near in explained.near] == [
        ("renamed", "struct task_struct.__i_ctime")
    ]


def test_the_same_type_at_the_same_place_is_a_rename() -> None:
    types = BtfWriter()
    number, other = types.int("int", 4), types.int("long", 8)
    fields = field("nr_running_all", other, at=32), field("h_nr_running", number, at=8)
    _, explained = _explained("nr_running", _task(*fields, types=types, beside=True), beside=True)
    assert explained.near[0].access == "struct task_struct.h_nr_running"
    assert "the same type, the same offset" in explained.near[0].says
    assert explained.near[0].sure
    assert "h_nr_running" in (explained.code or "") and "h_nr_running" in explained.fix


@pytest.mark.parametrize(("name", "sure"), [("nr_runnable", [True]), ("nr_queued", [])])
def test_between_the_same_neighbours_a_name_may_be_less_alike(name: str, sure: list[bool]) -> None:
    types = BtfWriter()
    number = types.int("int", 4)
    members = [field(one, number, at=28 + 4 * at) for at, one in enumerate(("pid", "tgid", name, "prio"))]
    types.struct("task_struct", members, size=64)
    _, explained = _explained("nr_running", types, beside=True)
    assert [near.sure for near in explained.near] == sure
    assert all("the same neighbours" in near.says for near in explained.near)


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("at", [8, 12, 32])
def test_a_similar_name_alone_is_shown_and_never_becomes_code(at: int, beside: bool) -> None:
    """Of the same type even at the same offset, as long as the object does not have the whole struct."""
    types = BtfWriter()
    at = 32 if beside else at
    named = _task(field("recent_used_cpu", types.int("int", 4), at=at), types=types, beside=beside)
    _, explained = _explained("recent_used", named, beside=beside)
    assert [near.access for near in explained.near] == ["struct task_struct.recent_used_cpu"]
    assert not explained.near[0].sure
    assert "need not be the same" in explained.cause
    assert "recent_used_cpu" not in explained.fix + (explained.code or "") + (explained.kernel or "")


def test_a_member_that_the_object_knows_as_another_is_not_offered() -> None:
    types = BtfWriter()
    _, explained = _explained("tgid_", _task(types=types, beside=True), beside=True)
    assert explained.near == ()


@pytest.mark.parametrize("name", ["preflight_absent", "numa_blob", "tenant_used", "recent_count"])
def test_a_name_that_was_made_up_gives_no_code(name: str) -> None:
    """In the struct with the most members, of which some resemble anything."""
    vmlinux = Store(ROOT / "fixtures" / "btf").get("debian/6.1.0-50-amd64").btf
    (holder,) = vmlinux.ids_by_name("task_struct", {Kind.STRUCT})
    types = BtfWriter()
    types.struct("task_struct", [field(name, types.int("int", 4), at=8)], size=64)
    local = Btf.parse(types.bytes())
    (own,) = local.ids_by_name("task_struct")
    composite = local.type(own)
    assert isinstance(composite, Composite)
    wanted = Wanted.member(local, own, composite.members[0], False)
    assert not any(near.sure for near in near_members(wanted, "vmlinux", vmlinux, holder))


def test_a_common_name_one_level_down_is_another_field() -> None:
    types = BtfWriter()
    inner = types.struct("inner", [field("flags", types.int("int", 4), at=4)], size=8)
    _, explained = _explained("flags", _task(field("held", inner, at=16), types=types))
    assert [near.sure for near in explained.near] == [False]


def test_a_name_found_twice_one_level_down_is_not_chosen() -> None:
    types = BtfWriter()
    inner = types.struct("inner", [field("gone", types.int("int", 4), at=4)], size=8)
    held = field("held", inner, at=16), field("kept", inner, at=32)
    _, explained = _explained("gone", _task(*held, types=types))
    assert [near.sure for near in explained.near] == [False, False]


def test_an_unlike_member_is_not_offered() -> None:
    types = BtfWriter()
    _, explained = _explained("gone", _task(field("xyzzy", types.int("int", 4), at=8), types=types))
    assert explained.near == ()


def test_a_member_that_moved_into_a_struct_is_found() -> None:
    types = BtfWriter()
    inner = types.struct("inner", [field("gone", types.int("int", 4), at=4)], size=8)
    _, explained = _explained("gone", _task(field("held", inner, at=0), types=types))
    assert (explained.near[0].how, explained.near[0].access) == ("nested", "struct task_struct.held.gone")


def test_a_member_behind_a_pointer_is_found() -> None:
    types = BtfWriter()
    inner = types.struct("inner", [field("gone", types.int("int", 4), at=4)], size=8)
    _, explained = _explained("gone", _task(field("held", types.ptr(inner), at=0), types=types))
    assert (explained.near[0].how, explained.near[0].access) == ("pointer", "struct task_struct.held->gone")


def test_a_changed_kind_shows_the_kernels_type() -> None:
    types = BtfWriter()
    record, explained = _explained("gone", _task(field("gone", types.ptr(0), at=0), types=types))
    assert record.cause == Cause.KIND_CHANGED
    assert explained.near[0].declared == "void *gone"
    assert "void *gone;" in (explained.kernel or "")


def test_a_type_of_another_kind_is_named() -> None:
    types = BtfWriter()
    types.union("task_struct", [field("gone", types.int("int", 4), at=0)], size=4)
    _, explained = _explained("gone", types)
    assert explained.near[0].access == "union task_struct"


def test_both_declarations_show_only_what_matters() -> None:
    types = BtfWriter()
    number = types.int("int", 4)
    fields = [field(f"m{n}", number, at=4 * n) for n in range(9)]
    _, explained = _explained("gone", _task(*fields, types=types))
    assert "int gone; /* 8 */" in (explained.local or "")
    assert "m3" not in (explained.kernel or "")


def test_a_guarded_miss_is_explained_only_on_request() -> None:
    (found,) = core_findings(on(reader("gone", guarded=True), kernel(["pid"])))
    assert found.cause == ""


PRELUDE = """\
typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8; typedef short __s16; typedef int __s32; typedef long long __s64;
typedef __u16 __be16; typedef __u32 __be32; typedef __u32 __wsum;
enum bpf_map_type { X };
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
struct task_struct { %s; int pid, tgid, prio, cpu; } __attribute__((preserve_access_index));
%s
SEC("raw_tp/sched_switch") int read_it(__u64 *ctx)
{
    return get_gone((struct task_struct *)ctx[1]);
}
char LICENSE[] SEC("license") = "GPL";
"""


def _number(types: BtfWriter) -> int:
    return types.int("unsigned int", 4, encoding=0)


def _renamed() -> BtfWriter:
    types = BtfWriter()
    return _task(field("__gone", _number(types), at=16), types=types, beside=True)


def _nested() -> BtfWriter:
    types = BtfWriter()
    inner = types.struct("inner", [field("gone", _number(types), at=4)], size=8)
    return _task(field("held", inner, at=16), types=types, beside=True)


def _behind() -> BtfWriter:
    types = BtfWriter()
    inner = types.struct("inner", [field("gone", _number(types), at=4)], size=8)
    return _task(field("held", types.ptr(inner), at=16), types=types, beside=True)


def _flagged() -> BtfWriter:
    types = BtfWriter()
    types.enum("", [("MY_FLAGS_OTHER", 1), ("MY_FLAGS_GONE", 5)])
    wide = types.int("unsigned long", 8, encoding=0)
    return _task(field("my_flags", wide, at=16), types=types)


def _original() -> BtfWriter:
    types = BtfWriter()
    return _task(bitfield("gone", _number(types), bit=64, width=32), types=types)


def _compile(folder: Path, member: str, snippet: str) -> bytes:
    source, out = folder / "snippet.bpf.c", folder / "snippet.bpf.o"
    source.write_text(PRELUDE % (member, snippet), encoding="utf-8")
    command = ["clang", "-g", "-O2", "--target=bpf", "-D__TARGET_ARCH_x86", "-Wall", "-Werror"]
    command += ["-c", str(source), "-o", str(out)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + source.read_text(encoding="utf-8")
    return out.read_bytes()


SHAPES = {"renamed": _renamed, "nested": _nested, "pointer": _behind, "flag": _flagged}


@pytest.mark.skipif(shutil.which("clang") is None, reason="needs clang to compile the suggested C")
@pytest.mark.parametrize("how", list(SHAPES))
def test_the_suggested_c_compiles_and_is_stopped_on_neither_kernel(how: str, tmp_path: Path) -> None:
    member = "__u32 before[2]; __u32 gone : 32" if how == "flag" else "__u32 before[2]; __u32 gone"
    plain = "static __always_inline __u32 get_gone(struct task_struct *p) { return %s(p, gone); }"
    read = "BPF_CORE_READ_BITFIELD_PROBED" if how == "flag" else "BPF_CORE_READ"
    broken = load(_compile(tmp_path, member, plain % read), "broken.bpf.o")
    new = kernel_of(SHAPES[how]())
    on_new = on(broken, new)
    missed = next(r for r in on_new.relocation.relocations if r.outcome == "poisoned")
    explained = on_new.explanation(missed)
    assert [near.how for near in explained.near[:1]] == [how]
    assert explained.near[0].sure
    mended = load(_compile(tmp_path, member, explained.code or ""), "mended.bpf.o")
    for target in (new, kernel_of(_original())):
        stopped = [f.title for f in core_findings(on(mended, target)) if f.code not in ("PC202", "PC208")]
        assert stopped == []


def test_a_resized_load_suggests_a_read_of_any_width() -> None:
    types = BtfWriter()
    types.struct("task_struct", [field("count", types.int("long", 8), at=16)], size=64)
    found = on(number_reader(signed=True, direct=True), kernel_of(types))
    (record,) = found.relocation.relocations
    assert record.cause == Cause.MEMSIZE
    assert "BPF_CORE_READ_BITFIELD_PROBED(p, count)" in (found.explanation(record).code or "")


@pytest.mark.parametrize("name", ["a b", "x;system()", "\x1b[31m", "é", "", "1st", "a" * 5000, "a\nb"])
def test_a_hostile_name_gives_no_code_and_no_exception(name: str) -> None:
    types = BtfWriter()
    found = on(reader(name), kernel_of(_task(field("x", types.int("int", 4), at=0), types=types)))
    for record in found.relocation.relocations:
        assert found.explanation(record).code is None or name == "a" * 5000
