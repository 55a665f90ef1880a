# SPDX-License-Identifier: Apache-2.0
"""The JSON contract as models: the source of `preflight schema`, and the gate for result files.

Enumerations are plain strings on purpose (open), unknown keys are kept, and changes
within a major version only add. Renderers still work on plain dictionaries; these models
are for the edge.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator


class Open(BaseModel):
    """A record that may grow: keys of a later minor version are kept, not refused."""

    model_config = ConfigDict(extra="allow", strict=True)


class Tool(Open):
    """What made the result."""

    name: str
    version: str


class Evidence(Open):
    """One thing a witness showed; `command` shows the same by hand."""

    source: str
    detail: str
    command: str | None


class Location(Open):
    """Where in the user's program a finding points."""

    object: str | None
    section: str | None
    insn: int | None
    file: str | None
    line: int | None
    text: str | None


class Finding(Open):
    """One statement of one check about one subject."""

    code: str
    name: str
    subject: str
    verdict: str = Field(description="ok, missing, blocked, degraded, unknown, ... (open)")
    severity: str = Field(description="required, recommended, info (open)")
    title: str
    evidence: list[Evidence]
    cause: str
    fix: str
    location: Location | None = None
    needed_by: list[str] = []
    confidence: str = "high"
    data: dict[str, Any] = {}


class Result(Open):
    """What every command's result has in common."""

    schema_version: str = Field(pattern=r"^1\.\d+$")
    tool: Tool
    command: str
    generated_at: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    summary: dict[str, Any]
    results: list[dict[str, Any]]


class RequiredCounts(Open):
    """How the required checks came out."""

    ok: int
    failing: int
    undecided: int
    not_tested: int


class CheckSummary(Open):
    """The first lines of a check."""

    verdict: str = Field(description="ready, not-ready, undecided, not-asked (open)")
    partial: bool = Field(default=False, description="an interrupt ended the run early")
    sentence: str
    profile: str
    counts: dict[str, int] = Field(description="results by verdict")
    required: RequiredCounts
    host_line: list[str] = Field(description="the host in a few words, without identity")
    next_steps: list[str]
    ignored: int
    exit_code: int


class Surface(Open):
    """One row of the surface table: where programs can attach."""

    name: str
    title: str
    nine: bool = Field(description="one of the nine tracing surfaces")
    usable: str = Field(description="yes, no, blocked, unknown (open): the worse of loadable and attachable")
    loadable: str
    loadable_level: str = Field(description="measured, inferred, none (open)")
    attachable: str
    attachable_level: str
    because: str
    decided_by: str | None
    stability: str
    caution: str
    alternative: str | None


class Feature(Open):
    """One map or helper feature that tracers need, asked by loading a program that uses it."""

    name: str
    title: str
    use: str
    usable: str
    level: str
    because: str
    decided_by: str | None
    alternative: str


class Named(Open):
    """Anything an object names: a helper it calls, an extern."""

    name: str


class ProgramUses(Open):
    """What a program calls."""

    helpers: list[Named]
    kfuncs: list[Named]


class ProgramFacts(Open):
    """One program of an object; `error` instead of `uses` where it cannot be linked."""

    name: str
    section: str
    program_type: str
    attach_type: str | None = None
    insn_count: int
    uses: ProgramUses | None = None
    error: str | None = None


class MapFacts(Open):
    """One map of an object."""

    name: str
    type: str
    key_size: int
    value_size: int
    max_entries: int


class IsaFacts(Open):
    """The instruction set an object uses."""

    mcpu: str


class ObjectFacts(Open):
    """What an object holds, as read from its file."""

    byteorder: str
    license: str | None
    line_info: bool
    isa: IsaFacts | None
    programs: list[ProgramFacts]
    maps: list[MapFacts]
    externs: list[Named]


