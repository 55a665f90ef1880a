# SPDX-License-Identifier: Apache-2.0
"""PH4xx: which program types and attach types the kernel takes, by three witnesses."""

from __future__ import annotations

from preflight.records import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """What the kernel answered to one question asked by bpf(2).

    `state`: `works` (the kernel did it), `unsupported` (an errno or log line that means the
    kernel does not have it), `denied` (EPERM or EACCES without a log: a policy spoke, not the
    verifier), `inconclusive` (an answer nobody has taught preflight), `not-tried`.
    `errno` is its symbol, `ok` on success, empty when not tried. `line` is the log line that
    decided, `reason` says why it was not tried or how to read the answer.
    """

    state: str
    errno: str = ""
    line: str = ""
    reason: str = ""

    @property
    def works(self) -> bool:
        """Whether the kernel did what was asked."""
        return self.state == "works"

    @property
    def denied(self) -> bool:
        """Whether a policy refused: neither a yes nor a no of the kernel's."""
        return self.state == "denied"


@dataclass(frozen=True, slots=True)
class ProgramType:
    """One program type. `name` as bpftool spells it (`cgroup_skb`), `number` of `enum bpf_prog_type`.

    `in_btf` is None when there is no kernel BTF. `load` is the best answer of all the ways the
    type was tried (`tried` names them: attach types). `built`: the function that implements it is
    in the kernel's BTF, None when that cannot be looked up. `bpftool` is its claim, None without one.
    """

    name: str
    number: int
    in_btf: bool | None
    load: Trial
    tried: tuple[str, ...] = ()
    built: bool | None = None
    bpftool: bool | None = None


@dataclass(frozen=True, slots=True)
class AttachFeature:
    """One way to attach: `name` as in ELF section names (`fentry`, `kprobe.multi`, `lsm.s`).

    `program_type` names its type, `attach_type` its value of `enum bpf_attach_type` without the
    prefix, empty when it has none (then `in_btf` is about the program type).
    `load` answers "does such a program load", `attach` "is the
    attach path compiled in", asked with arguments that can never attach; None when that cannot be
    asked without attaching. `load_is_evidence` is False when the kernel also loads the type with a
    senseless attach type, so that a load says nothing about this one.
    """

    name: str
    program_type: str
    attach_type: str
    in_btf: bool | None
    load: Trial
    load_is_evidence: bool = True
    attach: Trial | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """All program types and attach features, in the order of their enums.

    `btf_source` says where names and attach targets came from: `btf`, or `table` without kernel BTF.
    """

    types: tuple[ProgramType, ...]
    features: tuple[AttachFeature, ...]
    btf_source: str

    def type_named(self, name: str) -> ProgramType | None:
        """The program type of this name."""
        return next((t for t in self.types if t.name == name), None)

    def feature_named(self, name: str) -> AttachFeature | None:
        """The attach feature of this name."""
        return next((f for f in self.features if f.name == name), None)
