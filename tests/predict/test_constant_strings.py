# SPDX-License-Identifier: Apache-2.0
"""Strings that have to be constant, what formats print, and sections that nobody writes to."""

from __future__ import annotations

import pytest

from preflight.bytecode.image import DataRef, KfuncRef, Origin, ProgramImage, Ref
from preflight.bytecode.reach import Environment
from preflight.predict.pointer_values import Asked
from preflight.predict.pointer_walk import misuses
from tests.elfwriter import Ins, exit_, mov
from tests.predict.worlds import call

SNPRINTF, PROBE_READ = 165, 113
#: r1 = r10 - 16; r2 = 16
BUFFER = (Ins(0xBF, 1, 10), Ins(0x07, 1, imm=-16), mov(2, 16))


def noted(
    ref: DataRef, register: int, *insns: Ins, behind: tuple[Ins, ...] = (), function: str = ""
) -> list[str]:
    """What is noted of a program that has an address in a register; `function` is called at the end."""
    code = [*insns, Ins(0x18, register, 2), *behind]
    refs: dict[int, Ref] = {len(insns): ref}
    if function:
        refs[len(insns) + 2 + len(behind)] = KfuncRef(function, weak=False)
        code.append(Ins(0x85, src=2))
    raw = b"".join(one.encode("little") for one in (*code, mov(0, 0), exit_()))
    origins = tuple(Origin("lsm.s", slot) for slot in range(len(raw) // 8))
    image = ProgramImage("made", "lsm.s", raw, "little", (0,), origins, refs)
    return sorted(
        {one.kind for one in misuses(image, Environment(), Asked((), "lsm", "lsm_mac")) if one.sure}
    )


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        (b"x %d\0", 8, []),
        (b"x %d\0", 0, ["size"]),
        (b"100%% of %d\0%d", 8, []),
        (b"%d %s\0", 8, ["size"]),
        (None, 8, ["argument"]),
    ],
)
def test_a_format(text: bytes | None, given: int, expected: list[str]) -> None:
    arguments = (Ins(0x7A, 10, off=-24), Ins(0xBF, 4, 10), Ins(0x07, 4, imm=-24), mov(5, given))
    section = ".data" if text is None else ".rodata"
    made = noted(DataRef(section, 0, text), 3, *BUFFER, behind=(*arguments, call(SNPRINTF)))
    assert made == expected


@pytest.mark.parametrize(("frozen", "expected"), [(b"\0" * 16, ["readonly"]), (None, [])])
def test_a_helper_does_not_write_to_constants(frozen: bytes | None, expected: list[str]) -> None:
    assert noted(DataRef(".made", 0, frozen), 1, behind=(mov(2, 4), mov(3, 0), call(PROBE_READ))) == expected


@pytest.mark.parametrize(("frozen", "expected"), [(b"user.tag\0", []), (None, ["argument"])])
def test_a_kernel_function_wants_a_constant_string(frozen: bytes | None, expected: list[str]) -> None:
    # an argument of the hook, a string, and a dynptr that is not known
    hook = (Ins(0x79, 3, 1, 8), Ins(0x79, 1, 1, 0))
    assert noted(DataRef(".made", 0, frozen), 2, *hook, function="bpf_get_file_xattr") == expected