class ObjectReadiness(Open):
    """Whether the requirements of one object are met on this host."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    verdict: str = Field(description="ready, not-ready, undecided (open)")
    programs: int
    blocking: list[str]
    undecided: list[str]
    open: list[str] = Field(default=[], description="programs user space may leave out: an alternative works")
    facts: ObjectFacts | None = Field(default=None, description="of objects that were named")


class TracerVariant(Open):
    """One way a shipped tracer comes to its answer, on this host."""

    name: str
    surface: str
    verdict: str = Field(description="ready, not-ready, undecided, not-asked: a better one is ready (open)")
    blocking: list[str]
    undecided: list[str]
    refused: bool = Field(description="the kernel has all it needs, and refuses it to this caller")
    reason: str = Field(description="why it is not ready, empty when it is")
    fix: str


class TracerReadiness(Open):
    """A tracer that comes with preflight, on this host; its variants are listed best first."""

    tracer: str
    domain: str
    question: str
    verdict: str = Field(description="ready, not-ready, undecided (open)")
    variant: str | None = Field(description="the best variant that is ready")
    variants: list[TracerVariant]


class HelperRow(Open):
    """One way to load a program type: a letter per helper id (index 0 is unused)."""

    type: str
    vehicle: str = Field(description="as in ELF section names")
    states: str
    reason: str


class HelperTable(Open):
    """Helpers by program type, as tried on this host."""

    letters: dict[str, str] = Field(description="what each letter of `states` means")
    names: list[str] = Field(description="helper names by id, without bpf_")
    rows: list[HelperRow]


class CheckResult(Result):
    """Result of `preflight check`."""

    command: Literal["check"]
    summary: CheckSummary  # type: ignore[assignment]
    results: list[Finding]  # type: ignore[assignment]
    surfaces: list[Surface]
    features: list[Feature]
    objects: list[ObjectReadiness]
    tracers: list[TracerReadiness] = Field(default=[], description="without objects named: the shipped ones")
    helpers: HelperTable | None


class Source(Open):
    """A line of the program's source; null where the object does not record it."""

    file: str | None
    line: int | None
    text: str | None


class Candidate(Open):
    """A type of the kernel that was tried for a relocation."""

    btf: str = Field(description="vmlinux or a module")
    type_id: int
    name: str
    size: int | None
    match: bool | None = Field(description="null: the search ended before it")
    cause: str | None


class Nearest(Open):
    """What the kernel has instead, as far as likeness tells."""

    how: str = Field(description="renamed, nested, pointer, flag, retyped, kind, module, enumerator (open)")
    btf: str
    access: str
    declared: str
    says: str


class Guard(Open):
    """A branch that keeps the verifier away."""

    condition: str
    value: str
    taken: bool
    source: Source | None


class CoreRelocation(Open):
    """One CO-RE record and what became of it."""

    section: str
    section_insn: int = Field(description="instruction index in the ELF section")
    program: str = Field(description="the function that holds the instruction")
    programs: list[str] = Field(description="the programs whose code it becomes part of")
    insn: int
    index: int
    kind: str
    type: str
    access: str
    access_string: str
    outcome: str = Field(description="unchanged, patched, absent, poisoned, error (open)")
    error: str | None
    before: str = Field(pattern=r"^([0-9a-f]{16}){1,2}$")
    after: str = Field(pattern=r"^([0-9a-f]{16}){1,2}$")
    reachable: Literal["yes", "no", "unknown"]
    reachable_why: str | None
    guards: list[Guard]
    source: Source
    candidates: list[Candidate]
    cause: str | None
    cause_id: str | None
    fix: str | None
    fix_code: str | None
    local_declaration: str | None
    kernel_declaration: str | None
    nearest: list[Nearest]
    local_value: int | None
    target_value: int | None
    target_access: str | None


class CoreRecord(Open):
    """One object on one kernel under one loader."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    kernel: str
    loader: str
    verdict: str = Field(description="fails, unknown, ok (open); ok is no promise that the verifier takes it")
    stock_error: str | None = Field(description="errno name with which the loader refuses the object")
    relocations: list[CoreRelocation]
    counts: dict[str, int] = Field(description="relocations by outcome; poisoned ones also by reachability")
    findings: list[Finding]
    attach_targets: list[dict[str, Any]]
    externs: list[dict[str, Any]]
    kconfig: list[dict[str, Any]]
    skipped: list[dict[str, Any]]
    kernel_facts: dict[str, Any]


class CoreSummary(Open):
    """The first lines of `core`."""

    sentence: str
    verdicts: dict[str, int]
    objects: int
    kernels: list[str]
    loaders: list[str]
    counts: dict[str, int]
    wrong_data: int
    overall: int
    exit_code: int


class CoreResult(Result):
    """Result of `preflight core`."""

    command: Literal["core"]
    summary: CoreSummary  # type: ignore[assignment]
    results: list[CoreRecord]  # type: ignore[assignment]
    findings: list[Finding] = Field(description="about several kernels or several loaders")
    commands: list[str] = Field(default=[], description="the same facts by hand (--show-commands)")


class LabAttachment(Open):
    """How attaching ended."""

    how: str | None
    errno: str | None
    reason: str | None = Field(description="why nothing was tried or decided")
    messages: str


class LabProgram(Open):
    """One program loaded alone, the others' autoload off, then attached and detached."""

    name: str
    section: str
    verdict: str = Field(description="loads, fails, unknown (open)")
    errno: str | None
    attach: str = Field(description="ok, fails, unknown, not-tried (open)")
    attachment: LabAttachment
    log_tail: str
    messages: str
    insns: int | None
    insns_sha256: str | None
    insns_processed: int | None


