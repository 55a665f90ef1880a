# SPDX-License-Identifier: Apache-2.0
"""From an answer of bpf(2) to a meaning: anchored log lines and errnos, as tables.

A line counts only when the whole line has the wording of a table entry; anything else is
`inconclusive` and carries the line, so that a new kernel's wording is never read as yes
or no. The tables say in which kernels a wording was seen and where it is written; stable
kernels carry backports, so "seen in" is context and never decides.

The helper probe is `call HELPER; r0 = r9; exit` with only R1 (the context) set. A helper
that the program type may call is therefore stopped at its first argument that is not what
the prototype wants, or, without arguments, at R9, which was never written.
"""

from __future__ import annotations

import errno
import re
from enum import StrEnum
from functools import lru_cache

from preflight.host.bpf.syscall import ENOTSUPP
from preflight.records import dataclass


class HelperState(StrEnum):
    """What is known of one helper in one program type."""

    #: The verifier looked the helper up for this type and went on to its arguments, or accepted it.
    USABLE = "usable"
    #: The kernel has the helper, but not for this type.
    NOT_FOR_TYPE = "not-for-type"
    #: The kernel has no helper of this id.
    UNKNOWN_TO_KERNEL = "unknown-to-kernel"
    #: The load was refused before the verifier looked: EPERM or EACCES without a log.
    DENIED = "denied"
    #: An answer that is in no table, or no answer.
    INCONCLUSIVE = "inconclusive"


class Meaning(StrEnum):
    """What a log line says about a helper call."""

    REACHED = "reached"
    NOT_FOR_TYPE = "not-for-type"
    UNKNOWN_ID = "unknown-id"
    WANTS_SLEEPABLE = "wants-sleepable"
    CANNOT_SLEEP = "cannot-sleep"
    #: The attach target chosen may not sleep; another one may.
    TARGET_CANNOT_SLEEP = "target-cannot-sleep"
    #: Only for other attach targets of the same type.
    OTHER_TARGET = "other-target"
    #: Only for other attach types of the same program type.
    OTHER_ATTACH = "other-attach"


@dataclass(frozen=True, slots=True)
class Wording:
    """One log line: the whole line as a pattern, its meaning, where it was seen and where it is written.

    Patterns are compiled when they are first tried: a healthy host needs a handful of them.
    """

    pattern: str
    meaning: Meaning
    seen: str
    source: str


def _word(pattern: str, meaning: Meaning, seen: str, source: str) -> Wording:
    return Wording(pattern, meaning, seen, f"kernel/bpf/verifier.c:{source}")


_HELPER = r"[a-z0-9_]+#\d+"
_REG = r"R[0-9]"

