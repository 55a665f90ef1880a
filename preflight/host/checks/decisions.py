# SPDX-License-Identifier: Apache-2.0
"""What the witnesses together say of one program type, map type, helper, kfunc or ability.

Pure look-ups over recorded facts, for the PH4xx to PH6xx checks and for whoever derives
requirements from an object. Order of strength: a successful load, an anchored verifier line,
a complete BTF enum, an errno; bpftool is shown and never decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Evidence
from preflight.findings.model import Confidence, Verdict
from preflight.host.areas.helpers import LETTERS, HelperFacts, HelperRow
from preflight.host.areas.programs import Trial
from preflight.host.facts import HostFacts

_BTF = "bpftool btf dump file /sys/kernel/btf/vmlinux format c | grep -w {}"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and what it rests on; `because` is one clause for a sentence, without a full stop."""

    verdict: Verdict
    because: str
    evidence: tuple[Evidence, ...] = ()
    confidence: Confidence = Confidence.HIGH

    @property
    def ok(self) -> bool:
        """Whether the thing can be used."""
        return self.verdict is Verdict.OK


#: What to do where the verdict is not about the kernel but about who asked, or was not reached.
UNDECIDED_FIXES = {
    Verdict.BLOCKED: "grant the capabilities PH202 lists; if none is lacking, PH309 says what was ruled out",
    Verdict.UNKNOWN: "run as root on the host itself; if it stays undecided, please report the evidence",
}


def undecided_fix(verdict: Verdict, host: HostFacts) -> str:
    """What decides or unblocks a verdict that is not about the kernel; "" for the other verdicts.

    Without the kernel's BTF it is not seen what the kernel numbers and which hooks it has.
    """
    if verdict is Verdict.UNKNOWN and host.btf is not None and host.btf.vmlinux.value is None:
        show = host.btf.vmlinux.decided_by or "make /sys/kernel/btf/vmlinux readable"
        return f"to decide: {show}; {UNDECIDED_FIXES[verdict]}"
    return UNDECIDED_FIXES.get(verdict, "")