class LabRecord(Open):
    """What one kernel did with one object."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    kernel: str
    evidence: Literal["measured"]
    verdict: str = Field(description="of the object as it is: loads, fails, unknown (open)")
    errno: str | None
    failed_program: str | None
    problem: str | None = Field(description="why something was not measured")
    programs: list[LabProgram]
    findings: list[Finding]


class LabKernel(Open):
    """What became of one kernel."""

    kernel: str
    outcome: str = Field(description="booted, panic, hang, boot-hang, no-btf, lost-data, ... (open)")
    meaning: str
    detail: str
    release: str | None
    accel: str | None
    seconds: float
    boot_seconds: float | None
    btf_sha256: str | None
    btf_identical: bool | None
    modules: dict[str, str]
    notes: list[str]


class LabSummary(Open):
    """What became of all kernels and objects, counted."""

    kernels: int = 0
    outcomes: dict[str, int] = Field(default={}, description="kernels by outcome")
    verdicts: dict[str, int] = Field(default={}, description="objects on kernels by verdict")
    partial: bool = Field(default=False, description="cut short by an interrupt, a full disk, a lost cluster")
    exit_code: int = 0


class LabResult(Result):
    """Result of `preflight lab boot`, `lab run` and `lab probe`."""

    command: Literal["lab boot", "lab run", "lab probe"]
    summary: LabSummary  # type: ignore[assignment]
    results: list[LabRecord]  # type: ignore[assignment]
    kernels: list[LabKernel]


class ScoreCounts(Open):
    """How predictions came out; `false_good` (predicted to load or attach, and refused) is the worst."""

    compared: int
    decided: int
    right: int
    open: int
    false_good: int
    false_bad: int


class ScoreQuestion(ScoreCounts):
    """The counts of one question, and the two words a kernel can answer it with."""

    question: str = Field(description="load-object, load-program, attach (open)")
    title: str
    good: str
    bad: str


class ScoreSummary(ScoreCounts):
    """The first lines of `lab score`."""

    sentence: str
    verdict: str
    kernels: list[str]
    objects: int
    questions: list[ScoreQuestion]
    exit_code: int


class ScorePair(Open):
    """One answer that was not predicted right, with both sides' evidence; worst first."""

    question: str
    kernel: str
    object: str
    program: str | None = Field(description="null for the object as a whole")
    predicted: str
    measured: str
    kind: str = Field(description="false-good, false-bad, open (open)")
    codes: list[str] = Field(description="what the prediction rests on")
    why: str
    errno: str | None
    words: str = Field(description="the kernel's or libbpf's own")


class ScoreCell(Open):
    """One cell of a confusion matrix."""

    predicted: str
    measured: str
    count: int


class ScoreMatrix(Open):
    """A confusion matrix; a pair that rests on two codes is counted under both."""

    by: str = Field(description="all, kernel, object, program, cause (open)")
    name: str
    question: str
    cells: list[ScoreCell]
    errnos: dict[str, int] = Field(description="what the kernels answered")


class NameDiffer(ScoreCounts):
    """The same corpus judged by names alone: what is absent counts as failing, all else as fine."""

    questions: list[ScoreQuestion]
    matrices: list[ScoreMatrix]


class ScoreResult(Result):
    """Result of `preflight lab score`."""

    command: Literal["lab score"]
    summary: ScoreSummary  # type: ignore[assignment]
    results: list[ScorePair]  # type: ignore[assignment]
    matrices: list[ScoreMatrix]
    left_out: dict[str, int] = Field(description="reason -> what cannot be compared")
    not_predicted: dict[str, str] = Field(description="kernel -> why it is not in the score")
    name_differ: NameDiffer | None


class PredictedProgram(Open):
    """One program on one kernel, loaded alone, then attached."""

    name: str
    section: str
    autoload: bool
    verdict: str = Field(description="loads, fails, unknown (open): as it is")
    adjusted_verdict: str = Field(description="the same when user space sets what is left to it")
    attach: str = Field(description="ok, fails, unknown, not-tried (open): as it is")
    adjusted_attach: str
    open: str | None = Field(description="what user space has to decide")
    findings: list[Finding]


