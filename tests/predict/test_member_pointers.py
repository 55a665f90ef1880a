# SPDX-License-Identifier: Apache-2.0
"""What tracing programs read out of structs and follow, against the types of recorded kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.btf import Btf, Kind
from preflight.kernels import Store
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.struct_walk import member_at
from preflight.predict.target import KernelTarget
from preflight.predict.verdict import predict
from tests.btfwriter import BtfWriter, field
from tests.predict.test_blind_recorded import objects

STORE = Store(Path(__file__).resolve().parents[2] / "fixtures" / "btf")
OLD, NEW = "6.1.0-50-amd64", "7.3.4+deb13-amd64"


def said(release: str, of: str, name: str, program: str) -> list[tuple[str, str]]:
    """Codes and verdicts of what members lead to."""
    obj = next(one for one in objects(of).values() if one.name == name)
    facts = KernelFacts(KernelTarget(STORE.get(f"debian/{release}")))
    found = next(one for one in predict(obj, facts).programs if one.program.name == program).findings
    return [(one.code, one.verdict.value) for one in found if "a pointer in argument" in one.title]


@pytest.mark.parametrize(("release", "expected"), [(OLD, []), (NEW, [("PC307", "missing")])])
def test_a_member_that_the_kernel_lists_as_perhaps_null(
    release: str, expected: list[tuple[str, str]]
) -> None:
    # kfree_skb: skb->sk->..., which kernels list since 6.4; skb->len is a number
    assert said(release, "sixth", "tcplife.bpf.o", "dropped_sk") == expected
    assert said(release, "sixth", "tcplife.bpf.o", "dropped_btf") == []


@pytest.mark.parametrize(("release", "expected"), [(OLD, []), (NEW, [("PC307", "missing")])])
def test_a_member_that_may_be_null_and_is_passed_on(release: str, expected: list[tuple[str, str]]) -> None:
    # bpf_get_socket_cookie(skb->sk); bpf_inode_storage_get() takes null
    assert said(release, "sixth", "tcplife.bpf.o", "dropped_cookie") == expected
    assert said(release, "sixth", "lsm_guard.bpf.o", "unlink_label") == []


@pytest.mark.parametrize("release", [OLD, NEW])
def test_a_member_that_leads_to_no_struct(release: str) -> None:
    # bprm->filename[0], and the same through a helper; task->real_parent->real_parent->pid
    assert said(release, "sixth", "lsm_guard.bpf.o", "exec_name_direct") == [("PC305", "unknown")]
    assert said(release, "sixth", "lsm_guard.bpf.o", "exec_name") == []
    assert said(release, "sixth", "syslat.bpf.o", "woken_deep") == []


def test_the_member_that_a_load_reads() -> None:
    types = BtfWriter()
    number = types.int("long", 8)
    inner = types.struct("inner", [field("a", number, at=0), field("b", number, at=8)], size=16)
    outer = types.struct("outer", [field("c", number, at=0), field("d", inner, at=8)], size=24)
    btf = Btf.parse(types.bytes())
    assert btf.kind(outer) == Kind.STRUCT
    found = [member_at(btf, outer, at, 8) for at in (0, 16, 24, 4)]
    assert [(one[0], one[1].name) if one else None for one in found] == [
        ("outer", "c"),
        ("inner", "b"),
        None,
        None,
    ]
