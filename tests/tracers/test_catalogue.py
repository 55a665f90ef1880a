# SPDX-License-Identifier: Apache-2.0
"""The catalogue against its schema, and against the compiled objects: what is not classified fails here."""

from __future__ import annotations

import copy
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from preflight import bpf_objects
from preflight.errors import UsageError
from preflight.host.bpf.names import MapType
from preflight.objects.load import load as read_object
from preflight.objects.model import BpfObject
from preflight.tracers import layout, load, settings
from preflight.tracers.layout import Layout
from preflight.tracers.load import CatalogueError
from preflight.tracers.model import DOMAINS, HEALTH_MAP, Tracer, Variant

CATALOGUE = load.catalogue()
VARIANTS = [(tracer, variant) for tracer in CATALOGUE for variant in tracer.variants]
IDS = [f"{tracer.name}-{variant.name}" for tracer, variant in VARIANTS]
each_variant = pytest.mark.parametrize(("tracer", "variant"), VARIANTS, ids=IDS)
each_tracer = pytest.mark.parametrize("tracer", CATALOGUE, ids=[tracer.name for tracer in CATALOGUE])

#: SEC() prefixes -> surface words that describe them.
SURFACE_OF = {
    "tracepoint": "tracepoint",
    "tp": "tracepoint",
    "raw_tp": "raw_tp",
    "raw_tracepoint": "raw_tp",
    "tp_btf": "tp_btf",
    "kprobe": "kprobe",
    "kretprobe": "kretprobe",
    "fentry": "fentry",
    "fexit": "fexit",
    "uprobe": "uprobe",
    "uretprobe": "uretprobe",
    "usdt": "usdt",
    "lsm": "lsm",
    "cgroup": "cgroup",
    "cgroup_skb": "cgroup",
    "socket": "socket_filter",
    "perf_event": "perf_event",
}


@cache
def opened(name: str) -> BpfObject:
    return read_object(bpf_objects.find("tracers", name).read_bytes(), name)


def leaves(obj: BpfObject, type_id: int, size: int) -> tuple[str, ...]:
    assert obj.btf is not None
    return layout.paths(Layout(obj.btf, type_id, size).leaves)


# --- the shipped entries


def test_every_domain_of_the_contract_has_a_tracer() -> None:
    assert {tracer.domain for tracer in CATALOGUE} == set(DOMAINS)


def test_every_shipped_object_belongs_to_a_variant() -> None:
    shipped = {file.name for file in bpf_objects.chosen("tracers", "")}
    assert shipped == {variant.object for _, variant in VARIANTS}


@each_variant
def test_the_object_is_named_after_tracer_and_variant(tracer: Tracer, variant: Variant) -> None:
    assert variant.object == f"{tracer.name}_{variant.name}"


@each_variant
def test_every_program_is_in_the_catalogue_and_in_the_object(tracer: Tracer, variant: Variant) -> None:
    names = [entry.program for entry in variant.attach]
    assert len(names) == len(set(names))
    assert set(names) == {program.name for program in opened(variant.object).programs}


@each_variant
def test_the_surfaces_are_those_of_the_programs(tracer: Tracer, variant: Variant) -> None:
    sections = {
        program.section.removeprefix("?").partition("/")[0].partition(".")[0]
        for program in opened(variant.object).programs
    }
    found = {SURFACE_OF[section] for section in sections}
    assert variant.surface in found
    assert set(variant.surfaces) <= found


@each_variant
def test_every_map_is_described(tracer: Tracer, variant: Variant) -> None:
    there = {one.name for one in opened(variant.object).maps}
    assert HEALTH_MAP in there
    assert there - {HEALTH_MAP} == {one.name for one in tracer.maps_of(variant.name)}


#: LRU maps that hold records of some operations only, so that nothing tells how many were pushed out: they
#: are called full when they may have been.
_PARTIAL = {("tcpconnect", "latencies")}


@each_variant
def test_what_an_lru_map_pushes_out_can_be_told(tracer: Tracer, variant: Variant) -> None:
    types = {one.name: one.type_number for one in opened(variant.object).maps}
    shown = [one for one in tracer.maps_of(variant.name) if one.shape not in ("internal", "events")]
    untold = {
        (tracer.name, one.name)
        for one in shown
        if types[one.name] in (MapType.LRU_HASH, MapType.LRU_PERCPU_HASH) and not one.kept
    }
    assert untold <= _PARTIAL


def fields(tracer: Tracer, variant: Variant) -> dict[str, tuple[set[str], set[str]]]:
    """Map -> the fields of its key and value (or event) in the object."""
    obj = opened(variant.object)
    assert obj.btf is not None
    definitions = {one.name: one for one in obj.maps}
    found = {}
    for one in tracer.maps_of(variant.name):
        if one.shape == "events":
            found[one.name] = (set[str](), set(layout.paths(layout.of_struct(obj.btf, one.event).leaves)))
            continue
        shape = definitions[one.name]
        key = leaves(obj, shape.key_type, shape.key_size)
        found[one.name] = (set(key), set(leaves(obj, shape.value_type, shape.value_size)))
    return found


