# SPDX-License-Identifier: Apache-2.0
"""The facts file: what is in it, what it reads back as, and what never gets into it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from preflight.errors import UsageError
from preflight.fleet.document import facts_document, keyed, parse_labels, without_nulls
from preflight.fleet.policy import UNKNOWN, policy_class, policy_digest
from preflight.host.checks.runner import run_checks
from preflight.host.codec import facts_from_dict, facts_to_dict
from preflight.host.facts import HostFacts
from preflight.kernels.blob import Blob
from preflight.kernels.facts_file import kernel_of
from preflight.kernels.model import Kernel
from tests.host.areas_builder import btf, context, host, policy, privilege, resources
from tests.predict.worlds import world

SYMBOLS = "ffffffff81000000 T _stext\nffffffffc0000000 t bpf_prog_secretname [bpf]\n"


@pytest.fixture
def facts() -> HostFacts:
    return host(context=context(), btf=btf(), privilege=privilege(), policy=policy(), resources=resources())


def made(facts: HostFacts, kernel: Kernel | None = None, **options: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "tool": {"name": "preflight", "version": "0"},
        "collected_at": "2026-01-01T00:00Z",
        "labels": {},
        **options,
    }
    document = facts_document(facts, run_checks(facts), kernel or world(), **given)
    loaded: dict[str, Any] = json.loads(json.dumps(document))
    return loaded


def with_symbols(text: str) -> Kernel:
    kernel = world()
    return Kernel(
        kernel.identity, replace(kernel.contents, symbols=Blob(data=text.encode())), kernel.provenance
    )


def test_the_facts_read_back_as_they_were(facts: HostFacts) -> None:
    assert facts_from_dict(made(facts)["host"]) == facts


def test_leaving_out_nulls_loses_nothing(facts: HostFacts) -> None:
    assert facts_from_dict(without_nulls(facts_to_dict(facts))) == facts
    assert without_nulls({"a": [None, {"b": None, "c": 0}]}) == {"a": [None, {"c": 0}]}


def test_with_btf_the_file_stands_for_the_kernel(facts: HostFacts) -> None:
    kernel = world(functions=["tcp_close"])
    read = kernel_of(made(facts, kernel, with_btf=True), "facts.json")
    assert read.btf_sha256 == kernel.btf_sha256


def test_without_btf_only_its_digest_travels(facts: HostFacts) -> None:
    kernel = world(functions=["tcp_close"])
    document = made(facts, kernel)
    assert document["kernel"]["btf_sha256"] == kernel.btf_sha256
    assert "xz" not in document["kernel"]["contents"]["vmlinux.btf"]


def test_a_host_without_btf_has_a_facts_file_too(facts: HostFacts) -> None:
    document = facts_document(
        facts, [], None, tool={}, collected_at="2026-01-01T00:00Z", labels={}, host_key=None
    )
    assert document["kernel"] is None and document["config"] is None


def test_symbols_are_a_digest_of_names_that_reboots_and_loaded_programs_do_not_change(
    facts: HostFacts,
) -> None:
    moved = SYMBOLS.splitlines()[0].replace("81", "9a")
    digests = {
        made(facts, with_symbols(text))["kernel"]["contents"]["symbols"]["sha256"]
        for text in (SYMBOLS, moved)
    }
    assert len(digests) == 1


def test_no_address_and_no_loaded_program_gets_in(facts: HostFacts) -> None:
    text = json.dumps(made(facts, with_symbols(SYMBOLS)))
    assert "ffffffff81000000" not in text and "secretname" not in text


def test_one_policy_has_one_digest_and_another_has_another(facts: HostFacts) -> None:
    assert facts.context is not None
    same, other = policy_class(facts), policy_class(replace(facts, context=None))
    assert policy_digest(same) == policy_digest(policy_class(facts))
    assert other["container"] == UNKNOWN
    assert policy_digest(same) != policy_digest(other)


def test_labels_are_key_and_value() -> None:
    assert parse_labels(["zone=a b", "tier/x=1"]) == {"zone": "a b", "tier/x": "1"}


@pytest.mark.parametrize("text", ["zone", "=x", "-a=b", "a=\x1b[31m", "a=" + "x" * 129, "a" * 64 + "=b"])
def test_what_is_no_label_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_labels([text])


def test_a_label_given_twice_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="twice"):
        parse_labels(["a=1", "a=2"])


def test_a_keyed_hash_depends_on_both_and_shows_neither() -> None:
    names = {keyed(b"one\n", b"k" * 16), keyed(b"two\n", b"k" * 16), keyed(b"one\n", b"K" * 16)}
    assert len(names) == 3
    assert keyed(b"one", b"k" * 16) == keyed(b"one\n", b"k" * 16)