#: Lines about helper calls, most frequent first.
HELPER_WORDINGS: tuple[Wording, ...] = (
    # The lookup refused.
    _word(
        rf"program of this type cannot use helper {_HELPER}",
        Meaning.NOT_FOR_TYPE,
        "6.10 and later, and stable trees that took the change",
        "check_helper_call",
    ),
    _word(rf"unknown func {_HELPER}", Meaning.NOT_FOR_TYPE, "4.9 to 6.9", "check_helper_call"),
    _word(r"unknown func \d+", Meaning.NOT_FOR_TYPE, "before 4.10", "check_call"),
    _word(rf"invalid func {_HELPER}", Meaning.UNKNOWN_ID, "4.9 and later", "check_helper_call"),
    _word(r"invalid func \d+", Meaning.UNKNOWN_ID, "before 4.10", "check_call"),
    # The helper was found and its arguments were looked at.
    _word(rf"{_REG} type=[a-z0-9_]* expected=\S.*", Meaning.REACHED, "4.9 and later", "check_reg_type"),
    _word(rf"{_REG} !read_ok", Meaning.REACHED, "all", "check_reg_arg"),
    _word(rf"{_REG} is not a scalar", Meaning.REACHED, "7.2 and later", "check_helper_call"),
    _word(rf"{_REG} is not a (known )?const(ant)?'?", Meaning.REACHED, "6.1 and later", "check_func_arg"),
    _word(rf"{_REG} must be a known constant", Meaning.REACHED, "6.12 and later", "process_const_arg"),
    _word(rf"{_REG} leaks addr into helper function", Meaning.REACHED, "all", "check_func_arg"),
    _word(
        rf"{_REG} must be referenced when passed to release function",
        Meaning.REACHED,
        "5.18 and later",
        "check_func_arg",
    ),
    _word(
        r"release helper \S+ expects referenced PTR_TO_BTF_ID passed to \S+",
        Meaning.REACHED,
        "7.3",
        "check_func_arg",
    ),
    _word(r"arg ?#?\d+ is an unacquired reference", Meaning.REACHED, "6.1 to 6.12", "check_func_arg"),
    _word(
        rf"{_REG} is of type [A-Za-z0-9_]+ but [A-Za-z0-9_]+ is expected",
        Meaning.REACHED,
        "5.10 and later",
        "check_reg_type",
    ),
    _word(r"helper access to the packet is not allowed", Meaning.REACHED, "all", "check_func_arg"),
    _word(
        r"arg#\d+ expected pointer to stack or const struct bpf_dynptr",
        Meaning.REACHED,
        "6.12 and later",
        "process_dynptr_func",
    ),
    _word(
        r"cannot call GPL-restricted function from non-GPL compatible program",
        Meaning.REACHED,
        "4.19 and later",
        "check_helper_call",
    ),
    _word(
        r"cannot call GPL only function from proprietary program",
        Meaning.REACHED,
        "before 4.19",
        "check_call",
    ),
    # The helper was found, but wants another kind of program.
    _word(
        r"helper call might sleep in a non-sleepable prog",
        Meaning.WANTS_SLEEPABLE,
        "6.7 and later",
        "check_helper_call",
    ),
    _word(
        rf"sleepable helper {_HELPER} in .{{1,60}}",
        Meaning.WANTS_SLEEPABLE,
        "7.3",
        "check_helper_call",
    ),
    _word(
        r"helper call is not allowed in probe", Meaning.OTHER_TARGET, "5.10 and later", "check_helper_call"
    ),
    _word(
        rf"func {_HELPER} not supported for program type \d+",
        Meaning.NOT_FOR_TYPE,
        "5.15 and later",
        "check_get_func_ip",
    ),
    _word(
        rf"func {_HELPER} supported only for fentry/fexit(?:/fsession)?/fmod_ret programs",
        Meaning.OTHER_ATTACH,
        "5.15 and later",
        "check_get_func_ip",
    ),
    _word(
        r"Extension program (?:changes packet data|may sleep), while original does not",
        Meaning.OTHER_TARGET,
        "6.12 to 7.3",
        "bpf_check_attach_target",
    ),
    # The program as a whole may not sleep.
    _word(
        r"Only fentry/fexit/fmod_ret(?:, | and )[a-z_/, ]+ programs can be sleepable",
        Meaning.CANNOT_SLEEP,
        "5.10 to 6.18",
        "check_attach_btf_id",
    ),
    _word(r"Program of this type cannot be sleepable", Meaning.CANNOT_SLEEP, "7.3", "check_attach_btf_id"),
    _word(
        r"[A-Za-z0-9_.]+ is not sleepable",
        Meaning.TARGET_CANNOT_SLEEP,
        "5.10 and later",
        "bpf_check_attach_target",
    ),
    _word(
        r"Sleepable program cannot attach to non-faultable tracepoint [A-Za-z0-9_]+",
        Meaning.TARGET_CANNOT_SLEEP,
        "7.3",
        "bpf_check_attach_target",
    ),
)

