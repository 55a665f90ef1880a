# SPDX-License-Identifier: Apache-2.0
"""Externs: kernel configuration, kernel symbols, kernel functions."""

from __future__ import annotations

import pytest

from preflight.objects import load
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
