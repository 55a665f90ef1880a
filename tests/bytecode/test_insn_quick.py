# SPDX-License-Identifier: Apache-2.0
"""The compiled decoding gives what Python's own gives, for any bytes, errors alike."""

from __future__ import annotations

import gc
import pickle
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.bytecode import insn
from preflight.bytecode.insn import Insn, decode, encode
from preflight.errors import InputError
from tests.sanitizer import assert_stays_within_its_bytes

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(
    insn.native is None, reason="native/insn_quick.c is not compiled here: no C compiler, or no Python.h"
)

_SLOTS = st.builds(
    struct.pack,
    st.just("<BBhi"),
    st.sampled_from((0x18, 0x18, 0x07, 0x85, 0x61, 0xDB, 0x05, 0xFF, 0x00)),
    st.integers(0, 255),
    st.integers(-(1 << 15), (1 << 15) - 1),
    st.integers(-(1 << 31), (1 << 31) - 1),
)


def decoded(code: bytes, byteorder: str) -> list[Insn] | tuple[str, int | None]:
    try:
        return insn._decoded(code, byteorder)
    except InputError as error:
        return str(error), error.offset


def both_agree(code: bytes) -> None:
    for byteorder in ("little", "big"):
        found = decoded(code, byteorder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(insn, "native", None)
            assert found == decoded(code, byteorder)
        if isinstance(found, list):
            assert all(type(one) is Insn for one in found)


@settings(max_examples=200, deadline=None)
@given(slots=st.lists(_SLOTS, max_size=30))
def test_instructions(slots: list[bytes]) -> None:
    both_agree(b"".join(slots))


@settings(max_examples=100, deadline=None)
@given(code=st.binary(max_size=100))
def test_any_bytes(code: bytes) -> None:
    both_agree(code)


def test_what_it_makes_is_an_instruction_like_any_other() -> None:
    code = encode(Insn(0, 0x18, 3, 1, 0, -1, (1 << 64) - 1), "little") + encode(
        Insn(2, 0x61, 1, 2, -8, 7), "little"
    )
    first, second = decode(code, "little")
    assert (first.imm64, first.slots, second.off, second.imm64) == ((1 << 64) - 1, 2, -8, None)
    assert second._replace(off=4) == Insn(2, 0x61, 1, 2, 4, 7)
    assert {second: 1}[Insn(2, 0x61, 1, 2, -8, 7)] == 1
    assert pickle.loads(pickle.dumps(first)) == first
    gc.collect()
    assert first.dst == 3


def test_nothing_but_tuples_is_made() -> None:
    assert insn.native is not None
    with pytest.raises(TypeError, match="tuples"):
        insn.native.decode(bytes(8), True, list)


def test_a_list_that_is_changed_is_nobody_elses() -> None:
    code = encode(Insn(0, 0x95, 0, 0, 0, 0), "little")
    decode(code, "little").clear()
    assert len(decode(code, "little")) == 1


_ANY_CODE = """
class Insn(tuple):
    __slots__ = ()
decode = module("_insn").decode
chance = random.Random(5)
for _ in range(5_000):
    code = bytearray(chance.choices(range(256), k=chance.randrange(90)))
    for at in range(0, len(code), 8):
        code[at] = chance.choice((0x18, code[at]))
    whole = len(code) // 8 * 8
    for some in (code, code[:whole]):
        found = decode(bytes(some), chance.randrange(2), Insn)
        assert found is None or sum(1 + (one[1] == 0x18) for one in found) * 8 == len(some)
"""


def test_decoding_reads_nothing_beyond_the_code(tmp_path: Path) -> None:
    assert_stays_within_its_bytes(ROOT / "native" / "insn_quick.c", _ANY_CODE, tmp_path)
