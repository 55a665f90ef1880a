# SPDX-License-Identifier: Apache-2.0
"""Types of real kernels as bpftool prints them, compared with ours: this host, and packaged ones."""

from __future__ import annotations

import json
import lzma
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.btf import Btf, kind_name, types
from tests.btfwriter import BtfWriter, field, one_of_every_kind, standard_layout

HOST = Path("/sys/kernel/btf/vmlinux")
PACKAGED = Path(__file__).parents[2] / "fixtures" / "btf" / "debian"
#: The running kernel, a big-endian one, and one whose types are sorted by name.
KERNELS = ["host", "6.12.107+deb13-s390x", "7.3.4+deb13-amd64"]
SAMPLE = 3000

pytestmark = pytest.mark.skipif(shutil.which("bpftool") is None, reason="bpftool is not installed")

_LINKAGE = {0: "static", 1: "global", 2: "extern"}
_VAR_LINKAGE = {0: "static", 1: "global", 2: "extern"}
_ENCODING = {0: "(none)", 1: "SIGNED", 2: "CHAR", 4: "BOOL"}


@pytest.fixture(scope="module", params=KERNELS)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "host":
        if not HOST.exists():
            pytest.skip(f"this kernel has no {HOST}")
        return HOST
    packed = PACKAGED / request.param / "vmlinux.btf.xz"
    if not packed.exists():
        pytest.skip(f"{packed} is not in this copy of the project")
    unpacked = tmp_path_factory.mktemp("btf") / "vmlinux.btf"
    unpacked.write_bytes(lzma.decompress(packed.read_bytes()))
    return unpacked


@pytest.fixture(scope="module")
def kernel(path: Path) -> Btf:
    return Btf.parse(path.read_bytes())


@pytest.fixture(scope="module")
def dump(path: Path) -> dict[int, dict[str, Any]]:
    return bpftool_dump(path)


def bpftool_dump(path: Path, base: Path | None = None) -> dict[int, dict[str, Any]]:
    over = ["-B", str(base)] if base else []
    done = subprocess.run(
        ["bpftool", *over, "btf", "dump", "file", str(path), "-j"],
        capture_output=True,
        check=True,
        timeout=120,
    )
    return {entry["id"]: entry for entry in json.loads(done.stdout)["types"]}


def as_bpftool(found: types.Type) -> dict[str, Any]:
    """What `bpftool btf dump -j` says of a type, as far as bpftool 7.1 says it."""
    out: dict[str, Any] = {
        "id": found.id,
        "kind": kind_name(found.kind).upper(),
        "name": found.name or "(anon)",
    }
    match found:
        case types.Int():
            encoding = _ENCODING[found.encoding]
            out |= {
                "size": found.size,
                "bits_offset": found.offset,
                "nr_bits": found.bits,
                "encoding": encoding,
            }
        case types.Array():
            out |= {
                "type_id": found.type,
                "index_type_id": found.index_type,
                "nr_elems": found.nelems,
            }
        case types.Composite():
            out |= {
                "size": found.size,
                "vlen": len(found.members),
                "members": [_member(member) for member in found.members],
            }
        case types.Enum():
            values = [{"name": v.name, "val": v.value} for v in found.values]
            out |= {
                "size": found.size,
                "encoding": "SIGNED" if found.signed else "UNSIGNED",
                "vlen": len(values),
                "values": values,
            }
        case types.Fwd():
            out["fwd_kind"] = "union" if found.is_union else "struct"
        case types.Func():
            out |= {"type_id": found.type, "linkage": _LINKAGE[found.linkage]}
        case types.FuncProto():
            params = [{"name": p.name or "(anon)", "type_id": p.type} for p in found.params]
            out |= {"ret_type_id": found.ret, "vlen": len(params), "params": params}
        case types.Var():
            out |= {"type_id": found.type, "linkage": _VAR_LINKAGE[found.linkage]}
        case types.Datasec():
            secinfos = [{"type_id": v.type, "offset": v.offset, "size": v.size} for v in found.variables]
            out |= {"size": found.size, "vlen": len(secinfos), "vars": secinfos}
        case types.Float():
            out["size"] = found.size
        case types.DeclTag():
            out |= {"type_id": found.type, "component_idx": found.component}
        case types.Reference():
            out["type_id"] = found.type
    return out


