# SPDX-License-Identifier: Apache-2.0
"""What a guest tells becomes facts of its kernel."""

from __future__ import annotations

import json

import pytest

from preflight.errors import InputError
from preflight.kernels.blob import Blob
from preflight.kernels.facts_file import kernel_of
from preflight.kernels.model import Contents, Identity, Kernel
from preflight.lab import facts
from preflight.lab.results import KernelRun
from tests.kernels.builders import tiny_btf

KERNEL = Kernel(
    Identity("debian/x", "little", release="6.99"),
    Contents(btf=Blob(data=tiny_btf()), symbols=Blob(data=b"T old\n")),
)


def run(**found: bytes) -> KernelRun:
    return KernelRun("debian/x", "booted", release="6.99", facts=found, modules={"md_mod": "ok", "zfs": "no"})


def test_symbols_events_and_functions_are_the_guests() -> None:
    kernel = facts.enriched(
        KERNEL,
        run(
            kallsyms=b"T start_kernel\nt md_flush\t[md_mod]\n",
            available_events=b"sched:sched_switch\nbpf_trace:x\n",
            available_filter_functions=b"vfs_read\nmd_flush [md_mod]\n",
        ),
    )
    assert kernel.symbols == {"start_kernel": "T", "md_flush": "t"}
    assert kernel.tracepoints == {"sched:sched_switch", "bpf_trace:x"}
    assert kernel.available_filter_functions == {"vfs_read", "md_flush"}


def test_the_loaded_modules_are_named_once() -> None:
    once = facts.enriched(KERNEL, run())
    twice = facts.enriched(once, run())
    assert twice.provenance.notes == once.provenance.notes
    assert once.provenance.notes[0].endswith("these modules loaded: md_mod")


def test_what_the_guest_did_not_tell_stays() -> None:
    kernel = facts.enriched(KERNEL, run())
    assert kernel.symbols == {"old": "T"}
    assert kernel.tracepoints is None


def test_event_ids() -> None:
    text = "/sys/kernel/tracing/events/sched/sched_switch/id:314\ngarbage\n/x/events/a/b/id:no\n"
    assert facts.event_ids(text) == {"sched:sched_switch": 314}


def test_event_formats_without_the_common_fields() -> None:
    text = (
        "name: sched_switch\nID: 314\nformat:\n"
        "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
        "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
        'print fmt: "x"\n'
    )
    assert facts.event_formats(text) == {314: ["char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;"]}


def test_settings_by_file() -> None:
    text = "proc/filesystems: nodev\tbpf\nproc/filesystems: \text4\nno colon\n"
    assert facts.settings(text) == {"proc/filesystems": ["nodev\tbpf", "\text4"]}


def test_observations_survive_a_feature_probe_that_is_no_json() -> None:
    told = facts.observations(run(features=b"Error: {", system=b"a: b\n"))
    assert told["bpftool_features"] is None
    assert told["system"] == {"a": ["b"]}


def test_the_facts_file_stands_for_the_kernel_with_what_its_boot_told() -> None:
    done = run(kallsyms=b"0000000000000000 T start_kernel\n", available_events=b"sched:sched_switch\n")
    kernel = facts.enriched(KERNEL, done)
    text = json.dumps(facts.document(kernel, done, "2026-11-22T12:00:00Z"))
    found = kernel_of(json.loads(text), "facts.json")
    assert (found.btf_sha256, found.symbols) == (KERNEL.btf_sha256, {"start_kernel": "T"})
    assert found.tracepoints == frozenset({"sched:sched_switch"})
    assert json.loads(text)["host"] is None


def test_of_the_modules_only_the_loaded_ones_travel_along() -> None:
    modules = {"md_mod": Blob(data=tiny_btf()), "zfs": Blob(data=tiny_btf())}
    kernel = Kernel(KERNEL.identity, Contents(Blob(data=tiny_btf()), modules=modules))
    found = kernel_of(facts.document(kernel, run(), "2026-11-22T12:00:00Z"), "facts.json")
    assert found.modules == frozenset({"md_mod"})


@pytest.mark.parametrize("damaged", [b"{", b"[]", b'{"btf": 7}'])
def test_host_facts_that_cannot_be_read_are_an_input_error(damaged: bytes) -> None:
    with pytest.raises(InputError, match="the host facts of debian/x"):
        facts.host_facts(run(host=damaged))
