# SPDX-License-Identifier: Apache-2.0
"""From a family and a register's history to the cause, and to where the program is to be changed.

The message decides first (`by_message`); a decider of the family may correct it with what the path shows.
A decider that sees nothing leaves the message's answer, with the message's confidence.
"""

from __future__ import annotations

import re

from preflight.verifier import decide_pointers, decide_ranges, decide_sections
from preflight.verifier.effect import effect
from preflight.verifier.message import by_message
from preflight.verifier.model import ProgramLog
from preflight.verifier.place import place_of
from preflight.verifier.scene import Decider, Decision, Scene

__all__ = ["Decision", "decide"]

_CALLER = "Caller passes invalid args into func#"
#: Families whose messages refuse arguments of global functions, too (btf_check_func_arg_match()).
_ARGUMENTS = frozenset(
    ["V-PKT-BOUNDS", "V-MAPVAL-BOUNDS", "V-MEM-BOUNDS", "V-STACK-OOB", "V-STACK-UNINIT", "V-HELPER-ARG",
     "V-NULL", "V-DEREF", "V-KFUNC-ARG", "V-BUF-BOUNDS"]
)  # fmt: skip
_REGISTER = re.compile(r"\bR(\d{1,2})\b")
_ARGUMENT = re.compile(r"\barg#?(\d)\b")

_DECIDERS: dict[str, Decider] = {
    **decide_pointers.DECIDERS,
    **decide_ranges.DECIDERS,
    **decide_sections.DECIDERS,
}


def decide(family: str, text: str, log: ProgramLog, at: int) -> Decision:
    """The cause of a rejection of `family` whose terminal lines are `text`, at step `at`."""
    scene = Scene(family, text, log, at, _blamed(text, log, at))
    cause, confidence = by_message(family, text)
    if _CALLER in text or (family in _ARGUMENTS and _calls_own_function(log, at)):
        # what comes before it is why one argument does not fit what the function takes for granted
        cause, confidence, family = "global_func_args", "high", ""
    decider = _DECIDERS.get(family)
    found = decider(scene, cause, confidence) if decider else None
    if found is None:
        found = Decision(cause, confidence)
    if found.root is None and found.confidence != "low":
        found = found._replace(root=place_of(scene, found.cause_id))
    return found


def _calls_own_function(log: ProgramLog, at: int) -> bool:
    """Whether the rejected instruction calls a function of the program itself."""
    return at >= 0 and effect(log.steps[at].text).name.startswith(("pc+", "pc-", "func#"))


def _blamed(text: str, log: ProgramLog, at: int) -> int | None:
    """The register a message names, as such or as an argument; else the pointer of the rejected access."""
    named = _REGISTER.search(text)
    if named:
        return int(named[1])
    argument = _ARGUMENT.search(text)
    if argument and at >= 0 and effect(log.steps[at].text).kind == "call":
        return int(argument[1]) + 1
    return effect(log.steps[at].text).base if at >= 0 else None
