# SPDX-License-Identifier: Apache-2.0
"""Crafted and damaged input: one clear InputError or an answer, never another exception, never a hang."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.btf import Btf
from preflight.core import (
    ReloKind,
    Target,
    find_attach_target,
    kconfig_map,
    relocate_object,
    resolve_externs,
)
from preflight.core.work import Work
from preflight.errors import InputError
from preflight.loaders import NAMES
from preflight.objects import load as load_object
from tests.btfwriter import BtfWriter, field
from tests.core.asking import ask, exists, mov
from tests.differential.random_worlds import make_world


def _try_everything(vmlinux: bytes, data: bytes) -> None:
    """Every entry point; InputError is a fine answer."""
    try:
        obj = load_object(data, "hostile")
        target = Target(Btf.parse(vmlinux))
        for name in NAMES:
            result = relocate_object(obj, target, name)
            for relocation in result.relocations:
                relocation.to_dict()
        for program in obj.programs:
            find_attach_target(target, program.attach_type, program.name)
        if obj.btf is not None:
            resolve_externs(obj.btf, obj.externs, target)
        kconfig_map(obj.externs, obj.byteorder, {})
    except InputError:
        pass


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 60), where=st.sampled_from(["kernel", "object"]), harm=st.integers(0, 2**32))
def test_damaged_bytes_end_in_an_answer_or_an_input_error(seed: int, where: str, harm: int) -> None:
    world = make_world(seed, objects=1)
    rng = random.Random(harm)
    parts = {"kernel": bytearray(world.vmlinux), "object": bytearray(world.objects["o0"])}
    damaged = parts[where]
    for _ in range(rng.choice((1, 2, 8, 40))):
        at = rng.randrange(len(damaged))
        damaged[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    if rng.random() < 0.2:
        del damaged[rng.randrange(len(damaged)) :]
    _try_everything(bytes(parts["kernel"]), bytes(parts["object"]))


def _pair() -> tuple[BtfWriter, int, BtfWriter]:
    local, kernel = BtfWriter(), BtfWriter()
    s = local.struct("s", [field("x", local.int(), at=0)], size=4)
    kernel.int()
    return local, s, kernel


def test_anonymous_members_that_double_at_every_level_are_given_up() -> None:
    local, s, kernel = _pair()
    inner = kernel.struct("", [field("y", 1, at=0)], size=4)
    for _ in range(40):
        inner = kernel.struct("", [field("", inner, at=0), field("", inner, at=4)], size=8)
    kernel.struct("s", [field("", inner, at=0)], size=8)
    with pytest.raises(InputError, match="too many steps"):
        ask(local, kernel, [exists(s, "0:0")])


def test_a_struct_inside_itself_is_too_deep() -> None:
    local, s, kernel = _pair()
    own = kernel.next_id
    kernel.struct("s", [field("", own, at=0)], size=8)
    (result,) = ask(local, kernel, [exists(s, "0:0")])
    assert (result.outcome, result.error, result.cause) == ("error", "E2BIG", "nesting")


def test_a_typedef_of_itself_is_an_input_error() -> None:
    local, s, kernel = _pair()
    loop = kernel.next_id
    kernel.typedef("t", loop)
    kernel.struct("s", [field("x", loop, at=0)], size=8)
    with pytest.raises(InputError):
        ask(local, kernel, [exists(s, "0:0")])


def test_an_array_of_itself_is_an_input_error() -> None:
    local, s, kernel = _pair()
    loop = kernel.next_id
    kernel.array(loop, 2)
    kernel.struct("s", [field("x", loop, at=0)], size=8)
    with pytest.raises(InputError):
        ask(local, kernel, [exists(s, "0:0")])


def _prototypes(w: BtfWriter) -> int:
    """Function types whose parameters double the number of comparisons at every level."""
    proto = w.func_proto(0, [("", 1)])
    for _ in range(30):
        proto = w.func_proto(0, [("", w.ptr(proto)), ("", w.ptr(proto))])
    return w.typedef("fn_t", w.ptr(proto))


@pytest.mark.parametrize("kind", [ReloKind.TYPE_EXISTS, ReloKind.TYPE_MATCHES])
def test_comparing_types_does_not_repeat_what_it_knows(kind: ReloKind) -> None:
    local, kernel = BtfWriter(), BtfWriter()
    local.int()
    kernel.int()
    fn = _prototypes(local)
    _prototypes(kernel)
    (result,) = ask(local, kernel, [mov(kind, fn, imm=1)])
    assert result.outcome in ("unchanged", "error")


def test_a_long_access_string_is_refused() -> None:
    local, s, kernel = _pair()
    for access in ("0:" * 5000 + "0", "9" * 100_000, ":" * 1000, "0:\u0663"):
        (result,) = ask(local, kernel, [exists(s, access)])
        assert (result.outcome, result.error) == ("error", "EINVAL")


def test_work_is_counted() -> None:
    work = Work(10)
    work.spend(10)
    with pytest.raises(InputError):
        work.spend(1)