@each_variant
def test_every_field_is_classified(tracer: Tracer, variant: Variant) -> None:
    for name, (key, value) in fields(tracer, variant).items():
        one = tracer.map(name)
        assert one is not None
        assert key - {field.path for field in one.key} == set(), f"keys of {name}"
        assert value - {field.path for field in one.value} == set(), f"values of {name}"


@each_tracer
def test_nothing_is_classified_that_no_variant_has(tracer: Tracer) -> None:
    there: dict[str, tuple[set[str], set[str]]] = {}
    for variant in tracer.variants:
        for name, (key, value) in fields(tracer, variant).items():
            known = there.setdefault(name, (set(), set()))
            known[0].update(key)
            known[1].update(value)
    for one in tracer.maps:
        assert {field.path for field in one.key} <= there[one.name][0], f"keys of {one.name}"
        assert {field.path for field in one.value} <= there[one.name][1], f"values of {one.name}"


@each_variant
def test_every_constant_is_explained(tracer: Tracer, variant: Variant) -> None:
    assert settings.unexplained(tracer, opened(variant.object)) == ()


@each_tracer
def test_every_constant_of_the_catalogue_is_in_an_object(tracer: Tracer) -> None:
    there = set()
    for variant in tracer.variants:
        section = opened(variant.object).data_section(".rodata")
        there |= {variable.name for variable in section.variables} if section else set()
    assert {constant.name for constant in tracer.constants} <= there


@each_tracer
def test_what_is_private_is_not_captured_in_the_clear(tracer: Tracer) -> None:
    for one in tracer.maps:
        for field in (*one.key, *one.value):
            if one.shape != "internal" and field.privacy in ("sensitive", "secret"):
                assert field.handling != "as-is", f"{one.name}.{field.path}"


@each_tracer
def test_labels_tell_the_fields_of_a_map_apart(tracer: Tracer) -> None:
    for one in tracer.maps:
        if one.shape != "internal":
            labels = [field.label for field in (*one.key, *one.value)]
            assert len(labels) == len(set(labels)), one.name


@each_tracer
def test_the_runbook_states_a_duration_that_run_takes(tracer: Tracer) -> None:
    assert settings.duration(tracer.runbook.duration, "duration") > 0


def test_maps_are_bounded() -> None:
    for _, variant in VARIANTS:
        for one in opened(variant.object).maps:
            assert 0 < one.max_entries <= 1 << 24, f"{variant.object}: {one.name}"


def test_nothing_is_pinned() -> None:
    assert not [one.name for _, v in VARIANTS for one in opened(v.object).maps if one.pinned]


# --- the schema


def entry() -> dict[str, Any]:
    path = Path(load.__file__).parent / "catalogue" / "syscalls.toml"
    return copy.deepcopy(tomllib.loads(path.read_text(encoding="utf-8")))


def test_the_example_is_valid() -> None:
    assert load.parse(entry(), "syscalls").name == "syscalls"


def changed(path: str, value: Any) -> dict[str, Any]:
    table = entry()
    *folders, last = path.split("/")
    at: Any = table
    for name in folders:
        at = at[int(name)] if name.isdigit() else at[name]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return table


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("colour", "red", "syscalls: unknown key colour"),
        ("question", None, r"syscalls\.question is missing"),
        ("question", " ", r"syscalls\.question is empty"),
        ("domain", "weather", r"syscalls\.domain is 'weather'; there are syscall, exec"),
        ("variants", [], r"syscalls\.variants needs at least 1"),
        ("variants/0/surfaces", ["telepathy"], r"variants\[0\]\.surfaces has 'telepathy'"),
        ("variants/0/needs", ["luck"], r"variants\[0\]\.needs has 'luck'"),
        ("variants/1/name", "raw_tp", "a name stands twice"),
        ("variants/0/attach/0/stability", "solid", r"attach\[0\]\.stability is 'solid'"),
        ("filters", ["phase_of_moon"], "'phase_of_moon', which is no filter and no constant"),
        ("maps/latencies/shape", "cloud", r"maps\.latencies\.shape is 'cloud'"),
        ("maps/latencies/key/nr", {}, r"maps\.latencies\.key\.nr\.class is missing"),
        ("maps/latencies/key/nr", {"class": "secret", "handling": "as-is"}, "dropped or hashed"),
        ("maps/latencies/key/nr", {"class": "sensitive", "handling": "as-is"}, "not shown as it is"),
        ("maps/latencies/key/nr", {"class": "sensitive"}, r"nr\.handling is missing"),
        ("maps/latencies/key/nr", {"class": "public", "handling": "truncated"}, "comes with `keep`"),
        ("maps/latencies/key/nr", {"class": "public", "reveal": "x"}, "revealed by no constant"),
        ("maps/latencies/event", "x", "shape `events` names its struct"),
        ("maps/latencies/variants", ["none"], "unknown none"),
        ("maps/latencies/stacks", "none", "there is no map none"),
        ("constants/target_errno/type", "wish", "'wish'; there are number"),
    ],
)
def test_a_mistake_is_named_with_its_place(path: str, value: Any, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        load.parse(changed(path, value), "syscalls")


def test_an_unknown_tracer_says_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"no tracer 'nope'; there are .*syscalls"):
        load.tracer("nope")