class PredictedObject(Open):
    """One object on one kernel, predicted from facts."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    kernel: str
    evidence: Literal["predicted"]
    verdict: str = Field(description="loads, fails, unknown (open): the whole object as it is")
    adjusted_verdict: str = Field(description="the same when user space sets what is left to it")
    open: list[str]
    programs: list[PredictedProgram]
    findings: list[Finding] = Field(description="about the object as a whole")


class PredictSummary(Open):
    """The first lines of `predict`; `causes` are ranked, what stops most cells first."""

    sentence: str
    objects: int
    kernels: list[str]
    verdicts: dict[str, int]
    adjusted_verdicts: dict[str, int]
    programs: dict[str, int]
    attach: dict[str, int]
    causes: list[dict[str, Any]]
    exit_code: int


class PredictResult(Result):
    """Result of `preflight predict`."""

    command: Literal["predict"]
    summary: PredictSummary  # type: ignore[assignment]
    results: list[PredictedObject]  # type: ignore[assignment]


class MatrixCell(Open):
    """One object on one kernel at one evidence level."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    kernel: str
    evidence: str = Field(description="predicted, measured (open)")
    shown: bool = Field(description="the level that is shown of this object and kernel")
    state: str = Field(description="fine, fails, attach-fails, unknown, not-tested (open)")
    verdict: str = Field(description="loads, fails, unknown (open): as it is")
    adjusted_verdict: str = Field(description="the same when user space sets what is left to it")
    attach: str = Field(description="ok, fails, unknown, not-tried (open): worst of what loads by default")
    adjusted_attach: str
    programs: dict[str, int] = Field(description="all, load, attach: how many")
    open: list[str] = Field(description="what user space sets before loading")
    causes: list[str] = Field(description="ids of causes")
    warnings: list[str] = Field(description="ids of causes that do not stop it")
    reason: str | None = Field(description="why it was not tested")
    build: str | None = Field(description="digest of the build that was judged")


class MatrixObject(Open):
    """One column."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    aliases: list[str]
    size: int | None
    programs: int
    builds: list[dict[str, str | None]] = Field(description="machine, byteorder, sha256 of each build")


class MatrixKernel(Open):
    """One kernel, with what is known of it."""

    kernel: str
    btf_sha256: str | None
    note: str
    hosts: int | None
    release: str | None = None
    arch: str | None = None
    distribution: str | None = None
    known: dict[str, Any] | None = None


class MatrixRow(Open):
    """Kernels of one family on which every object comes out the same."""

    kernels: list[str] = Field(min_length=1)
    distribution: str | None
    arch: str | None
    distinct_btf: int
    hosts: int | None


class MatrixCause(Open):
    """Why cells are not fine; those that stop most come first."""

    id: str = Field(pattern=r"^[A-Z]+[0-9]+-[0-9a-f]{8}$")
    code: str
    name: str
    title: str
    verdict: str = Field(description="missing, blocked, unknown, degraded (open)")
    severity: str
    cause: str
    fix: str
    fix_code: str | None
    expected: str | None = Field(description="the object's declaration")
    found: str | None = Field(description="the kernel's declaration")
    nearest: list[dict[str, Any]]
    location: Location | None
    evidence: list[Evidence]
    object: str = Field(description="the object whose declaration and location these are")
    kernel: str = Field(description="the kernel whose declaration this is")
    cells: int
    alone: int = Field(description="red cells that nothing else stops")
    explained: bool = Field(description="measured where it was predicted: other causes say why")
    objects: list[str]
    kernels: list[str]
    hosts: int | None


class MatrixCounts(Open):
    """The four numbers; what was not tested is never a pass."""

    model_config = ConfigDict(extra="allow", strict=True, populate_by_name=True, serialize_by_alias=True)
    passes: int = Field(alias="pass")
    fail: int
    undecided: int
    not_tested: int


class MatrixAgreement(Open):
    """How prediction and measurement compare where both are known."""

    compared: int
    agree: int
    differ: list[dict[str, str]]


class MatrixSummary(Open):
    """The first lines of a matrix."""

    sentence: str
    verdict: str = Field(description="fails, unknown, loads (open)")
    objects: int
    kernels: int
    distinct_btf: int
    cells: int
    counts: MatrixCounts
    states: dict[str, int]
    verdicts: dict[str, int]
    adjusted_verdicts: dict[str, int]
    attach: dict[str, int]
    evidence: dict[str, int]
    agreement: MatrixAgreement | None
    hosts: int | None
    causes: list[str] = Field(description="ids, in order")
    notes: list[str]
    partial: bool = Field(description="interrupted: what is not there was not tested")
    judge: str = Field(description="adjusted, as-is (open)")
    set: dict[str, str] | None
    exit_code: int


class MatrixResult(Result):
    """Result of `preflight matrix`."""

    command: Literal["matrix"]
    summary: MatrixSummary  # type: ignore[assignment]
    results: list[MatrixCell]  # type: ignore[assignment]
    objects: list[MatrixObject]
    kernels: list[MatrixKernel]
    rows: list[MatrixRow]
    columns: list[list[str]] = Field(description="digests of objects that come out the same everywhere")
    causes: list[MatrixCause]


class FleetCounts(MatrixCounts):
    """Hosts by outcome; what was not tested is never a pass."""


class FleetSummary(MatrixSummary):
    """The first lines of a fleet; `counts` and `cells` are of the matrix, the rest counts hosts."""

    hosts: int
    hosts_by: FleetCounts | None = Field(description="hosts by their worst object; null without objects")
    pairs: FleetCounts = Field(description="(host, object) pairs")
    policies: int
    groups: int
    skipped: int
    skipped_by: dict[str, int]
    only: dict[str, str] = Field(description="labels that hosts had to have")


class FleetKernel(MatrixKernel):
    """One distinct kernel: BTF and configuration."""

    hosts: int
    config_sha256: str | None
    btf_from: str = Field(description="facts, catalogue, nowhere, no-btf (open)")
    releases: list[str]


class FleetObject(Open):
    """One object, by hosts; `blocked` are those that its kernel would not stop."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    hosts: FleetCounts
    blocked: int