#: Lines by which the verifier says that it lacks a feature of the instruction set, the JIT or the kernel.
LACKS: tuple[tuple[str, str, str], ...] = tuple(
    (pattern, seen, f"kernel/bpf/{source}")
    for pattern, seen, source in (
        (r"unknown opcode [0-9a-f]{1,2}", "5.10 to 7.3", "verifier.c:resolve_pseudo_ldimm64"),
        (r"unknown insn class \d+", "5.10 to 7.3", "verifier.c:do_check"),
        (
            r"invalid BPF_[A-Z0-9]+(?:/[A-Z0-9]+)? opcode [0-9a-f]{1,2}",
            "5.10 to 7.3",
            "verifier.c:check_alu_op",
        ),
        (r"BPF_[A-Z0-9_]+(?:[/|][A-Z0-9_]+)* uses reserved fields", "5.10 to 7.3", "verifier.c:do_check"),
        (r"BPF_ATOMIC uses invalid atomic opcode [0-9a-f]{1,2}", "6.1 to 7.3", "verifier.c:check_atomic"),
        (r"back-edge from insn \d+ to \d+", "4.9 to 7.3, before 5.3 for every loop", "cfg.c:push_insn"),
        (r"jump out of range from insn \d+ to \d+", "5.10 to 7.3", "cfg.c:push_insn"),
        (r"unrecognized bpf_ld_imm64 insn", "5.10 to 7.3", "verifier.c:resolve_pseudo_ldimm64"),
        (
            r"tail_calls are not allowed in programs with bpf-to-bpf calls",
            "4.16 to 5.9",
            "verifier.c:check_map_func_compatibility",
        ),
        (
            r"mixing of tail_calls and bpf-to-bpf calls is not supported",
            "7.3",
            "verifier.c:check_map_func_compatibility",
        ),
        (
            r"tail_calls are not allowed in non-JITed programs with bpf-to-bpf calls",
            "5.10 to 7.3",
            "fixups.c:bpf_fixup_call_args",
        ),
        (r"callbacks are not allowed in non-JITed programs", "6.1 to 7.3", "fixups.c:bpf_fixup_call_args"),
        (r"JIT does not support [a-z ]+", "6.1 to 7.3", "verifier.c:bpf_add_kfunc_call"),
        (
            r"calling kernel functions are not allowed in non-JITed programs",
            "6.1 to 6.12",
            "fixups.c:bpf_fixup_call_args",
        ),
        (
            r"calling kernel function is not supported without CONFIG_DEBUG_INFO_BTF",
            "6.1 to 7.3",
            "verifier.c:bpf_add_kfunc_call",
        ),
        (r"calling kernel function \S+ is not allowed", "6.1 to 7.3", "verifier.c:check_kfunc_call"),
    )
)

#: Lines by which the verifier says that this caller lacks a capability.
DENIES: tuple[str, ...] = (r"[a-z/ ]{1,80} (?:are|is) allowed for (?:CAP_BPF and CAP_SYS_ADMIN|root only)",)

#: Statistics, which follow every verification and say nothing of it.
_STATISTICS = re.compile(
    r"processed \d+ insns\b.*|verification time \d+ usec|stack depth (?:max )?[0-9+]+(?: max \d+)?"
    r"|(?:insns|subprog) .*"
)
#: Instruction and state lines; level 4 prints none, kernels before 5.2 read it as level 2.
_TRACE = re.compile(r"\d+: .*|from \d+ to \d+.*|func#\d+ @\d+|; .*|\s+R\d+.*|Live regs before insn:|")


def messages(log: str) -> tuple[str, ...]:
    """The lines of a log that are neither trace nor statistics, first 32, each cut to 300 characters."""
    lines = (line.strip("\0") for line in log[: 64 * 1024].splitlines())
    kept = [line[:300] for line in lines if not _STATISTICS.fullmatch(line) and not _TRACE.fullmatch(line)]
    return tuple(kept[:32])


