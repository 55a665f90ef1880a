# SPDX-License-Identifier: Apache-2.0
"""Which functions of a module ftrace can hook, from relocations in its file."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.kernels import Store
from preflight.kernels.module_sites import hooked_functions
from preflight.kernels.trace_sites import Site, encode, parse, with_modules_of
from tests.kernels.builders import BANNER, PACK, bzimage, deb, tiny_btf
from tests.kernels.site_builders import World
from tests.kernels.test_cli import run

RELEASE = "6.99.1+deb99-amd64"
TEXT, INIT, TABLE = 1, 2, 3


def module(
    functions: list[tuple[str, int, int]],
    locations: list[tuple[int, int]],
    *,
    table: str = "__mcount_loc",
    machine: int = 62,
    byteorder: str = "little",
    btf: bytes = b"",
) -> bytes:
    """A module: functions as name, section and place; locations as section and place."""
    mark = "<" if byteorder == "little" else ">"
    strings = b"\0" + b"".join(name.encode() + b"\0" for name, _, _ in functions)
    symbols = [struct.pack(f"{mark}IBBHQQ", 0, 0, 0, 0, 0, 0)]
    symbols += [struct.pack(f"{mark}IBBHQQ", 0, 3, 0, section, 0, 0) for section in (TEXT, INIT)]
    at = 1
    for name, section, place in functions:
        symbols.append(struct.pack(f"{mark}IBBHQQ", at, 2, 0, section, place, 16))
        at += len(name) + 1
    relocations = b"".join(
        struct.pack(f"{mark}QQq", 8 * number, section << 32 | 1, place)
        for number, (section, place) in enumerate(locations)
    )
    names = [".text", ".init.text", table, f".rela{table}", ".symtab", ".strtab", ".BTF", ".shstrtab"]
    headings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    contents = [bytes(64), bytes(64), bytes(8 * len(locations)), relocations]
    contents += [b"".join(symbols), strings, btf, headings]
    kinds = {3: (4, 5, TABLE), 4: (2, 6, 1), 5: (3, 0, 0)}
    body, rows = b"", [bytes(64)]
    for number, (name, content) in enumerate(zip(names, contents, strict=True)):
        kind, link, info = kinds.get(number, (1, 0, 0))
        start = headings.index(b"\0" + name.encode() + b"\0") + 1
        place = (0, 0, 64 + len(body), len(content), link, info, 8, 0)
        rows.append(struct.pack(f"{mark}IIQQQQIIQQ", start, kind, *place))
        body += content
    ident = b"\x7fELF" + bytes([2, 1 if mark == "<" else 2, 1]) + bytes(9)
    head = struct.pack(f"{mark}HHIQQQIHHHHHH", 1, machine, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, 9, 8)
    return ident + head + body + b"".join(rows)


FUNCTIONS = [("hooked", TEXT, 0), ("alias", TEXT, 0), ("plain", TEXT, 16), ("setup", INIT, 0)]


@pytest.mark.parametrize(
    ("machine", "byteorder", "table", "hook"),
    [
        (62, "little", "__mcount_loc", 4),
        (22, "big", "__mcount_loc", 0),
        (183, "little", "__patchable_function_entries", -8),
        (183, "little", "__patchable_function_entries", 4),
        (243, "little", "__patchable_function_entries", 0),
        (21, "little", "__patchable_function_entries", 8),
    ],
    ids=["x86-64", "s390x", "arm64", "arm64 at the entry", "riscv64", "ppc64le"],
)
def test_functions_with_a_location_at_their_entry(
    machine: int, byteorder: str, table: str, hook: int
) -> None:
    data = module(FUNCTIONS, [(TEXT, hook), (INIT, hook)], table=table, machine=machine, byteorder=byteorder)
    assert hooked_functions(data) == {"hooked", "alias"}


def test_a_location_inside_a_function_is_no_hook() -> None:
    assert hooked_functions(module(FUNCTIONS, [(TEXT, 0), (TEXT, 28)])) == {"hooked", "alias"}


def test_a_module_without_the_table_has_none() -> None:
    assert hooked_functions(module(FUNCTIONS, [(TEXT, 0)], table=".other")) == frozenset()


def test_another_machine_s_file_tells_nothing() -> None:
    assert hooked_functions(module(FUNCTIONS, [(TEXT, 0)], machine=999)) is None


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damage_tells_less_or_other_names_and_never_fails(data: st.DataObject) -> None:
    raw = bytearray(module(FUNCTIONS, [(TEXT, 0), (TEXT, 20)]))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(5, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(20, len(raw)))])
    try:
        found = hooked_functions(cut)
    except InputError:
        return
    assert found is None or len(found) <= len(FUNCTIONS)


# --- beside the kernel's


KERNEL = encode({"ftrace"}, [Site("work", "f")])


def test_modules_are_known_completely_when_each_told() -> None:
    sites = parse(with_modules_of(KERNEL, {"one": frozenset({"work", "only"}), "two": frozenset()}))
    sites.validate()
    assert sites.parts == {"ftrace", "modules"}
    assert sites.sites("work") == [Site("work", "f"), Site("work", "f", "one")]
    assert sites.sites("only") == [Site("only", "f", "one")]
    assert parse(with_modules_of(KERNEL, {"one": None, "two": frozenset({"b"})})).parts == {"ftrace"}
    assert with_modules_of(KERNEL, {}) == KERNEL


def test_names_that_no_line_could_hold_are_left_out() -> None:
    sites = parse(with_modules_of(KERNEL, {"one": frozenset({"a b", "c\n", "", "ok"})}))
    sites.validate()
    assert [one.name for one in sites] == ["ok", "work"]


@pytest.mark.parametrize("with_modules", [True, False])
def test_a_package_brings_them_with_its_modules(with_modules: bool, store: Store, tmp_path: Path) -> None:
    image = bzimage(PACK["zst"](World().with_crowd().image() + BANNER + tiny_btf()))
    files = [
        (f"./boot/config-{RELEASE}", b"CONFIG_BPF=y\n"),
        (f"./boot/vmlinuz-{RELEASE}", image),
        (
            f"./lib/modules/{RELEASE}/kernel/nf-thing.ko.xz",
            PACK["xz"](module(FUNCTIONS, [(TEXT, 0)], btf=tiny_btf())),
        ),
    ]
    path = tmp_path / "image.deb"
    path.write_bytes(deb(f"linux-image-{RELEASE}", files))
    assert run("add", path, *(["--with-modules"] if with_modules else []), "--store", store.root).code == 0
    (name,) = store.names()
    sites = store.get(name).trace_sites
    assert sites is not None
    assert sites.sites("hooked") == ([Site("hooked", "f", "nf_thing")] if with_modules else [])
    assert ("modules" in sites.parts) is with_modules
    assert store.verify(name) == []