class FleetPolicy(Open):
    """One policy class."""

    digest: str
    hosts: int
    hosts_by: FleetCounts
    values: dict[str, Any]


class FleetGroup(Open):
    """Hosts with one kernel, one policy class and the same outcome of all checks."""

    group: int
    kernel: str
    policy: str
    hosts: int


class FleetLabelValue(Open):
    """Hosts with one value of a label; of kernels, failing objects and their causes those with most hosts."""

    value: str
    hosts: int
    hosts_by: FleetCounts
    kernels: list[dict[str, Any]] = Field(default=[], description="kernel, hosts")
    objects: list[dict[str, Any]] = Field(default=[], description="object, hosts: on which it fails")
    causes: list[dict[str, Any]] = Field(default=[], description="id, hosts: of objects that fail")


class FleetLabel(Open):
    """One label; `distinct` counts values, of which those with most hosts are listed."""

    label: str
    distinct: int
    values: list[FleetLabelValue]


class FleetCheck(Open):
    """A host check that does not pass, and on how many hosts."""

    code: str
    subject: str
    verdict: str
    severity: str
    title: str
    hosts: int


class FleetSkipped(Open):
    """A document that was not counted."""

    source: str
    kind: str = Field(
        description="unreadable, too-large, truncated, malformed, not-facts, future, duplicate (open)"
    )
    reason: str


class FleetCell(Open):
    """One object on one group of hosts."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    group: int
    kernel: str
    hosts: int
    evidence: str
    state: str = Field(description="fine, fails, attach-fails, blocked, unknown, not-tested (open)")
    causes: list[str]
    reason: str | None


class FleetResult(Result):
    """Result of `preflight fleet`."""

    command: Literal["fleet"]
    summary: FleetSummary  # type: ignore[assignment]
    results: list[FleetCell]  # type: ignore[assignment]
    objects: list[MatrixObject]
    kernels: list[FleetKernel]
    rows: list[MatrixRow]
    columns: list[list[str]]
    cells: list[MatrixCell] = Field(description="the matrix of kernels and objects, without the hosts' part")
    causes: list[MatrixCause]
    by_object: list[FleetObject]
    policies: list[FleetPolicy]
    groups: list[FleetGroup]
    labels: list[FleetLabel]
    checks: list[FleetCheck]
    skipped: list[FleetSkipped]


class FleetSide(Open):
    """One of two fleets."""

    hosts: int
    kernels: int
    skipped: int


class FleetDiffSummary(Open):
    """What became of the hosts: those that are known on both sides (`followed`), or else totals."""

    sentence: str
    verdict: str
    before: FleetSide
    after: FleetSide
    objects: int
    followed: int
    gone: int
    new: int
    unnamed: dict[str, int]
    better: int
    worse: int
    undecided: int
    same: int
    net_fail: int = Field(description="failing (host, object) pairs after, less those before")
    partial: bool
    notes: list[str]
    judge: str
    only: dict[str, str]
    exit_code: int


class FleetMove(Open):
    """Hosts that came from one outcome to another."""

    before: str
    after: str
    hosts: int


class FleetMoved(Open):
    """One object: hosts by outcome on both sides, and which way they went."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    before: FleetCounts
    after: FleetCounts
    better: int
    worse: int
    undecided: int
    same: int
    transitions: list[FleetMove]
    causes: list[dict[str, Any]] = Field(description="id, hosts: of hosts that got worse or undecided")


class FleetKernelMove(Open):
    """Hosts that came from one kernel to another, and what became of them by their worst object."""

    before: str
    after: str
    hosts: int
    better: int
    worse: int
    undecided: int
    same: int


class FleetDiffResult(Result):
    """Result of `preflight fleet --diff`."""

    command: Literal["fleet diff"]
    summary: FleetDiffSummary  # type: ignore[assignment]
    results: list[FleetMoved]  # type: ignore[assignment]
    kernels: list[dict[str, Any]] = Field(description="kernel, before, after: hosts")
    moves: list[FleetKernelMove] = Field(default=[], description="hosts by their kernels on both sides")
    causes: list[dict[str, Any]]
    skipped: list[dict[str, str]]