_NOT_COLLECTED = Decision(Verdict.UNKNOWN, "nobody looked: the facts were not collected")


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What three witnesses said of one name: BTF enum, the function that implements it, a trial."""

    word: str
    in_btf: bool | None
    built: bool | None
    trial: Trial
    bpftool: bool | None = None
    did: str = "loads"


def decide(seen: Witnessed) -> Decision:
    """The verdict. `blocked` only for what the kernel is known to have; EPERM alone is never `missing`."""
    trial = seen.trial
    evidence = _evidence(seen)
    said = trial.line or trial.reason or trial.errno
    if trial.works:
        return Decision(Verdict.OK, f"it {seen.did}", evidence)
    if seen.in_btf is False:
        return Decision(Verdict.MISSING, f"the kernel's BTF has no {seen.word}", evidence)
    if seen.built is False:
        sure = Confidence.HIGH if trial.state == "unsupported" else Confidence.MEDIUM
        why = f"the kernel numbers it and holds no code for it ({said})"
        return Decision(Verdict.MISSING, why, evidence, sure)
    if trial.denied and seen.in_btf:
        return Decision(
            Verdict.BLOCKED, f"the kernel knows it and refused this caller ({trial.errno})", evidence
        )
    if trial.state == "unsupported" and trial.line:
        return Decision(Verdict.MISSING, f"the kernel says: {trial.line}", evidence)
    if trial.state == "unsupported" and seen.built is None:
        why = f"the kernel does not take it ({trial.errno})"
        return Decision(Verdict.MISSING, why, evidence, Confidence.MEDIUM)
    if trial.state == "unsupported":
        why = f"the kernel holds its code and still answered {trial.errno}; the question may be outdated"
        return Decision(Verdict.UNKNOWN, why, evidence, Confidence.LOW)
    if trial.denied:
        why = f"refused ({trial.errno}), and without kernel BTF nobody knows whether it exists"
        return Decision(Verdict.UNKNOWN, why, evidence)
    return Decision(Verdict.UNKNOWN, said or "it was not tried", evidence)


def _evidence(seen: Witnessed) -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    if seen.trial.state != "not-tried":
        detail = ": ".join(part for part in (seen.trial.errno, seen.trial.line) if part)
        found.append(Evidence("trial-load", detail, "bpftool feature probe kernel"))
    if seen.in_btf is not None:
        has = "lists" if seen.in_btf else "does not list"
        found.append(Evidence("btf", f"kernel BTF {has} {seen.word}", _BTF.format(seen.word)))
    if seen.built is not None:
        has = "is" if seen.built else "is not"
        found.append(Evidence("btf", f"the function behind it {has} in the kernel's BTF"))
    if seen.bpftool is not None:
        claim = "available" if seen.bpftool else "NOT available"
        found.append(Evidence("bpftool", f"claims: {claim}", "bpftool feature probe kernel"))
    return tuple(found)


def prog_state(host: HostFacts, name: str) -> Decision:
    """Whether programs of a type (bpftool's name, `cgroup_skb`) can be loaded."""
    if host.programs is None:
        return _NOT_COLLECTED
    kind = host.programs.type_named(name)
    if kind is None:
        return Decision(Verdict.UNKNOWN, f"neither the kernel nor preflight knows a program type {name}")
    word = f"BPF_PROG_TYPE_{name.upper()}"
    return decide(Witnessed(word, kind.in_btf, kind.built, kind.load, kind.bpftool))


def attach_state(host: HostFacts, name: str) -> Decision:
    """Whether an attach feature (`fentry`, `kprobe.multi`) can be loaded, and its path is compiled in.

    Where the kernel does not check attach types at load, a load proves nothing; then the link
    request decides, and without one the BTF enum.
    """
    if host.programs is None:
        return _NOT_COLLECTED
    feature = host.programs.feature_named(name)
    if feature is None:
        return Decision(Verdict.UNKNOWN, f"preflight has no probe for {name}")
    word = (
        f"BPF_{feature.attach_type}"
        if feature.attach_type
        else f"BPF_PROG_TYPE_{feature.program_type.upper()}"
    )
    if feature.in_btf is False and not feature.load_is_evidence:
        unlisted = Witnessed(word, False, None, Trial("inconclusive", feature.load.errno))
        return decide(unlisted)
    loads = decide(Witnessed(word, feature.in_btf, None, feature.load))
    if not loads.ok or feature.attach is None:
        if loads.ok and not feature.load_is_evidence:
            if feature.in_btf:
                why = "it loads, but so does any attach type here; the kernel's BTF lists it"
                return Decision(Verdict.OK, why, loads.evidence, Confidence.MEDIUM)
            why = "it loads, but so does any attach type here, and there is no kernel BTF to ask"
            return Decision(Verdict.UNKNOWN, why, loads.evidence)
        return loads
    asked = Evidence("syscall", f"a link that cannot be made: {feature.attach.errno}")
    path = Witnessed(
        word, feature.in_btf, None, feature.attach, did="loads, and its attach path is compiled in"
    )
    answer = decide(path)
    if feature.attach.state == "unsupported":
        why = f"it loads, but the kernel was built without its attach path ({feature.attach.errno})"
        return Decision(Verdict.MISSING, why, (*loads.evidence, asked))
    return Decision(answer.verdict, answer.because, (*loads.evidence, asked), answer.confidence)


def map_state(host: HostFacts, name: str) -> Decision:
    """Whether maps of a type (bpftool's name, `ringbuf`) can be created."""
    if host.maps is None:
        return _NOT_COLLECTED
    kind = host.maps.type_named(name)
    if kind is None:
        return Decision(Verdict.UNKNOWN, f"neither the kernel nor preflight knows a map type {name}")
    word = f"BPF_MAP_TYPE_{name.upper()}"
    return decide(Witnessed(word, kind.in_btf, kind.built, kind.create, kind.bpftool, "can be created"))


def map_feature_state(host: HostFacts, name: str) -> Decision:
    """Whether maps can do something (`mmapable-array`, `batch-operations`)."""
    if host.maps is None:
        return _NOT_COLLECTED
    feature = host.maps.feature_named(name)
    if feature is None:
        return Decision(Verdict.UNKNOWN, f"preflight has no probe for {name}")
    plain = map_state(host, feature.needs)
    trial = feature.trial
    if trial.denied and plain.verdict is Verdict.BLOCKED:
        return Decision(Verdict.BLOCKED, plain.because, plain.evidence)
    evidence = (Evidence("trial-load", ": ".join(p for p in (trial.errno, trial.reason) if p)),)
    if trial.works:
        return Decision(Verdict.OK, trial.reason or "it works", evidence)
    if plain.verdict is Verdict.MISSING:
        return Decision(
            Verdict.MISSING, f"there are no {feature.needs} maps", plain.evidence, plain.confidence
        )
    if trial.state == "unsupported" and plain.ok:
        why = f"plain {feature.needs} maps work, with it the kernel answers {trial.errno}"
        return Decision(Verdict.MISSING, why, evidence, Confidence.MEDIUM)
    return Decision(Verdict.UNKNOWN, trial.reason or trial.errno or plain.because, evidence)


#: Best first: a helper is usable in a type when one way of loading it takes the helper; it is
#: refused only when every way was asked and refused.
_BEST = "ud?nx"
_VERDICTS = {
    "u": Verdict.OK,
    "n": Verdict.MISSING,
    "x": Verdict.MISSING,
    "d": Verdict.BLOCKED,
    "?": Verdict.UNKNOWN,
}
_BECAUSE = {
    "u": "the verifier takes the call",
    "n": "the kernel has the helper, but not for this program type",
    "x": "the kernel has no such helper",
    "d": "no such program may be loaded here, so nobody could ask",
    "?": "the answer was not understood",
}


def _rank(letter: str) -> int:
    """Position in _BEST; what recorded facts hold beyond the known letters comes last."""
    return _BEST.index(letter) if letter in _BEST else len(_BEST)


_RANKED = {ord(letter): chr(rank) for rank, letter in enumerate(_BEST)}
_UNRANKED = dict(enumerate(_BEST))


def letters(facts: HelperFacts, program_type: str) -> str:
    """The best letter of all ways of loading a type, per helper id; empty when the type was not asked."""
    rows = [row.states for row in facts.rows_of(program_type)]
    if len(rows) < 2:
        return "".join(rows)
    # Letters that stand in the order of _BEST; what is no letter (`-`) stays what it is, and comes last.
    ranked = (states.translate(_RANKED) for states in rows)
    return "".join(map(min, *ranked)).translate(_UNRANKED)


def helper_state(host: HostFacts, program_type: str, helper: str, vehicle: str | None = None) -> Decision:
    """Whether a program of a type may call a helper (with or without `bpf_`).

    `vehicle` narrows the question to one way of loading (`lsm.s`, `tp_btf`) where the table has it.
    """
    facts = host.helpers
    if facts is None:
        return _NOT_COLLECTED
    number = facts.id_of(helper)
    name = f"bpf_{helper.removeprefix('bpf_')}"
    if number is None:
        if facts.names_from == "btf":
            shown = (Evidence("btf", f"enum bpf_func_id has no {name}", _BTF.format("bpf_func_id")),)
            return Decision(Verdict.MISSING, f"the kernel has no helper {name}", shown)
        return Decision(Verdict.UNKNOWN, f"preflight knows no helper {name}, and there is no kernel BTF")
    rows = facts.rows_of(program_type)
    chosen = [row for row in rows if row.vehicle == vehicle] or list(rows)
    asked = [row for row in chosen if number < len(row.states)]
    if not asked and program_type == "ext":
        return Decision(Verdict.UNKNOWN, "an extension may call what the program it extends may call")
    if not asked:
        return Decision(Verdict.UNKNOWN, f"no {program_type} program was tried")
    row = min(asked, key=lambda r: _rank(r.states[number]))
    letter = row.states[number]
    return Decision(
        _VERDICTS.get(letter, Verdict.UNKNOWN),
        _reason(facts, row, helper.removeprefix("bpf_"), letter),
        _helper_evidence(facts, asked, program_type, number, name),
        Confidence.MEDIUM if letter == "n" and facts.names_from == "table" else Confidence.HIGH,
    )


def _reason(facts: HelperFacts, row: HelperRow, helper: str, letter: str) -> str:
    note = next((note.text for note in row.notes if note.helper == helper), "")
    if helper in facts.not_probed and letter == "?":
        return "not probed: it prints to the kernel log"
    if row.reason:
        return row.reason
    return note or _BECAUSE.get(letter, _BECAUSE["?"])


def _helper_evidence(
    facts: HelperFacts, rows: list[HelperRow], program_type: str, number: int, name: str
) -> tuple[Evidence, ...]:
    found = [
        Evidence("trial-load", f"{row.vehicle}: {LETTERS.get(row.states[number], 'inconclusive')}")
        for row in rows[:6]
    ]
    if facts.names_from == "btf":
        found.append(Evidence("btf", f"enum bpf_func_id has {name} = {number}", _BTF.format(name)))
    claims = facts.claims_of(program_type)
    if claims is not None and number < len(claims.listed):
        claim = "lists it" if claims.listed[number] == "y" else "does not list it"
        found.append(Evidence("bpftool", claim, "bpftool feature probe kernel full"))
    return tuple(found)


def kfunc_state(host: HostFacts, name: str) -> Decision:
    """Whether the kernel's BTF marks a function as kfunc. Modules may have more of them."""
    if host.helpers is None:
        return _NOT_COLLECTED
    kfuncs = host.helpers.kfuncs
    if kfuncs is None:
        return Decision(Verdict.UNKNOWN, "the kernel's BTF does not mark kfuncs, or cannot be read")
    command = "bpftool btf dump file /sys/kernel/btf/vmlinux | grep -w bpf_kfunc"
    if name in kfuncs:
        shown = (Evidence("btf", f"FUNC {name} has the declaration tag bpf_kfunc", command),)
        return Decision(Verdict.OK, "the kernel's BTF has it; program types may still be restricted", shown)
    shown = (Evidence("btf", f"none of {len(kfuncs)} kfuncs is called {name}", command),)
    return Decision(
        Verdict.MISSING,
        "no kfunc of this name is built into the kernel (modules not asked)",
        shown,
        Confidence.MEDIUM,
    )


def ability_state(host: HostFacts, name: str) -> Decision:
    """Whether verifier, JIT or instruction set can do something (`bounded-loop`, `ldsx`)."""
    if host.helpers is None:
        return _NOT_COLLECTED
    feature = host.helpers.feature_named(name)
    if feature is None:
        return Decision(Verdict.UNKNOWN, f"preflight has no probe for {name}")
    trial = feature.trial
    detail = ": ".join(part for part in (trial.errno, trial.line) if part)
    evidence = (Evidence("trial-load", detail),) if detail else ()
    if trial.works:
        return Decision(Verdict.OK, "a complete program that uses it loads", evidence)
    if trial.state == "unsupported":
        sure = Confidence.HIGH if trial.line else Confidence.MEDIUM
        return Decision(Verdict.MISSING, trial.line or trial.reason or trial.errno, evidence, sure)
    base = host.helpers.feature_named("base")
    if trial.denied and base is not None and base.trial.denied:
        return Decision(Verdict.BLOCKED, f"no program may be loaded ({trial.errno})", evidence)
    return Decision(Verdict.UNKNOWN, trial.line or trial.reason or trial.errno, evidence)


#: Levels of clang's -mcpu, each including the ones before.
ISA_LEVELS = ("v1", "v2", "v3", "v4")


def isa_state(host: HostFacts, level: str) -> Decision:
    """Whether all instructions of a level (`v1` to `v4`) and of those below it are taken."""
    if host.helpers is None:
        return _NOT_COLLECTED
    if level not in ISA_LEVELS:
        return Decision(Verdict.UNKNOWN, f"preflight knows no instruction set level {level}")
    upto = ISA_LEVELS[: ISA_LEVELS.index(level) + 1]
    names = [feature.name for feature in host.helpers.features if feature.level in upto]
    asked = [(name, ability_state(host, name)) for name in names]
    if not asked:
        return Decision(Verdict.UNKNOWN, "no program was tried")
    for verdict in (Verdict.MISSING, Verdict.BLOCKED, Verdict.UNKNOWN):
        failed = [(name, d) for name, d in asked if d.verdict is verdict]
        if failed:
            name, decision = failed[0]
            return Decision(verdict, f"{name}: {decision.because}", decision.evidence, decision.confidence)
    return Decision(Verdict.OK, f"all {len(asked)} instructions tried load", asked[-1][1].evidence)
