# SPDX-License-Identifier: Apache-2.0
"""Which functions can be traced, from the tables of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.kernels import site_tables
from preflight.kernels.kallsyms import symbol_table
from preflight.kernels.symbol_addresses import locate
from tests.kernels.site_builders import CROWD, INIT, STEP, TEXT, World, marks

BLOCKED_SECTIONS = dict.fromkeys(("__entry_text", "__noinstr_text", "__kprobes_text"), (TEXT, TEXT))


def read(world: World, arch: str = "x86_64", zeros: Sequence[int] = ()) -> tuple[set[str], Mapping[str, str]]:
    raw = world.image(zeros)
    table = symbol_table(raw, world.byteorder)  # type: ignore[arg-type]
    assert table is not None
    parts, sites = site_tables.read(raw, table, world.byteorder, arch)  # type: ignore[arg-type]
    if "ftrace" in parts:
        assert {one.name for one in sites if "f" in one.marks} >= set(CROWD)
    return parts, marks(sites)


WAYS = {
    "before": World(way="before"),
    "before, with per-cpu symbols": World(way="percpu"),
    "behind": World(way="behind"),
    "by place": World(way="place"),
    "flat, before": World(way="before", elf=False, base=0xFFFF800080000000),
    "flat, behind": World(way="behind", elf=False, base=0x100000),
    "flat, by place": World(way="place", elf=False, base=0, links=0xFFFF800080000000),
    "big-endian": World(way="behind", elf=False, base=0x100000, byteorder="big"),
    "big-endian, by place": World(way="place", elf=False, base=0, links=0x3FFE0000000, byteorder="big"),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_writing_addresses_gives_the_same(way: str) -> None:
    model = WAYS[way]
    world = World(model.byteorder, model.base, model.elf, model.way, model.links).with_crowd()
    world.function("hooked", hook=0)
    world.blacklist = [world.function("plain"), world.function("both", hook=0)]
    assert read(world) == ({"ftrace"}, {"hooked": "f", "plain": "b", "both": "bf"})


@pytest.mark.parametrize(
    ("arch", "hook"),
    [
        ("x86_64", 0),
        ("x86_64", 4),
        ("aarch64", 4),
        ("aarch64", -8),
        ("riscv64", 0),
        ("riscv64", -8),
        ("s390x", 0),
        ("ppc64le", 8),
    ],
)
def test_locations_are_where_the_architecture_puts_them(arch: str, hook: int) -> None:
    world = World().with_crowd(hook)
    world.function("hooked", hook=hook)
    world.function("plain")
    assert read(world, arch) == ({"ftrace"}, {"hooked": "f"})


def test_a_label_in_front_of_a_hooked_function_is_not_hooked() -> None:
    """With the location two words before the entry, a symbol may stand at the location itself."""
    world = World().with_crowd(-8)
    entry = world.function("hooked", hook=-8)
    world.symbols.append(("t", "label", entry - 8))
    assert read(world, "aarch64") == ({"ftrace"}, {"hooked": "f"})


def test_functions_of_the_init_sections_are_gone() -> None:
    world = World().with_crowd()
    world.function("start_kernel", at=INIT, hook=0)
    assert read(world) == ({"ftrace"}, {"start_kernel": "i"})


def test_a_location_that_a_replaced_weak_function_left_is_no_hook() -> None:
    world = World().with_crowd()
    world.function("before_it", hook=16)
    world.function("hooked", hook=0)
    world.locations.append(world.symbols[-1][2] + 16)
    assert read(world) == ({"ftrace"}, {"before_it": "w", "hooked": "f"})


def test_all_symbols_at_an_address_are_marked() -> None:
    world = World().with_crowd()
    place = world.function("one", "T", hook=0)
    world.symbols.append(("T", "other", place))
    assert read(world)[1] == {"one": "f", "other": "f"}


def test_of_several_functions_of_a_name_the_first_counts() -> None:
    world = World().with_crowd()
    world.function("first_hooked", hook=0)
    world.function("first_hooked")
    world.function("later_hooked")
    world.function("later_hooked", hook=0)
    assert read(world)[1] == {"first_hooked": "f", "later_hooked": "l"}


def test_whole_sections_take_no_kprobes() -> None:
    world = World().with_crowd()
    start = world.function("in_entry_text")
    world.blacklist = [world.function("listed")]
    world.sections = {**BLOCKED_SECTIONS, "__entry_text": (start, start + STEP)}
    assert read(world) == ({"ftrace", "kprobes"}, {"in_entry_text": "b", "listed": "b"})


def test_the_blacklist_is_not_complete_without_its_sections_or_with_holes() -> None:
    world = World().with_crowd()
    world.blacklist = [world.function("listed")]
    assert "kprobes" not in read(world)[0]
    world.sections = dict(BLOCKED_SECTIONS)
    assert "kprobes" in read(world)[0]
    assert "kprobes" not in read(world, "s390x")[0]
    world.blacklist.append(0)
    assert read(world)[0] == {"ftrace"}


# --- what is not believed


def test_zeros_in_front_of_a_sorted_table_were_removed_when_it_was_built() -> None:
    assert read(World().with_crowd(), zeros=[0, 0])[0] == {"ftrace"}


@pytest.mark.parametrize(
    "zeros", [[500], [0, 500], [1200], [0] * 200], ids=["inside", "both", "at the end", "too many"]
)
def test_zeros_elsewhere_are_relocations_to_follow(zeros: list[int]) -> None:
    assert read(World().with_crowd(), zeros=zeros) == (set(), {})


def test_a_table_of_relocations_alone_tells_nothing() -> None:
    world = World().with_crowd()
    world.locations = []
    assert read(world, zeros=[0] * 1200) == (set(), {})


def test_a_table_that_does_not_point_at_functions_tells_nothing() -> None:
    world = World().with_crowd()
    world.locations = [place + 20 for place in world.locations]
    assert read(world) == (set(), {})


def test_a_kernel_without_the_table_tells_nothing() -> None:
    world = World(without=("__start_mcount_loc",)).with_crowd()
    world.blacklist = [world.function("listed")]
    world.sections = dict(BLOCKED_SECTIONS)
    assert read(world) == ({"kprobes"}, {"listed": "b"})


def test_addresses_out_of_order_are_none() -> None:
    world = World(way="behind").with_crowd()
    raw = bytearray(world.image())
    table = symbol_table(bytes(raw), "little")
    assert table is not None
    assert locate(bytes(raw), table, "little") is not None
    raw[table.end : table.end + 4] = b"\xff\xff\xff\x7f"
    assert locate(bytes(raw), table, "little") is None


def test_text_outside_the_image_is_none() -> None:
    world = World(way="behind").with_crowd()
    raw = bytearray(world.image())
    table = symbol_table(bytes(raw), "little")
    assert table is not None
    raw[64 + 56 + 16 + 4] ^= 0xFF  # the address of the one piece that is loaded
    assert locate(bytes(raw), table, "little") is None


CROWDED = World(way="place").with_crowd().image()


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_damage_gives_less_or_other_marks_and_no_failure(data: st.DataObject) -> None:
    raw = bytearray(CROWDED)
    table = symbol_table(CROWDED, "little")
    assert table is not None
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.sampled_from([range(0x200), range(0x20200, 0x23000), range(table.end, len(raw))]))
        raw[data.draw(st.sampled_from(at))] = data.draw(st.integers(0, 255))
    parts, sites = site_tables.read(bytes(raw), table, "little", "x86_64")
    assert parts <= {"ftrace", "kprobes"}
    assert len(sites) <= len(table.names)