class KernelChange(Open):
    """One difference between two kernels; sides are declarations or values, null where there is nothing."""

    aspect: str = Field(description="field, function, raw-tracepoint, event, type, helper ... (open)")
    name: str
    change: str = Field(description="added, removed, changed (open)")
    before: str | None
    after: str | None
    needed_by: list[str] = Field(description="OBJECT/PROGRAM; empty when whole kernels are compared")


class KernelDiffSide(Open):
    """One of the two kernels."""

    name: str
    release: str | None
    btf_sha256: str


class KernelDiffSummary(Open):
    """The two kernels, totals, and what could not be compared."""

    before: KernelDiffSide
    after: KernelDiffSide
    same_btf: bool
    objects: list[str]
    counts: dict[str, dict[str, int]]
    undecided: dict[str, str] = Field(description="aspect -> why it could not be compared")
    exit_code: int


class KernelDiffResult(Result):
    """Result of `preflight kernels diff`."""

    command: Literal["kernels diff"]
    summary: KernelDiffSummary  # type: ignore[assignment]
    results: list[KernelChange]  # type: ignore[assignment]


class GateMetric(Open):
    """One number of the verifier's, null where it is not known."""

    before: int | None
    after: int | None


class GateFinding(Finding):
    """A finding of the gate; `accepted` is the reason of the exception that covers it."""

    accepted: str | None


class GateRow(Open):
    """One program on one kernel beside the baseline; `program` is empty for a kernel or object as a whole."""

    kernel: str
    object: str
    program: str
    source: dict[str, Any] | None = Field(description="file and line at which the program begins")
    evidence: Literal["measured"]
    outcome: str = Field(description="pass, fail, undecided, accepted (open)")
    verdict: str = Field(description="loads, fails, unknown (open)")
    verdict_before: str | None
    attach: str
    family: str | None
    metrics: dict[str, GateMetric]
    compiler: str | None
    bytecode: str | None
    findings: list[GateFinding]


class GateSummary(Open):
    """The first lines of a gate."""

    sentence: str
    verdict: str = Field(description="pass, fail, undecided (open)")
    outcomes: dict[str, int]
    kernels: list[str]
    not_asked: list[str] = Field(description="kernels of the baseline that were not part of this run")
    baseline: str
    limits: dict[str, dict[str, int]]
    codes: dict[str, int]
    notes: list[str]
    undecided_fails: bool
    exit_code: int


class GateResult(Result):
    """Result of `preflight gate`."""

    command: Literal["gate"]
    summary: GateSummary  # type: ignore[assignment]
    results: list[GateRow]  # type: ignore[assignment]


class LintedObject(Open):
    """One object and what is advised about its programs."""

    object: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    programs: int
    findings: list[Finding]


class LintSummary(Open):
    """The first lines of `tracers lint`."""

    sentence: str
    verdict: str = Field(description="ok, degraded (open)")
    objects: int
    severities: dict[str, int]
    codes: dict[str, int]
    ignored: int
    exit_code: int


class LintResult(Result):
    """Result of `preflight tracers lint`."""

    command: Literal["tracers lint"]
    summary: LintSummary  # type: ignore[assignment]
    results: list[LintedObject]  # type: ignore[assignment]
    ignored: dict[str, str] = Field(description="code -> the reason why it was left out")


class LogLine(Open):
    """A line of the input."""

    line: int = Field(ge=1, description="1-based line of the input")
    text: str


class LogRoot(Open):
    """Where the trouble began."""

    insn: int | None
    reason: str
    source: Source


class LogStep(Open):
    """One verified instruction."""

    line: int
    insn: int
    text: str
    depth: int = Field(description="call depth, 0 for the program itself")
    source: Source
    registers: str = Field(description="what was printed of the registers")


class LogPath(Open):
    """The path to the rejection."""

    left_out: int = Field(description="instructions before the first one listed")
    steps: list[LogStep]


class LogRecord(Open):
    """One rejection, decoded."""

    file: str
    program: str | None
    family: str = Field(pattern=r"^[VL]-[A-Z0-9-]+$")
    cause_id: str
    title: str
    confidence: str = Field(description="high, medium, low (open)")
    mode: str = Field(description="trace: the path was read; terminal-line: only the message (open)")
    terminal: LogLine
    terminal_lines: list[LogLine]
    insn: int | None
    insn_text: str | None
    source: Source
    root: LogRoot | None = Field(
        description="where the trouble began, and the program is to be changed; null when the log cannot tell"
    )
    evidence: list[Evidence] = Field(
        default_factory=list, description="what object, kernel, host and known regressions add (additive)"
    )
    trail: list[LogRoot] = Field(
        default_factory=list, description="other places on the way: acquired, tested, added (additive)"
    )
    cause: str
    fix: str
    errno: int | None = Field(description="null when the input does not show it")
    truncated: str = Field(description="no, head: the beginning is missing, tail: the end is missing (open)")
    stats: dict[str, Any]
    kernel_report: dict[str, Any] | None
    seen_in: list[str] = Field(description="kernels whose source holds the message")
    path: LogPath | None = Field(default=None, description="present with --path and in HTML (additive)")


