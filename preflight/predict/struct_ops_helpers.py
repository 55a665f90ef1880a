# SPDX-License-Identifier: Apache-2.0
"""Helpers that a struct_ops, or one of its members, keeps from its programs. Pure.

Each struct_ops has a get_func_proto() of its own (data/struct_ops.toml); what programs of tcp_congestion_ops
may call was tried for all helpers (`helper_types`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from preflight.bytecode.helpers import helper_name
from preflight.facts import Evidence
from preflight.objects.model import BpfObject, Program
from preflight.predict.struct_ops_rules import BASE, NONE, program_rules
from preflight.predict.witness import Answer

#: What bpf_tcp_ca_get_func_proto() adds to bpf_base_func_proto().
_OF_TCP: Final = frozenset({
    "bpf_tcp_send_ack", "bpf_sk_storage_get", "bpf_sk_storage_delete", "bpf_setsockopt", "bpf_getsockopt",
    "bpf_ktime_get_coarse_ns",
})  # fmt: skip


def kept_from(obj: BpfObject, program: Program, number: int) -> Answer | None:
    """Why the program may not call a helper; None where its struct_ops has no say in it."""
    found = program_rules(obj, program)
    if found is None:
        return None
    struct, member, rules = found
    return _kept(struct, member, rules.helpers, rules.without.get(member, frozenset()), helper_name(number))


@lru_cache(1 << 10)
def _kept(struct: str, member: str, helpers: str, without: frozenset[str], name: str) -> Answer | None:
    shown = Evidence("inferred", f"what programs of {struct} may call on every kernel that was measured")
    if helpers == NONE:
        return Answer(False, f"programs of {struct} may call no helper, as {name}", shown)
    if helpers == BASE and name in _OF_TCP:
        return Answer(False, f"programs of {struct} may not call {name}", shown)
    if name in without:
        return Answer(False, f"programs of {struct}.{member} may not call {name}", shown)
    return None
