# SPDX-License-Identifier: Apache-2.0
"""Which statement of the source an instruction belongs to, as far as the log tells.

The line that a log prints is the compiler's, and that is not always the programmer's: what the macros
BPF_PROG and BPF_KPROBE wrap around a function carries the line of its signature, and all `return`s of a
function become one `exit` with the line of the last one or of the closing brace.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from preflight.verifier.effect import effect
from preflight.verifier.model import NO_SOURCE, Source, Step

_SIGNATURE = re.compile(
    r"\bBPF_(?:PROG2?|KPROBE|KRETPROBE|KSYSCALL|KPROBE_SYSCALL|UPROBE|URETPROBE|USDT)\s*\("
)
_IF = re.compile(r"(?:\}\s*)?(?:else\s+)?if\s*\(")
_COMPARISON = re.compile(r"(?<![-<>=!])([<>]=?|[=!]=)(?![<>=])")
#: A line that ends a statement and leaves nothing open: no `for (;;)` cut in two, no body on the same line.
_SIMPLE = re.compile(r"^(?!(?:for|while|if|do|else|return|goto|break|continue)\b).*;\s*(?:/\*.*\*/|//.*)?$")
#: The head of a function: a type, a name and parameters, and nothing assigned or ended.
_HEAD = re.compile(r"^[A-Za-z_][\w\s*]*\b\w+\s*\([^;=]*\)\s*\{?$")
#: A longer line is no head that anybody wrote.
_LONGEST_HEAD = 400
#: How far back a branch's condition, or a statement, is looked for.
_NEAR = 40
_OPPOSITE = {"==": "!=", "!=": "==", ">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_DIRECTION = {"==": "=", "!=": "!", ">": ">", ">=": ">", "<": "<", "<=": "<"}


def signature(source: Source) -> bool:
    """Whether a line is the head of a function that a macro wraps."""
    return source.text is not None and _SIGNATURE.search(source.text) is not None


def statement(steps: Sequence[Step], at: int) -> Source:
    """The statement that the instruction at a position belongs to; NO_SOURCE when the log does not tell."""
    step = steps[at]
    if effect(step.text).kind != "exit":
        return _real(steps, at)
    if step.source == NO_SOURCE:
        seen = _elsewhere(steps, at)
        return (
            leaving(steps, at)
            or _early(steps, at)
            or (seen if seen != NO_SOURCE else after_last(steps, at))
            or _assembly(steps)
        )
    if step.source.text == "}":
        return leaving(steps, at) or _early(steps, at) or before_brace(step.source) or step.source
    if signature(step.source):
        found = leaving(steps, at) or after_last(steps, at) or _last_in_body(steps, at)
        alone = found == step.source and {other.source for other in steps} <= {found, NO_SOURCE}
        return _first_in_body(found) if alone else found
    return step.source


def before_brace(source: Source) -> Source | None:
    """The last statement of a function whose closing brace a line is: with a result to return, a `return`."""
    if source.text != "}" or source.line is None or source.line < 2:
        return None
    return Source(source.file, source.line - 1, None)


def _early(steps: Sequence[Step], at: int) -> Source | None:
    """The first of the two `return`s a function ends with, for an exit with its result set before a test.

    Compilers set the result of `if (...) return A; return B; }` ahead of the branch that leads to the exit,
    and everything then carries the line of the brace.
    """
    if at < 2:
        return None
    branch, result = steps[at - 1], steps[at - 2]
    brace = branch.source if steps[at].source == NO_SOURCE else steps[at].source
    taken = effect(branch.text).kind == "branch" and steps[at].insn != branch.insn + 1
    what = effect(result.text)
    if brace.text != "}" or brace.line is None or not taken or what.kind != "const" or what.dst != 0:
        return None
    return Source(brace.file, brace.line - 2, None)


def after_last(steps: Sequence[Step], at: int) -> Source | None:
    """The statement below the last one on the path, for an exit whose own line the log does not print.

    The path runs from that statement straight to the exit, so that what follows it is the `return`. None
    where the last line printed is no whole statement, or one of a function that was inlined from above.
    """
    source = _last_in_body(steps, at)
    if source.line is None or source.text is None or not _SIMPLE.search(source.text):
        return None
    return Source(source.file, source.line + 1, None)


#: The function's brace and its first statement stand below its head; of a flavour there is a variable first.
_TO_FIRST, _TO_FLAVOUR = 2, 3


def _first_in_body(head: Source) -> Source:
    """The first statement below a head that the log prints alone: a body that only returns a number."""
    text = head.text or ""
    if head.line is None or text.count("(") != text.count(")"):
        return head
    return Source(head.file, head.line + _TO_FIRST - text.endswith("{"), None)


def of_offset(steps: Sequence[Step], at: int, missing: str) -> Source | None:
    """The statement that the offset of a field at a position is loaded for, None where the log's line is it.

    Compilers give the load of a relocated offset no line of its own: the line that stands with it is that
    of the statement before, unless that one names the missing field (`struct x.field`) or is not yet at its
    end. What follows it is estimated as people write: one statement under an `if`, on a line of its own.
    """
    source = steps[at].source
    field = missing.rpartition(".")[2]
    if (
        source.line is None
        or not source.text
        or (field and re.search(rf"\b{re.escape(field)}\b", source.text))
    ):
        return None
    branched = at > 0 and effect(steps[at - 1].text).kind in {"branch", "jump"}
    if at and steps[at - 1].source != source:
        # a line of its own; but an `if` that stands behind the test of a function inlined into it
        condition, rest = _split(source.text)
        inlined = branched and condition is not None and not rest.strip()
        return Source(source.file, source.line + 2, None) if inlined else None
    if branched and _IF.match(source.text):
        return _after_if(steps, at - 1)
    if _SIMPLE.search(source.text):
        return Source(source.file, source.line + 1, None)
    if at == 0 and (signature(source) or _HEAD.match(source.text[:_LONGEST_HEAD])):
        further = _TO_FLAVOUR if "___" in missing else _TO_FIRST
        return Source(source.file, source.line + further - source.text.endswith("{"), None)
    return None


def _last_in_body(steps: Sequence[Step], at: int) -> Source:
    """The last line on the path that stands in the body of the function that an exit leaves."""
    head = steps[at].source
    for back in range(at - 1, max(at - _NEAR, -1), -1):
        other = steps[back]
        if other.depth < steps[at].depth:
            break
        source = other.source
        if other.depth > steps[at].depth or not source.text or signature(source):
            continue
        if head.line is None or source.line is None or (source.file == head.file and source.line > head.line):
            return source
    return head


def _real(steps: Sequence[Step], at: int) -> Source:
    step = steps[at]
    if step.source == NO_SOURCE:
        return _elsewhere(steps, at)
    later = _beyond_test(steps, at)
    if later is not None:
        return later
    if signature(step.source):
        for back in range(at - 1, max(at - _NEAR, -1), -1):
            other = steps[back]
            if other.depth == step.depth and other.source.text and not signature(other.source):
                return other.source
    return step.source


#: In a condition: what may be a macro with branches of its own.
_MACRO = re.compile(r"\?|\b(?!bpf_|sizeof\b)\w+\s*\(")


#: A condition that only asks of names whether they are zero: nothing is calculated for it.
_NAMES = re.compile(r"!?\w+(?:\s*(?:&&|\|\|)\s*!?\w+)*")
#: Bits that a number is moved by when it is widened.
_HALF = 32


def _calculates(step: Step) -> bool:
    """Whether an instruction calculates, other than to make 64 bits of 32."""
    what = effect(step.text)
    return what.kind == "alu" and what.imm != _HALF and what.op != "unary"


def _beyond_test(steps: Sequence[Step], at: int) -> Source | None:
    """The statement after an `if`, for an instruction that follows all its branches and yet has its line.

    Compilers give no line to what they move; it shows with the line before. None when the test goes on.
    """
    source, last = steps[at].source, at - 1
    if not source.text or source.line is None or effect(steps[at].text).kind in {"branch", "const"}:
        return None  # a constant is a bound as likely, which is changed where it is compared
    condition, rest = _split(source.text)
    if condition is None or _MACRO.search(condition):
        return None
    while last >= 0 and steps[last].source == source and effect(steps[last].text).kind != "branch":
        last -= 1
    if _calculates(steps[at]) and _NAMES.fullmatch(condition) and not rest.strip():
        return Source(source.file, source.line + 2, None)
    parts = len(re.findall(r"&&|\|\|", condition)) + 1
    if last < 0 or steps[last].source != source or _tests(steps, last) < parts:
        return None
    return _after_if(steps, last)


def passed(steps: Sequence[Step], at: int) -> bool:
    """Whether a branch shows with the line of an `if` whose tests the path had passed before."""
    source = steps[at].source
    condition, _ = _split(source.text or "")
    if condition is None or _MACRO.search(condition):
        return False
    tests: int = _tests(steps, at)
    return tests > len(re.findall(r"&&|\|\|", condition)) + 1


def _after_if(steps: Sequence[Step], branch: int) -> Source | None:
    """The statement that runs after the last branch of an `if`: the one under it, or below that one."""
    source = steps[branch].source
    if effect(steps[branch].text).kind == "jump":
        return _over_if(steps[branch])
    under = _under(steps, branch)
    if under is not None or source.line is None:
        return under
    condition, rest = _split(source.text or "")
    return Source(source.file, source.line + 2, None) if condition is not None and not rest.strip() else None


def _elsewhere(steps: Sequence[Step], at: int) -> Source:
    """The line that stood with the same instruction another time."""
    wanted = steps[at].insn
    for other in reversed(steps[max(at - 2000, 0) : at]):
        if other.insn == wanted and other.source != NO_SOURCE:
            return other.source
    return NO_SOURCE


def _assembly(steps: Sequence[Step]) -> Source:
    """The one statement of a program that is written in assembly: its exits are in it, too."""
    lines = {step.source for step in steps} - {NO_SOURCE}
    only = lines.pop() if len(lines) == 1 else NO_SOURCE
    return only if (only.text or "").lstrip("_").startswith("asm") else NO_SOURCE


def leaving(steps: Sequence[Step], at: int) -> Source | None:
    """The `return` that became the exit at a position, where a branch leads straight to it.

    Where that branch comes from an `if` whose condition holds, the statement is the one under the `if`:
    in C as people write it, on the line below. None when the path does not show it.
    """
    depth = steps[at].depth
    for back in range(at - 1, max(at - 8, -1), -1):
        step = steps[back]
        if step.depth != depth:
            return None
        what = effect(step.text)
        if what.kind in {"const", "copy", "alu"}:
            if step.source.text and step.source.text.startswith("return"):
                return step.source
            continue
        if what.kind == "jump":
            if step.source.text and step.source.text.startswith("return"):
                return step.source
            folded = _over_if(step)
            if folded is not None:
                return folded
            continue
        if what.kind == "branch":
            if step.source.text and "return " in step.source.text:
                return step.source
            return _under(steps, back) or _below(steps, back)
        return None
    return None


def _over_if(step: Step) -> Source | None:
    """The statement below an `if` whose test the kernel knew and made a jump over what is under it (7.3)."""
    condition, rest = _split(step.source.text or "")
    if condition is None or rest.strip() or step.source.line is None:
        return None
    return Source(step.source.file, step.source.line + 2, None)


def _below(steps: Sequence[Step], branch: int) -> Source | None:
    """The statement below an `if` of one test that does not hold, with one statement without braces."""
    source = steps[branch].source
    condition, rest = _split(source.text or "")
    if condition is None or rest.strip() or source.line is None or "&&" in condition or "||" in condition:
        return None
    if steps[branch + 1].insn == steps[branch].insn + 1:
        return None
    compared = _COMPARISON.findall(condition)
    if compared and (len(compared) != 1 or not _contrary(steps[branch], compared[0])):
        return None
    return Source(source.file, source.line + 2, None)


#: Pairs of what a branch that was taken found, and what the source asks: the one rules the other out.
_CONTRARY = {("<", ">"), (">", "<"), ("=", "!"), ("!", "=")}


def _contrary(step: Step, asked: str) -> bool:
    """Whether a branch that was taken means that a comparison does not hold; False when that is open."""
    what = effect(step.text)
    said = _DIRECTION.get(what.op.removeprefix("s"), "")
    return what.src is None and (said, _DIRECTION.get(asked, "")) in _CONTRARY


def _under(steps: Sequence[Step], branch: int) -> Source | None:
    """The statement under the `if` that a branch belongs to, when its condition holds on this path."""
    head = _condition(steps, branch)
    if head is None or head.text is None or head.line is None:
        return None
    text, last = _whole(steps, branch, head)
    condition, rest = _split(text)
    if condition is None:
        return None
    if not _holds(steps, branch, condition):
        return None
    if "return" in rest:
        return head
    return Source(head.file, last + 1, None) if rest.strip() in {"", "{"} else None


def _whole(steps: Sequence[Step], branch: int, head: Source) -> tuple[str, int]:
    """An `if` with the lines its condition goes on over, where the path has them; and the last of them."""
    text, last = head.text or "", head.line or 0
    near = {
        step.source.line: step.source.text
        for step in steps[max(branch - _NEAR, 0) : branch + 1]
        if step.source.file == head.file and step.source.text
    }
    while text.count("(") > text.count(")") and (more := near.get(last + 1)):
        text, last = f"{text} {more}", last + 1
    return text, last


def _condition(steps: Sequence[Step], branch: int) -> Source | None:
    """The `if` line of a branch: its own, or the one under which its operand was loaded just before."""
    for back in range(branch, max(branch - 4, -1), -1):
        source = steps[back].source
        if source.text and _IF.match(source.text):
            return source
        if back < branch and effect(steps[back].text).kind in {"branch", "call", "exit"}:
            return None
    return None


def _tests(steps: Sequence[Step], branch: int) -> int:
    """How many branches of the same statement the path passed, up to this one."""
    source = steps[branch].source
    found = 0
    for step in reversed(steps[max(branch - _NEAR, 0) : branch + 1]):
        if step.depth != steps[branch].depth or step.source != source:
            break
        found += effect(step.text).kind == "branch"
    return found


def _split(text: str) -> tuple[str | None, str]:
    """Condition of an `if` and what follows it on the line; None when it goes on below."""
    found = _IF.match(text)
    if found is None:
        return None, ""
    depth = 1
    for place in range(found.end(), len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            rest = re.sub(r"/\*.*?\*/|//.*", "", text[place + 1 :])
            return text[found.end() : place].strip(), rest
    return None, ""


def _holds(steps: Sequence[Step], branch: int, condition: str) -> bool:
    """Whether the branch, as the path took it, means that the condition holds."""
    what = effect(steps[branch].text)
    taken = branch + 1 < len(steps) and steps[branch + 1].insn != steps[branch].insn + 1
    if "&&" in condition:
        parts = condition.split("&&")
        if "||" in condition or _tests(steps, branch) != len(parts):
            return False  # an earlier part failed, or the compiler made one test of several
        condition = parts[-1].strip()
    if "||" in condition or what.src is not None:
        # one side of an `or`, or operands that may stand the other way round: early returns are branches
        return taken
    said = what.op.removeprefix("s")
    said = said if taken else _OPPOSITE.get(said, "")
    compared = _COMPARISON.findall(condition)
    if not compared:
        meant = "==" if condition.startswith("!") else "!="
        if what.imm == 1 and said in _OPPOSITE and said in {"==", "!="}:
            said = _OPPOSITE[said]  # a truth value that is compared with true
        zero = {"==": "=", "<": "=", "!=": "!", ">": "!"}
        return zero.get(said, "") == zero[meant] if what.imm == 0 or said in {"==", "!="} else taken
    if len(compared) != 1:
        return False
    if what.imm == 0 and said in {"==", "!="} and compared[0] not in {"==", "!="}:
        # less than a power of two: what a mask or a shift leaves is zero
        below: bool = compared[0].startswith("<")
        return below == (said == "==")
    if said not in _DIRECTION:
        return False
    return _DIRECTION[said] == _DIRECTION[compared[0]]
