# SPDX-License-Identifier: Apache-2.0
"""File `sites` of an entry: written, looked up in, refused when it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.kernels import Store
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel
from preflight.kernels.trace_sites import Site, encode, parse
from tests.kernels.builders import tiny_btf

NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)


@given(st.dictionaries(NAMES, st.sampled_from(["f", "b", "bf", "i", "l", "w"])), NAMES)
def test_every_function_is_found_and_no_other(marks: dict[str, str], other: str) -> None:
    text = encode({"ftrace"}, [Site(*one) for one in marks.items()])
    sites = parse(text)
    sites.validate()
    assert {name: sites.marks(name) for name in marks} == marks
    assert sites.marks(other) == marks.get(other, "")
    assert len(sites) == len(marks) == len(list(sites))


def test_the_parts_that_are_known_are_told() -> None:
    assert parse(encode({"kprobes", "ftrace"}, [])).parts == {"ftrace", "kprobes"}
    assert parse(encode((), [])).parts == frozenset()


def test_functions_of_modules_stand_beside_those_of_the_kernel() -> None:
    text = encode(
        {"ftrace", "modules"}, [Site("work", "f", "nf_tables"), Site("work", "b"), Site("only", "f", "ext4")]
    )
    sites = parse(text)
    sites.validate()
    assert sites.marks("work") == "b"
    assert sites.sites("work") == [Site("work", "b"), Site("work", "f", "nf_tables")]
    assert (sites.marks("only"), sites.sites("only")) == ("", [Site("only", "f", "ext4")])


def test_same_input_same_bytes() -> None:
    one, other = Site("b", "f"), Site("a", "f")
    assert encode({"ftrace"}, [one, other]) == encode({"ftrace"}, [other, one])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "is no list of trace sites"),
        (b"a f\n", "is no list of trace sites"),
        (b"#preflight.sites/2 ftrace\n", "version not known here"),
        (b"#preflight.sites/1 FTRACE\n", "version not known here"),
    ],
)
def test_another_first_line_is_refused(text: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parse(text)


@pytest.mark.parametrize(
    ("lines", "problem", "offset"),
    [
        (b"b f\na f\n", "not sorted", 30),
        (b"a f\na f\n", "not sorted", 30),
        (b"a f\nb\n", "is no NAME MARKS", 30),
        (b"a F\n", "is no NAME MARKS", 26),
        (b"a f [x] y\n", "is no NAME MARKS", 26),
        (b"\n", "is no NAME MARKS", 26),
        (b"\xff f\n", "is no NAME MARKS", 26),
    ],
)
def test_damage_is_found_with_its_place(lines: bytes, problem: str, offset: int) -> None:
    head = b"#preflight.sites/1 ftrace\n"
    with pytest.raises(InputError, match=problem) as raised:
        parse(head + lines).validate()
    assert raised.value.offset == offset


@given(st.binary(max_size=200), NAMES)
def test_no_lookup_fails_on_damage(lines: bytes, name: str) -> None:
    sites = parse(b"#preflight.sites/1 ftrace\n" + lines)
    assert isinstance(sites.marks(name), str)
    assert all(isinstance(one.name, str) for one in sites)


# --- in the catalogue


def _kernel(sites: bytes | None) -> Kernel:
    contents = Contents(Blob(data=tiny_btf()), sites=None if sites is None else Blob(data=sites))
    return Kernel(Identity("debian/6.1", "little"), contents)


@pytest.mark.parametrize("packed", [False, True])
def test_an_entry_keeps_them(store: Store, packed: bool) -> None:
    store.add(_kernel(encode({"ftrace"}, [Site("vfs_read", "f")])), packed=packed)
    kernel = store.get("debian/6.1")
    assert kernel.trace_sites is not None
    assert kernel.trace_sites.marks("vfs_read") == "f"
    assert kernel.to_dict()["known"]["trace_sites"]
    assert store.verify("debian/6.1") == []


def test_an_entry_without_them_knows_nothing(store: Store) -> None:
    store.add(_kernel(None))
    assert store.get("debian/6.1").trace_sites is None
    assert store.verify("debian/6.1") == []


def test_damaged_ones_are_not_added(store: Store) -> None:
    with pytest.raises(InputError, match="not sorted"):
        store.add(_kernel(b"#preflight.sites/1 ftrace\nb f\na f\n"))
    assert store.names() == []


def test_an_entry_with_damaged_ones_does_not_verify(store: Store) -> None:
    store.add(_kernel(encode({"ftrace"}, [Site("a", "f")])))
    path = Path(store.root / "debian/6.1/sites")
    path.write_bytes(path.read_bytes()[:-2] + b"F\n")
    problems = "; ".join(store.verify("debian/6.1"))
    assert "sites: the content is not what was recorded" in problems
    assert "is no NAME MARKS" in problems