class LogSummary(Open):
    """The first lines of `log`."""

    sentence: str
    logs: int
    rejections: int
    undecided: int
    accepted: int
    not_a_log: list[str]
    verdict: str = Field(default="unknown", description="fails, unknown or ok (open)")
    exit_code: int


class LogResult(Result):
    """Result of `preflight log`."""

    command: Literal["log"]
    summary: LogSummary  # type: ignore[assignment]
    results: list[LogRecord]  # type: ignore[assignment]


class ListedVariant(Open):
    """One way a tracer can run, on one kernel."""

    name: str
    surface: str = Field(description="the surface that names it: tracepoint, raw_tp, fentry, ... (open)")
    surfaces: list[str] = Field(description="all surfaces its programs use")
    object: str
    verdict: str = Field(description="loads (and attaches), fails, unknown")
    reason: str
    evidence: str = Field(description="predicted or measured")
    needs: list[str] = Field(description="what user space has to name or open for it (open)")


class ListedTracer(Open):
    """One tracer on one kernel."""

    name: str
    domain: str = Field(description="syscall, exec, file, tcp, dns, block, sched, offcpu, lock, ... (open)")
    question: str
    kernel: str
    runs: str | None = Field(description="the variant that would run; null when none is sure to")
    may_run: list[str] = Field(
        default_factory=list, description="undecided variants before it, which a run tries first"
    )
    overhead: str
    variants: list[ListedVariant] = Field(description="in order of preference")


class TracersListSummary(Open):
    """How many tracers have a variant that runs; counts are of (tracer, kernel)."""

    sentence: str
    tracers: int
    kernels: list[str]
    runs: int
    undecided: int
    without: int
    exit_code: int


class TracersListResult(Result):
    """Result of `preflight tracers list`."""

    command: Literal["tracers list"]
    summary: TracersListSummary  # type: ignore[assignment]
    results: list[ListedTracer]  # type: ignore[assignment]


class AttachPoint(Open):
    """Where one program of a variant attaches."""

    program: str
    point: str
    stability: str = Field(description="stable, event, internal (open)")
    meaning: str
    optional: bool
    group: str


class NeedOfVariant(Open):
    """What a variant needs from user space."""

    name: str
    meaning: str


class ShownVariant(Open):
    """One variant as the catalogue has it."""

    name: str
    surface: str
    surfaces: list[str]
    object: str
    needs: list[NeedOfVariant]
    note: str
    attach: list[AttachPoint]


class TracerField(Open):
    """A field of a map or event, its privacy and what becomes of it by default."""

    path: str
    part: str = Field(description="key or value")
    label: str
    privacy: str = Field(description="public, internal, sensitive, secret (open)")
    meaning: str
    handling: str = Field(description="as-is, dropped, hashed, truncated, allow-listed (open)")
    handled: str
    unit: str
    attribute: str


class TracerMetric(Open):
    """A metric that a map becomes."""

    name: str
    unit: str
    description: str


class TracerMap(Open):
    """One map of a tracer; shape `internal` is never read by user space."""

    name: str
    title: str
    shape: str = Field(description="table, histogram, events, stacks, internal (open)")
    cardinality: str
    variants: list[str]
    fields: list[TracerField]
    metrics: list[TracerMetric]


class TracerConstant(Open):
    """A constant of the tracer's own that is set before load."""

    name: str
    type: str
    help: str


class BetterTool(Open):
    """When another tool is the better one."""

    when: str
    tool: str


class ShownTracer(Open):
    """Everything the catalogue says about a tracer."""

    name: str
    domain: str
    question: str
    overhead: str
    overhead_because: str
    requires: list[str]
    filters: list[str] = Field(
        description="a production run sets at least one of these; empty: none is needed"
    )
    variants: list[ShownVariant]
    maps: list[TracerMap]
    constants: list[TracerConstant]
    better: list[BetterTool]


class TracersShowResult(Result):
    """Result of `preflight tracers show`."""

    command: Literal["tracers show"]
    results: list[ShownTracer]  # type: ignore[assignment]


class TracerFallback(Open):
    """A variant that was tried first and did not come about."""

    variant: str
    surface: str
    reason: str
    blocked: bool = Field(description="this caller may not, or an instrument is absent")
    details: list[str]