def _member(member: types.Member) -> dict[str, Any]:
    out = {"name": member.name or "(anon)", "type_id": member.type, "bits_offset": member.bit_offset}
    return out | {"bitfield_size": member.bitfield_size} if member.bitfield_size else out


def expected(entry: dict[str, Any]) -> dict[str, Any]:
    """The dump's entry, where bpftool's habits differ from the format's words."""
    entry = dict(entry)
    for secinfo in entry.get("vars", ()):
        secinfo.pop("name", None)
    if entry["kind"] == "ENUM" and entry["encoding"] == "UNSIGNED":
        # bpftool widens the 32-bit word with its sign before it prints it unsigned.
        entry["values"] = [value | {"val": value["val"] & 0xFFFFFFFF} for value in entry["values"]]
    if entry["kind"] == "DECL_TAG" and entry["component_idx"] == 0xFFFFFFFF:
        entry["component_idx"] = -1
    return entry


def test_the_number_of_types(kernel: Btf, dump: dict[int, dict[str, Any]]) -> None:
    assert kernel.type_count - 1 == len(dump)


def test_a_random_sample_of_types(kernel: Btf, dump: dict[int, dict[str, Any]]) -> None:
    ids = sorted(random.Random(0xEB9F).sample(sorted(dump), min(SAMPLE, len(dump))))
    for type_id in ids:
        ours, theirs = as_bpftool(kernel.type(type_id)), expected(dump[type_id])
        assert {key: ours.get(key) for key in theirs} == theirs


def test_one_of_every_kind(kernel: Btf, dump: dict[int, dict[str, Any]]) -> None:
    seen: set[str] = set()
    for type_id, entry in dump.items():
        if entry["kind"] not in seen:
            seen.add(entry["kind"])
            theirs = expected(entry)
            ours = as_bpftool(kernel.type(type_id))
            assert {key: ours.get(key) for key in theirs} == theirs
    assert {"INT", "STRUCT", "ENUM", "FUNC"} <= seen


def test_lookups_by_name(kernel: Btf, dump: dict[int, dict[str, Any]]) -> None:
    by_name: dict[tuple[str, str], list[int]] = {}
    for type_id, entry in dump.items():
        by_name.setdefault((entry["kind"], entry["name"]), []).append(type_id)
    kinds = {kind_name(kind).upper(): kind for kind in range(1, 20)}
    duplicated = [(key, ids) for key, ids in by_name.items() if len(ids) > 1 and key[1] != "(anon)"]
    sample = random.Random(1).sample(sorted(by_name.items()), 1000) + duplicated[:1000]
    for (kind, name), ids in sample:
        if name != "(anon)":
            assert kernel.ids_by_name(name, {kinds[kind]}) == ids


def agree(btf: Btf, dump: dict[int, dict[str, Any]]) -> None:
    assert sorted(dump) == [found.id for found in btf.types(own=True)]
    for type_id, entry in dump.items():
        ours, theirs = as_bpftool(btf.type(type_id)), expected(entry)
        assert {key: ours.get(key) for key in theirs} == theirs


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_made_btf_and_a_split_over_it(tmp_path: Path, byteorder: str) -> None:
    w = one_of_every_kind(byteorder)
    module = BtfWriter(base=w)
    s = module.struct("own", [field("int", 1, at=0), field("new", 4, at=8)], size=24)
    module.func("int", module.func_proto(s, [("own", 3)]))
    base_file, split_file = tmp_path / "base", tmp_path / "split"
    base_file.write_bytes(w.bytes())
    split_file.write_bytes(module.bytes())
    base = Btf.parse(w.bytes())
    agree(base, bpftool_dump(base_file))
    agree(Btf.parse(module.bytes(), base), bpftool_dump(split_file, base_file))


def test_made_btf_with_a_layout_section(tmp_path: Path) -> None:
    data = one_of_every_kind(sys.byteorder).bytes(layout=standard_layout())
    file = tmp_path / "btf"
    file.write_bytes(data)
    agree(Btf.parse(data), bpftool_dump(file))
