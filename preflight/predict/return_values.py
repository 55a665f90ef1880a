# SPDX-License-Identifier: Apache-2.0
"""What a program returns and its type does not allow (check_return_code() of the verifier). Pure.

The ranges are the same on 5.10 to 7.3, except where they are said to differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from preflight.btf import Kind
from preflight.facts import Evidence
from preflight.findings.model import Finding
from preflight.objects.model import Program
from preflight.predict.causes import missing, place, undecided
from preflight.predict.hooks import gives_nothing, words_of_function
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.results import Result, outside
from preflight.records import replace

if TYPE_CHECKING:
    from preflight.bytecode.image import ProgramImage
    from preflight.predict.relocated import RelocatedObject


class _Range(NamedTuple):
    """What may be returned; `widest` is what some kernels take as well."""

    low: int
    high: int
    widest: tuple[int, int] | None = None


#: The function that says what hooks may return, and one that came with ranges of negated numbers (6.17).
_OF_HOOKS, _NEGATES = "bpf_lsm_get_retval_range", "tnum_neg"
#: LSM hooks that answer yes or no (`bool_lsm_hooks`).
_YES_OR_NO = frozenset({"audit_rule_known", "inode_xattr_skipcap"})
_ANY_32 = (-(1 << 31), (1 << 31) - 1)
_NOTHING, _YES_NO, _ONE = _Range(0, 0), _Range(0, 1), _Range(1, 1)
#: (program type, attach type) -> range; attach type "" stands for all that are not named.
_RANGES = {
    ("tracing", "trace_fentry"): _NOTHING,
    ("tracing", "trace_fexit"): _NOTHING,
    ("tracing", "trace_iter"): _YES_NO,
    # 6.1 takes anything, 6.12 what the hook may return (_held_to)
    ("lsm", "lsm_mac"): _Range(-4095, 0, _ANY_32),
    ("lsm", "lsm_cgroup"): _YES_NO,
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
    ("cgroup_sock_addr", "cgroup_udp4_sendmsg"): _YES_NO,
    ("cgroup_sock_addr", "cgroup_udp6_sendmsg"): _YES_NO,
    ("cgroup_sock_addr", "cgroup_unix_connect"): _YES_NO,
    ("cgroup_sock_addr", "cgroup_unix_sendmsg"): _YES_NO,
    ("cgroup_sock_addr", "cgroup_unix_recvmsg"): _ONE,
    ("cgroup_sock_addr", "cgroup_unix_getpeername"): _ONE,
    ("cgroup_sock_addr", "cgroup_unix_getsockname"): _ONE,
    ("netfilter", ""): _YES_NO,
    ("cgroup_device", ""): _YES_NO,
    ("cgroup_sysctl", ""): _YES_NO,
    ("cgroup_sockopt", ""): _YES_NO,
    ("sock_ops", ""): _YES_NO,
    ("sk_lookup", ""): _YES_NO,
}


def return_findings(on_kernel: RelocatedObject, facts: KernelFacts, program: Program) -> Iterator[Finding]:
    """PC424: what is returned out of range; `unknown` where kernels differ or a verifier may know better."""
    allowed = _RANGES.get((program.program_type, program.attach_type)) or _RANGES.get(
        (program.program_type, "")
    )
    if allowed is None:
        return
    hook = program.hook.target.name if program.hook.target is not None else ""
    if program.attach_type == "lsm_cgroup" and hook and gives_nothing(facts, f"bpf_lsm_{hook}"):
        allowed = _ONE  # it may not stop what gives nothing
    image = on_kernel.obj.image(program)
    low, high = allowed.low, allowed.high
    if allowed.widest == _ANY_32:
        held = _held_to(facts, program)
        if held is False:
            return
        allowed = allowed._replace(widest=None) if held else allowed
    negates = facts.has_func(_NEGATES) if low < 0 else None
    found = on_kernel.about(outside, program, low, high, _passes_on(facts, program), negates)
    if not found:
        return
    result = next((one for one in found if not _differs(one, allowed)), found[0])
    differs = _differs(result, allowed)
    certain = result.sure and (result.always or _looks_twice(facts) or _is_short(image))
    rule = missing if certain and not differs else undecided
    span = str(low) if low == high else f"{low} to {high}"
    what = program.attach_type or program.program_type
    returned = "a number that is not bounded so" if result.value is None else str(result.value)
    origin = image.origins[result.slot]
    made = rule(
        "PC424",
        on_kernel.obj,
        program,
        "" if result.value is None else returned,
        f"{program.name} returns {returned}; {what} programs may return {span}",
        Evidence("object", f"what is there at the exit in slot {origin.insn}"),
        cause="" if certain and not differs else "kernels differ in what they take here",
    )
    yield replace(made, location=place(on_kernel.obj, origin.section, origin.insn))


def _held_to(facts: KernelFacts, program: Program) -> bool | None:
    """Whether this kernel looks at what programs of an LSM hook return (6.12); None: it may be another range
    (bpf_lsm_get_retval_range())."""
    if not facts.has_func(_OF_HOOKS):
        return False
    name = program.hook.target.name if program.hook.target else ""
    nothing = gives_nothing(facts, f"bpf_lsm_{name}") if name else None
    return None if nothing is None or name in _YES_OR_NO else not nothing


def _passes_on(facts: KernelFacts, program: Program) -> int | None:
    """Where the context of an LSM program holds what was returned before it; -1: not known."""
    if program.program_type != "lsm":
        return None
    target = program.hook.target
    words = None if target is None or not target.name else words_of_function(facts, f"bpf_lsm_{target.name}")
    return -1 if words is None else 8 * words


def _looks_twice(facts: KernelFacts) -> bool:
    """Whether the verifier keeps paths apart that differ in their result alone: those since 6.8 do.

    Older ones may take the second path for one they know and never look at its result. `struct
    bpf_retval_range` came with the change (check_return_code() marks register 0 as precise).
    """
    return facts.has_type("bpf_retval_range", Kind.STRUCT)


def _is_short(image: ProgramImage) -> bool:
    """Whether no verifier skips a path: states to compare with are kept every eight instructions."""
    return len(image.code) < 8 * 8


def _differs(result: Result, allowed: _Range) -> bool:
    """Whether some kernels take what is returned."""
    if allowed.widest is None:
        return False
    low, high = allowed.widest
    return result.value is None or low <= result.value <= high
