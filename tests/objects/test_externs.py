# SPDX-License-Identifier: Apache-2.0
"""Externs: kernel configuration, kernel symbols, kernel functions."""

from __future__ import annotations

import pytest

from preflight.errors import InputError
from preflight.objects import load
from preflight.objects.externs import unresolved
from preflight.objects.kconfig import kconfig_contents
from preflight.objects.model import BpfObject
from tests import elfwriter as e
from tests.btfwriter import BtfWriter
from tests.elfwriter import ElfWriter

EXTERN = 2


def kconfig_object(types: BtfWriter, variables: dict[str, int], weak: set[str] = frozenset()) -> BpfObject:
    """An object with kconfig externs of the given types."""
    w = ElfWriter(types.byteorder)
    entries = []
    for name, type_id in variables.items():
        entries.append((types.var(name, type_id, EXTERN), 0, 4))
        w.symbol(name, binding=e.WEAK if name in weak else e.GLOBAL)
    types.datasec(".kconfig", entries, size=0)
    w.btf(types)
    return load(w.bytes(), "o")


def test_the_kconfig_map_is_laid_out_by_alignment_then_size_then_name() -> None:
    types = BtfWriter()
    u8, u32, u64 = types.int("char", 1), types.int("u32", 4, encoding=0), types.int("u64", 8)
    text = types.array(u8, 5)
    obj = kconfig_object(
        types, {"CONFIG_T": text, "CONFIG_A": u8, "LINUX_KERNEL_VERSION": u32, "CONFIG_Z": u64}
    )
    assert [(x.name, x.kconfig.offset, x.kconfig.type) for x in obj.externs if x.kconfig] == [
        ("CONFIG_Z", 0, "int"),
        ("LINUX_KERNEL_VERSION", 8, "int"),
        ("CONFIG_A", 12, "char"),
        ("CONFIG_T", 13, "char-array"),
    ]
    assert [(m.name, m.value_size) for m in obj.all_maps] == [(".kconfig", 18)]


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_the_contents_on_one_kernel(byteorder: str) -> None:
    types = BtfWriter(byteorder)
    u32, boolean, char = (
        types.int("u32", 4, encoding=0),
        types.int("bool", 1, encoding=4),
        types.int("char", 1),
    )
    tristate = types.enum("libbpf_tristate", [("TRI_NO", 0), ("TRI_YES", 1), ("TRI_MODULE", 2)])
    names = {
        "CONFIG_TEXT": types.array(char, 4),
        "CONFIG_MOD": tristate,
        "CONFIG_BPF": boolean,
        "CONFIG_CHAR": char,
        "LINUX_KERNEL_VERSION": u32,
        "CONFIG_GONE": u32,
    }
    obj = kconfig_object(types, names, weak={"CONFIG_GONE"})
    values = {
        "CONFIG_TEXT": '"a very long text"',
        "CONFIG_MOD": "m",
        "CONFIG_BPF": "y",
        "CONFIG_CHAR": "y",
        "LINUX_KERNEL_VERSION": 0x60C00,
    }
    contents, missing = kconfig_contents(obj.externs, byteorder, values.get)
    at = {x.name: x.kconfig.offset for x in obj.externs if x.kconfig}
    assert missing == ()
    assert contents[at["LINUX_KERNEL_VERSION"] :][:4] == (0x60C00).to_bytes(4, byteorder)
    assert contents[at["CONFIG_GONE"] :][:4] == bytes(4)
    assert contents[at["CONFIG_MOD"] :][:4] == (2).to_bytes(4, byteorder)
    assert contents[at["CONFIG_BPF"]] == 1
    assert contents[at["CONFIG_CHAR"]] == ord("y")
    assert contents[at["CONFIG_TEXT"] :][:4] == b"a v\0"


def test_a_strong_value_that_is_missing_is_named() -> None:
    types = BtfWriter()
    obj = kconfig_object(types, {"CONFIG_X": types.int()})
    assert kconfig_contents(obj.externs, "little", lambda name: None) == (bytes(4), ("CONFIG_X",))


@pytest.mark.parametrize("value", ["m", '"text"', 1 << 40, "0x1ffffffff", "wat", -1])
def test_a_value_its_variable_cannot_hold_is_refused(value: int | str) -> None:
    types = BtfWriter()
    obj = kconfig_object(types, {"CONFIG_X": types.int("u32", 4, encoding=0)})
    with pytest.raises(InputError, match="CONFIG_X"):
        kconfig_contents(obj.externs, "little", lambda name: value)


def ksyms(types: BtfWriter, declared: dict[str, int], weak: set[str] = frozenset()) -> BpfObject:
    w = ElfWriter()
    types.datasec(".ksyms", [(type_id, 0, 0) for type_id in declared.values()], size=0)
    for name in declared:
        w.symbol(name, binding=e.WEAK if name in weak else e.GLOBAL)
    w.btf(types)
    return load(w.bytes(), "o")


def test_kernel_symbols_and_functions() -> None:
    types = BtfWriter()
    untyped = types.var("init_task", types.const(0), EXTERN)
    typed = types.var("runqueues", types.struct("rq", (), size=8), EXTERN)
    proto = types.func_proto()
    kfunc = types.func("bpf_cpumask_create___old", proto, EXTERN)
    obj = ksyms(
        types, {"init_task": untyped, "runqueues": typed, "bpf_cpumask_create___old": kfunc}, {"runqueues"}
    )
    found = {x.name: x for x in obj.externs}
    assert (found["init_task"].kind, found["init_task"].typed, found["init_task"].weak) == (
        "ksym",
        False,
        False,
    )
    assert (found["runqueues"].kind, found["runqueues"].typed, found["runqueues"].weak) == (
        "ksym",
        True,
        True,
    )
    function = found["bpf_cpumask_create___old"]
    assert (function.kind, function.essential, function.type_id) == ("kfunc", "bpf_cpumask_create", proto)


def test_what_a_kernel_lacks_matters_only_when_strong() -> None:
    types = BtfWriter()
    a, b, c = (types.var(name, types.const(0), EXTERN) for name in "abc")
    obj = ksyms(types, {"a": a, "b": b, "c": c}, weak={"a"})
    assert unresolved(obj.externs, {"a": False, "b": False}) == ("b",)


@pytest.mark.parametrize(
    ("linkage", "section", "message"),
    [
        (1, ".ksyms", "does not call it extern"),
        (EXTERN, ".other", "it stands in section '.other'"),
        (EXTERN, None, "it stands in no section"),
    ],
)
def test_an_extern_libbpf_refuses_is_a_problem(linkage: int, section: str | None, message: str) -> None:
    types = BtfWriter()
    var = types.var("x", types.const(0), linkage)
    if section:
        types.datasec(section, [(var, 0, 0)], size=4)
    w = ElfWriter()
    w.symbol("x")
    w.btf(types)
    obj = load(w.bytes(), "o")
    assert obj.externs == ()
    (problem,) = obj.problems
    assert (problem.kind, problem.subject) == ("extern", "x")
    assert message in problem.message


def test_an_extern_without_any_btf_is_a_problem() -> None:
    w = ElfWriter()
    w.symbol("x")
    assert [p.kind for p in load(w.bytes(), "o").problems] == ["extern"]


def test_a_kconfig_variable_of_an_odd_type_is_a_problem() -> None:
    types = BtfWriter()
    obj = kconfig_object(types, {"CONFIG_S": types.struct("s", (), size=4)})
    assert "cannot hold" in obj.problems[0].message
