# SPDX-License-Identifier: Apache-2.0
"""Every family: a line that is of it, and one that is not."""

from __future__ import annotations

from preflight.findings.model import Finding
from preflight.verifier.result import to_finding
from tests.host.cases import Case
from tests.verifier.logs import STATS, decoded

#: Family -> a line as a kernel or loader prints it.
LINES = {
    "L-CORE-POISON": "failed to resolve CO-RE relocation <byte_off> [6] struct task_struct.gone (0:0 @ offset 0)",  # noqa: E501
    "L-MAP-POISON": "BPF map 'events' is referenced but wasn't created",
    "L-KFUNC-POISON": "kfunc 'bpf_iter_num_new' is referenced but wasn't resolved",
    "L-MAP-CREATE": "libbpf: map 'events': failed to create: Invalid argument(-22)",
    "L-ATTACH-TARGET": "libbpf: prog 'on_exit': failed to find kernel BTF type ID of 'do_gone': -3",
    "V-PKT-BOUNDS": "R8 offset is outside of the packet",
    "V-PKT-STALE": "R1 is a packet pointer, but func#8 may change packet data",
    "V-PKT-HELPER": "helper access to the packet is not allowed",
    "V-MAPVAL-BOUNDS": "invalid access to map value, value_size=8 off=8 size=8",
    "V-MEM-BOUNDS": "R8 max value is outside of the allowed memory range",
    "V-INDEX-SIGN": "R8 min value is negative, either use unsigned index or do a if (index >=0) check.",
    "V-SIZE-ARG": "R8 min value is negative, either use unsigned or 'var &= const'",
    "V-DEREF": "R8 invalid mem access 'x'",
    "V-NULL": "R8 pointer arithmetic on bpf_x prohibited, null-check it first",
    "V-STACK-UNINIT": "invalid read from stack off 8+8 size 8",
    "V-STACK-OOB": "R8 stack pointer arithmetic goes out of range, prohibited for !root; off=8",
    "V-STACK-SPILL": "attempt to corrupt spilled pointer on stack",
    "V-ALIGN": "misaligned bpf_xaccess off bpf_x+8+8 size 8",
    "V-RDONLY": "R8 cannot write into bpf_x",
    "V-BUF-BOUNDS": "R8 invalid bpf_x access off=8 size=8",
    "V-BTF-STRUCT": "R8 is ptr_bpf_x invalid negative access: off=8",
    "V-BTF-TAGMEM": "R8 is ptr_bpf_x access percpu memory: off=8",
    "V-BTF-PRIV": "R1 access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN",
    "V-MAPPTR": "R8 is bpf_x invalid negative access: off=8",
    "V-CTX-ACCESS": "invalid bpf_context access off=8 size=8",
    "V-CTX-TRACING": "func 'x' arg8 'x' has type bpf_x. Only pointer access is allowed",
    "V-CTX-MODIFIED": "dereference of modified bpf_x ptr R8 off=8 disallowed",
    "V-PTR-ARITH": "R8 32-bit pointer arithmetic prohibited",
    "V-PTR-MATH-RANGE": "R1 pointer offset 8 is not allowed",
    "V-PTR-SPEC": "R8 could not be pushed for speculative verification, bpf_x",
    "V-SAMEINSN": "same insn cannot be used with different pointers",
    "V-LEAK": "R8 leaks addr into helper function",
    "V-UNINIT-REG": "R8 !read_ok",
    "V-UNINIT-SRC": "unexpected __bpf_trap() due to uninitialized variable?",
    "V-HELPER-ARG": "R8 is of type bpf_x but bpf_x is expected",
    "V-HELPER-UNAVAIL": "invalid func bpf_x#8",
    "V-HELPER-CTX": "get_local_storage() doesn't support non-zero flags",
    "V-GPL": "cannot call GPL-restricted function from non-GPL compatible program",
    "V-MAP-FUNC": "cannot pass map_type 8 into func bpf_x#8",
    "V-MAP-PROG": "only one cgroup storage of each type is allowed",
    "V-PREALLOC-MAP": "perf_event programs can only use preallocated hash map",
    "V-FD": "fd 8 is not pointing to valid bpf_map",
    "V-TAILCALL": "tail_call abusing map_ptr",
    "V-KFUNC-UNAVAIL": "calling kernel function bpf_x is not allowed",
    "V-KFUNC-ARG": "arg#8 expected pointer to ctx, but got bpf_x",
    "V-KFUNC-CTX": "destructive kfunc calls require CAP_SYS_BOOT capability",
    "V-GLOBALFUNC": "arg#8 struct doesn't have a name",
    "V-FUNCINFO": "func_info BTF section doesn't match subprog layout in BPF program",
    "V-CALLBACK": "callback function not allowed for map",
    "V-FMT": "R8 does not point to a readonly map'",
    "V-KSYM": "kernel is missing BTF, make sure CONFIG_DEBUG_INFO_BTF=y is specified in Kconfig.",
    "V-CFG": "jump out of range from insn 8 to 8",
    "V-INSN": "BPF_ALU uses reserved fields",
    "V-LDABS": "at the time of BPF_LD_ABS|IND R6 != pointer to skb",
    "V-COMPLEXITY": "BPF program is too large. Processed 8 insn",
    "V-LOOP": "back-edge from insn 8 to 8",
    "V-STACKSIZE": "combined stack size of 8 calls is 8. Too large",
    "V-CALLDEPTH": "the call stack of 8 frames is too deep",
    "V-LIMITS": "too many different kernel function calls",
    "V-JIT": "JIT doesn't support bpf-to-bpf calls",
    "V-RETVAL": "cannot return stack pointer to the caller",
    "V-PRIV": "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN",
    "V-ATTACH": "attach_btf_id 8 doesn't have a name",
    "V-FREPLACE": "arg8 bpf_x(struct bpf_x *) doesn't match bpf_x(struct bpf_x *)",
    "V-STRUCTOPS": "attach to invalid member bpf_x(@idx 8) of struct bpf_x",
    "V-SLEEPABLE": "R1 is not sleepable",
    "V-OFFLOAD": "offload device mismatch between prog and map",
    "V-REFLEAK": "Unreleased reference id=8 alloc_insn=8",
    "V-RELEASE": "func bpf_x#8 reference has not been acquired before",
    "V-SPINLOCK": "function calls are not allowed while holding a lock",
    "V-RCU": "Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback",
    "V-PREEMPT": "unmatched attempt to enable preemption (kernel function bpf_x)",
    "V-IRQ": "R1 cannot be used inside bpf_local_irq_save-ed region",
    "V-DYNPTR": "Dynptr has to be an uninitialized dynptr",
    "V-ITER": "arg#8 expected pointer to an iterator on stack",
    "V-GRAPH": "arg#8 doesn't point to a type with bpf_refcount field",
    "V-OBJALLOC": "arg#8 expected pointer to allocated object",
    "V-KPTR": "R8 doesn't have constant offset. kptr has to be at the constant offset",
    "V-SPECIALFIELD": "R1 cannot be accessed directly by load/store",
    "V-TIMER": "bpf_timer cannot be used for PREEMPT_RT.",
    "V-EXCEPTION": "R1 programs cannot attach to exception callback",
    "V-ARENA": "arg#8 arena cannot be combined with any other tags",
    "V-JUMPTABLE": "R8 has type bpf_x, expected PTR_TO_INSN",
    "V-STACKARG": "R1 prog->aux cannot be a stack argument",
    "V-SIGNED": "program's hash doesn't match map's excl_prog_hash",
    "V-MAPCREATE": "btf_vmlinux_value_type_id can only be used with struct_ops maps.",
    "V-CORE-INKERNEL": "Invalid core_relo[8].insn_off:8 prog->len:8",
    "V-INTERNAL": "adding tail call poke descriptor failed",
    "V-UNKNOWN": "a sentence that no kernel prints",
    "V-BTFLOAD": "[5] Invalid name_offset:99",
}

