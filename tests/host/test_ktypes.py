# SPDX-License-Identifier: Apache-2.0
"""Questions to the kernel's BTF: answers, what cannot be looked up, and what is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight import cachefiles
from preflight.btf import Btf
from preflight.errors import InputError
from preflight.host.collect.ktypes import Answers, KernelTypes
from tests.btfwriter import BtfWriter

DIGEST = "ab" * 32


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "preflight/kernel"


def sample() -> Btf:
    writer = BtfWriter()
    number = writer.int("int")
    writer.struct("pair", [("a", number, 0, 0), ("b", number, 32, 0)], size=8)
    writer.enum("bpf_prog_type", [("BPF_PROG_TYPE_XDP", 6)])
    return Btf.parse(writer.bytes())


def never() -> Btf:
    pytest.fail("parsed again")


def test_without_btf_nothing_can_be_looked_up() -> None:
    types = KernelTypes(None)
    assert not types.readable
    assert (types.enum("bpf_prog_type"), types.func("f"), types.kfuncs()) == (None, 0, None)
    assert (types.has_func("f"), types.enum_has("e", "n")) == (None, None)
    with pytest.raises(InputError):
        types.ids("f", "FUNC")


def test_what_is_absent_is_not_there() -> None:
    types = KernelTypes(sample())
    assert types.readable
    assert (types.has_func("f"), types.ids("f", "FUNC")) == (False, [])


def test_structs_by_name_size_and_member() -> None:
    types = KernelTypes(sample())
    pair = types.struct("pair")
    assert types.size_of(pair) == 8
    assert (types.member_index(pair, "b"), types.member_index(pair, "c")) == (1, None)


def test_offset_of_a_member_in_an_anonymous_part() -> None:
    writer = BtfWriter()
    number = writer.int("int")
    inner = writer.union("", [("c", number, 0, 0), ("d", number, 0, 0)], size=4)
    outer = writer.struct("outer", [("a", number, 0, 0), ("", inner, 64, 0), ("bit", number, 97, 1)], size=16)
    types = KernelTypes(Btf.parse(writer.bytes()))
    found = [types.member_offset(outer, name) for name in ("a", "d", "absent", "bit")]
    assert found == [0, 8, None, None]
    assert types.member_offset(0, "a") is None


def test_a_type_within_itself_ends() -> None:
    writer = BtfWriter()
    loop = writer.struct("loop", [("", 1, 0, 0)], size=4)
    assert KernelTypes(Btf.parse(writer.bytes())).member_offset(loop, "a") is None


def test_answers_come_again_without_parsing() -> None:
    def asked(types: KernelTypes) -> list[object]:
        pair = types.struct("pair")
        looked = [types.enum("bpf_prog_type"), types.has_func("f"), types.size_of(pair), types.kfuncs()]
        return [*looked, types.member_index(pair, "b"), types.enum("absent")]

    first = KernelTypes(sample, Answers(DIGEST))
    known = asked(first)
    first.keep()
    again = KernelTypes(never, Answers(DIGEST))
    assert again.readable
    assert asked(again) == known


def test_a_new_question_parses() -> None:
    first = KernelTypes(sample, Answers(DIGEST))
    first.struct("pair")
    first.keep()
    again = KernelTypes(sample, Answers(DIGEST))
    assert again.enum_has("bpf_prog_type", "BPF_PROG_TYPE_XDP") is True


def test_other_bytes_are_another_kernel() -> None:
    first = KernelTypes(sample, Answers(DIGEST))
    first.struct("pair")
    first.keep()
    assert Answers("cd" * 32).known == {}


def test_a_changed_preflight_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = KernelTypes(sample, Answers(DIGEST))
    first.struct("pair")
    first.keep()
    monkeypatch.setattr(cachefiles, "own_identity", lambda: "another")
    assert Answers(DIGEST).known == {}


def test_nothing_is_kept_of_btf_that_does_not_parse(cache: Path) -> None:
    types = KernelTypes(lambda: None, Answers(DIGEST))
    assert types.func("f") == 0
    types.keep()
    assert not cache.exists()


def test_an_answer_that_failed_is_not_kept(cache: Path) -> None:
    def corrupt(btf: Btf) -> int:
        raise InputError("corrupt")

    types = KernelTypes(sample, Answers(DIGEST))
    with pytest.raises(InputError, match="corrupt"):
        types.ask("question", corrupt)
    types.keep()
    assert not cache.exists()


def test_without_a_digest_nothing_is_kept(cache: Path) -> None:
    types = KernelTypes(sample)
    types.struct("pair")
    types.keep()
    assert not cache.exists()
