# SPDX-License-Identifier: Apache-2.0
"""Constants that a program returns and its type does not allow (check_return_code() of the verifier). Pure.

Only what stands in the code is judged: `r0 = CONSTANT` right before an exit that the verifier reaches.
What is computed is the verifier's to bound. The ranges are the same on 5.10 to 7.3, except where they are
said to differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from preflight.bytecode.insn import Insn, decode
from preflight.bytecode.opcodes import EXIT
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.causes import missing, place, undecided
from preflight.predict.kernel_facts import KernelFacts

if TYPE_CHECKING:
    from preflight.predict.relocated import RelocatedObject

_MOV32_K, _MOV64_K = 0xB4, 0xB7


class _Range(NamedTuple):
    """What may be returned; `widest` is what some kernels take as well."""

    low: int
    high: int
    widest: tuple[int, int] | None = None


_ANY_32 = (-(1 << 31), (1 << 31) - 1)
_NOTHING, _YES_NO, _ONE = _Range(0, 0), _Range(0, 1), _Range(1, 1)
#: (program type, attach type) -> range; attach type "" stands for all that are not named.
_RANGES = {
    ("tracing", "trace_fentry"): _NOTHING,
    ("tracing", "trace_fexit"): _NOTHING,
    ("tracing", "trace_iter"): _YES_NO,
    # 6.1 takes anything, 6.12 what the hook may return
    ("lsm", "lsm_mac"): _Range(-4095, 0, _ANY_32),
    ("cgroup_skb", "cgroup_inet_ingress"): _YES_NO,
    ("cgroup_skb", "cgroup_inet_egress"): _Range(0, 3),
    ("cgroup_sock", ""): _YES_NO,
    ("cgroup_sock_addr", "cgroup_inet4_bind"): _Range(0, 1, (0, 3)),
    ("cgroup_sock_addr", "cgroup_inet6_bind"): _Range(0, 1, (0, 3)),
    ("cgroup_sock_addr", "cgroup_udp4_recvmsg"): _ONE,
    ("cgroup_sock_addr", "cgroup_udp6_recvmsg"): _ONE,
    ("cgroup_sock_addr", "cgroup_inet4_getpeername"): _ONE,
    ("cgroup_sock_addr", "cgroup_inet6_getpeername"): _ONE,
    ("cgroup_sock_addr", "cgroup_inet4_getsockname"): _ONE,
    ("cgroup_sock_addr", "cgroup_inet6_getsockname"): _ONE,
    ("cgroup_sock_addr", "cgroup_inet4_connect"): _YES_NO,
    ("cgroup_sock_addr", "cgroup_inet6_connect"): _YES_NO,
    ("cgroup_device", ""): _YES_NO,
    ("cgroup_sysctl", ""): _YES_NO,
    ("cgroup_sockopt", ""): _YES_NO,
    ("sock_ops", ""): _YES_NO,
    ("sk_lookup", ""): _YES_NO,
}


def return_findings(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC424: the first constant out of range; `unknown` where kernels differ or its exit may be dead."""
    allowed = _RANGES.get((program.program_type, program.attach_type)) or _RANGES.get(
        (program.program_type, "")
    )
    if allowed is None:
        return
    image = on_kernel.image(program)
    end = min((start for start in image.subprogs if start), default=len(image.code) // 8)
    wrong = {
        insn.slot: insn.imm
        for insn in _returned([one for one in decode(image.code, image.byteorder) if one.slot < end])
        if not allowed.low <= insn.imm <= allowed.high
    }
    if not wrong:
        return
    for slot, reached in sorted(on_kernel.reach(program, wrong).items()):
        if reached.answer == "no":
            continue
        value = wrong[slot]
        differs = allowed.widest is not None and allowed.widest[0] <= value <= allowed.widest[1]
        rule = missing if reached.answer == "yes" and not differs else undecided
        span = str(allowed.low) if allowed.low == allowed.high else f"{allowed.low} to {allowed.high}"
        what = program.attach_type or program.program_type
        origin = image.origins[slot]
        found = rule(
            "PC424",
            on_kernel.obj,
            program,
            str(value),
            f"{program.name} returns {value}; {what} programs may return {span}",
            Evidence("object", f"r0 = {value} before an exit"),
            cause="kernels differ in what they take here" if differs else "",
        )
        yield replace(found, location=place(on_kernel.obj, origin.section, origin.insn))
        return


def _returned(insns: list[Insn]) -> Iterator[Insn]:
    """Moves of a constant to r0 that an exit follows at once."""
    for insn, following in pairwise(insns):
        if insn.opcode in (_MOV32_K, _MOV64_K) and insn.dst == 0 and following.opcode == EXIT:
            yield insn