#: Family -> a log without a message that is of it.
LOGS = {
    "L-TRUNC-HEAD": "0: R1=ctx() R10=fp0\n0: (b7) r0 = 0        ; R0=0\n1: (bf) r2 = r",
    "L-EPERM-NOLOG": "libbpf: prog 'p': BPF program load failed: Operation not permitted\n",
    "L-EACCES-NOLOG": "libbpf: prog 'p': BPF program load failed: Permission denied\n",
    "L-ENOSPC": "libbpf: prog 'p': BPF program load failed: No space left on device\n",
    "L-EAGAIN": "libbpf: prog 'p': BPF program load failed: Resource temporarily unavailable\n",
    "L-EFAULT": "libbpf: prog 'p': BPF program load failed: Bad address\n",
    "L-ENOMEM": "libbpf: prog 'p': BPF program load failed: Cannot allocate memory\n",
    "L-EINVAL-NOLOG": "libbpf: prog 'p': BPF program load failed: Invalid argument\n",
    "L-E2BIG-NOLOG": "libbpf: prog 'p': BPF program load failed: Argument list too long\n",
    "L-ENOTSUPP": f"libbpf: prog 'p': BPF program load failed: Operation not supported\n{STATS}",
}
#: A message of another family, and one of this family's neighbour for that family.
OTHER = ("V-DEREF", "R3 invalid mem access 'scalar'"), ("V-CFG", "unreachable insn 7")


def log_with(line: str) -> str:
    """A program's log that ends in the line."""
    return f"0: R1=ctx() R10=fp0\n0: (b7) r0 = 0        ; R0=0\n1: (95) exit\n{line}\n{STATS}"


def btf_log(line: str) -> str:
    """A loader's BTF log that ends in the line."""
    return f"libbpf: -- BEGIN BTF LOAD LOG ---\n{line}\n-- END BTF LOAD LOG --\n"


def _findings(text: str) -> list[Finding]:
    return [to_finding(one) for one in decoded(text).rejections]


def _failing(family: str) -> list[Finding]:
    if family in LOGS:
        return _findings(LOGS[family])
    make = btf_log if family == "V-BTFLOAD" else log_with
    return _findings(make(LINES[family]))


def _passing(family: str) -> list[Finding]:
    return _findings(log_with(next(line for other, line in OTHER if other != family)))


CASES = {
    family: Case(
        passing=lambda family=family: _passing(family),  # type: ignore[misc]
        failing=lambda family=family: _failing(family),  # type: ignore[misc]
    )
    for family in [*LINES, *LOGS]
}