class TracersRunSummary(Open):
    """How a run went."""

    sentence: str
    tracer: str
    question: str
    variant: str | None = Field(description="null: none could be attached")
    surface: str | None
    asked_seconds: float = Field(ge=0, le=1e6)
    seconds: float = Field(ge=0, le=1e6)
    interrupted: bool
    attached: list[str]
    fallbacks: list[TracerFallback]
    warnings: list[str]
    notes: list[str]
    losses: list[str] = Field(
        description="what happened and is not in the results; empty: nothing is missing"
    )
    privacy: dict[str, list[str]] = Field(
        description="fields by what was done to them; `revealed` on request"
    )
    filters: list[str]
    settings: dict[str, str]
    exit_code: int


class RunMetric(TracerMetric):
    """A metric, and which field of the rows it measures."""

    value: str


#: A number that a map or a count can hold.
Word64 = Annotated[int, Field(ge=-(1 << 63), lt=1 << 64)]
Scalar = str | bool | Word64 | float | None


class RunBucket(Open):
    """A bucket of a histogram: values from `low` on and below `high` (null: no bound)."""

    low: Word64
    high: Word64 | None
    count: Word64


class RunHistogram(Open):
    """How often, how much in all, and the buckets that are not empty, in rising order."""

    count: Word64
    total: Word64
    buckets: list[RunBucket]


class RunRow(Open):
    """One element of a map. `frames` of a stack: the outermost caller first."""

    key: dict[str, Scalar | list[Scalar]]
    value: dict[str, RunHistogram | Scalar | list[Scalar]]
    frames: list[str] = []


class RunEvent(RootModel[dict[str, Scalar | list[Scalar]]]):
    """One event: its fields."""

    model_config = ConfigDict(strict=True)


class TracersRunMap(Open):
    """What one map held. Rows are `key` and `value` (and `frames`), in `events` the fields themselves."""

    map: str
    title: str
    shape: str
    weight: str
    metrics: list[RunMetric]
    units: dict[str, str]
    attributes: dict[str, str] = Field(description="field -> its name in metrics")
    rows: list[dict[str, Any]]
    full: bool = False
    left_out: int = 0

    @model_validator(mode="after")
    def _rows_are_rows(self) -> TracersRunMap:
        """Rows have the form that the shape asks for."""
        kind: type[BaseModel] = RunEvent if self.shape == "events" else RunRow
        for row in self.rows:
            kind.model_validate(row)
        return self


class TracerAgent(Open):
    """What the run cost the process that ran it."""

    cpu_seconds: float
    max_rss_bytes: Word64
    map_bytes: Word64


class TracerHealth(Open):
    """What a run says of itself."""

    load: str
    attach: str
    libbpf: str
    counters: dict[str, int] = Field(
        description="as the programs count: seen, filtered, exported, ... (open)"
    )
    missed_runs: int
    events_left_out: int
    elements_unread: int
    full_maps: list[str]
    evicted: dict[str, int] = Field(
        default_factory=dict, description="by map: records that it pushed out for others"
    )
    detach_failures: int
    agent: TracerAgent


class TracersRunResult(Result):
    """Result of `preflight tracers run`."""

    command: Literal["tracers run"]
    summary: TracersRunSummary  # type: ignore[assignment]
    results: list[TracersRunMap]  # type: ignore[assignment]
    health: TracerHealth | None


class RunbookSection(Open):
    """A part of a runbook."""

    title: str
    lines: list[str]


class Leftovers(Open):
    """What was found in the kernel while the runbook was written."""

    found: list[dict[str, Any]]
    pins: list[str]
    undecided: list[str]


class Runbook(Open):
    """One tracer's production runbook, filled in."""

    name: str
    question: str
    sections: list[RunbookSection]
    leftovers: Leftovers


class TracersRunbookResult(Result):
    """Result of `preflight tracers runbook`."""

    command: Literal["tracers runbook"]
    results: list[Runbook]  # type: ignore[assignment]


#: Command -> model of its result.
MODELS: dict[str, type[Result]] = {
    "check": CheckResult,
    "core": CoreResult,
    "predict": PredictResult,
    "matrix": MatrixResult,
    "fleet": FleetResult,
    "fleet diff": FleetDiffResult,
    "kernels diff": KernelDiffResult,
    "gate": GateResult,
    "tracers lint": LintResult,
    "lab boot": LabResult,
    "lab probe": LabResult,
    "lab run": LabResult,
    "lab score": ScoreResult,
    "log": LogResult,
    "tracers list": TracersListResult,
    "tracers show": TracersShowResult,
    "tracers run": TracersRunResult,
    "tracers runbook": TracersRunbookResult,
}