@lru_cache(maxsize=2048)
def helper_meaning(line: str) -> Meaning | None:
    """What one whole log line says about a helper call; None when it is in no table."""
    return next((w.meaning for w in HELPER_WORDINGS if re.fullmatch(w.pattern, line)), None)


@dataclass(frozen=True, slots=True)
class HelperAnswer:
    """How one helper probe was answered: the line's meaning (None when unread), and what decided."""

    state: HelperState
    meaning: Meaning | None
    line: str


_STATE_OF = {
    Meaning.REACHED: HelperState.USABLE,
    Meaning.NOT_FOR_TYPE: HelperState.NOT_FOR_TYPE,
    Meaning.UNKNOWN_ID: HelperState.UNKNOWN_TO_KERNEL,
    # Each of these is settled by asking again in another way; alone it decides nothing.
    Meaning.WANTS_SLEEPABLE: HelperState.INCONCLUSIVE,
    Meaning.CANNOT_SLEEP: HelperState.INCONCLUSIVE,
    Meaning.TARGET_CANNOT_SLEEP: HelperState.INCONCLUSIVE,
    Meaning.OTHER_TARGET: HelperState.INCONCLUSIVE,
    Meaning.OTHER_ATTACH: HelperState.INCONCLUSIVE,
}


def classify_helper(error: int, log: str) -> HelperAnswer:
    """The state of a helper from the errno (0 = loaded) and the log of its probe."""
    if error == 0:
        return HelperAnswer(HelperState.USABLE, Meaning.REACHED, "")
    lines = messages(log)
    for line in lines:
        meaning = helper_meaning(line)
        if meaning is not None:
            return HelperAnswer(_STATE_OF[meaning], meaning, line)
    if lines:
        return HelperAnswer(HelperState.INCONCLUSIVE, None, lines[0])
    if error in (errno.EPERM, errno.EACCES):
        return HelperAnswer(HelperState.DENIED, None, "")
    return HelperAnswer(HelperState.INCONCLUSIVE, None, "")


class LoadState(StrEnum):
    """What one load of a correct minimal program says; the values of `areas.programs.Trial.state`."""

    WORKS = "works"
    UNSUPPORTED = "unsupported"
    DENIED = "denied"
    INCONCLUSIVE = "inconclusive"


#: Errnos by which bpf(2), before the verifier runs, says that it does not know the type,
#: attach type or flag (kernel/bpf/syscall.c:bpf_prog_load, map_create).
_UNKNOWN_TO_SYSCALL = frozenset({errno.EINVAL, errno.EOPNOTSUPP, ENOTSUPP})


@lru_cache(maxsize=1024)
def lacks(line: str) -> bool:
    """Whether a whole log line says that the kernel lacks the feature that was tried."""
    return any(re.fullmatch(pattern, line) for pattern, _, _ in LACKS) or (
        helper_meaning(line) in (Meaning.NOT_FOR_TYPE, Meaning.UNKNOWN_ID, Meaning.CANNOT_SLEEP)
    )


def classify_load(error: int, log: str) -> tuple[LoadState, str]:
    """The state of a whole program from errno and log, and the line that decided.

    Meant for programs that a kernel with the feature accepts. A log that only holds
    statistics means the verifier ran, so EINVAL with one is not "unknown type".
    """
    if error == 0:
        return LoadState.WORKS, ""
    lines = messages(log)
    for line in lines:
        if lacks(line):
            return LoadState.UNSUPPORTED, line
        if any(re.fullmatch(pattern, line) for pattern in DENIES):
            return LoadState.DENIED, line
    if lines:
        return LoadState.INCONCLUSIVE, lines[0]
    if error in (errno.EPERM, errno.EACCES):
        return LoadState.DENIED, ""
    if not log and error in _UNKNOWN_TO_SYSCALL:
        return LoadState.UNSUPPORTED, ""
    return LoadState.INCONCLUSIVE, ""
