# SPDX-License-Identifier: Apache-2.0
"""What the tables of a kernel's image say about attaching: ftrace's locations and the kprobe blacklist."""

from __future__ import annotations

import pytest

from preflight.kernels import trace_sites
from preflight.kernels.blob import Blob
from preflight.kernels.model import Contents, Identity, Kernel
from preflight.predict.attach_sites import module_hook
from preflight.predict.kernel_facts import KernelFacts
from preflight.predict.target import KernelTarget
from preflight.predict.verdict import predict
from tests.btfwriter import BtfWriter
from tests.predict.worlds import CONFIG, findings, program, world

GUARDED = ["t within_notrace_func"]


def _codes(section: str, kernel: Kernel) -> list[tuple[str, str]]:
    found = findings(program(section), kernel)
    return [(one.code, one.verdict.value) for one in found if one.code.startswith("PC50")]


@pytest.mark.parametrize(
    ("letter", "marks", "expected"),
    [
        ("t", "f", []),
        ("T", "f", []),
        ("t", "bf", []),
        ("t", "", [("PC507", "missing")]),
        ("T", "", [("PC507", "missing")]),
        ("t", "b", [("PC507", "missing")]),
        ("t", "i", [("PC507", "missing")]),
        ("t", "l", [("PC507", "missing")]),
        ("t", "w", [("PC507", "unknown")]),
    ],
)
@pytest.mark.parametrize("section", ["fentry/work", "fexit/work"])
def test_fentry_needs_a_location_at_the_entry(
    section: str, letter: str, marks: str, expected: list[tuple[str, str]]
) -> None:
    kernel = world(functions=["work"], symbols=[f"{letter} work"], sites={"work": marks} if marks else {})
    assert _codes(section, kernel) == expected


def test_a_static_function_stays_open_where_no_table_was_read() -> None:
    assert _codes("fentry/work", world(functions=["work"], symbols=["t work"])) == [("PC507", "unknown")]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("f", []),
        ("w", []),
        ("", [("PC507", "missing")]),
        ("b", [("PC505", "missing")]),
        ("bf", [("PC505", "missing")]),
        ("i", [("PC505", "missing")]),
    ],
)
def test_a_kprobe_needs_a_location_anywhere_and_no_blacklist(
    marks: str, expected: list[tuple[str, str]]
) -> None:
    kernel = world(functions=["work"], symbols=["t work", *GUARDED], sites={"work": marks} if marks else {})
    assert _codes("kprobe/work", kernel) == expected


def test_a_split_function_is_probed_when_its_whole_has_a_location() -> None:
    symbols = ["t work", "t work.part.0", *GUARDED]
    assert _codes("kprobe/work.part.0", world(symbols=symbols, sites={"work": "f"})) == []
    assert _codes("kprobe/work.part.0", world(symbols=symbols, sites={})) == [("PC507", "missing")]


@pytest.mark.parametrize(
    ("symbols", "config", "expected"),
    [
        ([], {"CONFIG_KPROBE_EVENTS_ON_NOTRACE": "y"}, []),
        ([], {"CONFIG_DYNAMIC_FTRACE": "n"}, []),
        ([], {"CONFIG_KPROBES_ON_FTRACE": "y", "CONFIG_DYNAMIC_FTRACE": "y"}, [("PC507", "missing")]),
        ([], {"CONFIG_DYNAMIC_FTRACE": "y"}, [("PC507", "unknown")]),
        (GUARDED, {}, [("PC507", "missing")]),
    ],
)
def test_whether_kprobe_events_ask_ftrace_is_the_kernels_own(
    symbols: list[str], config: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    kernel = world(symbols=["t work", *symbols], config={**CONFIG, **config}, sites={})
    assert _codes("kprobe/work", kernel) == expected


def test_an_alias_that_tracefs_does_not_name_has_a_hook() -> None:
    """Of the symbols at one address available_filter_functions shows the first."""
    kernel = world(
        functions=["alias"],
        symbols=["T work", "T alias"],
        filter_functions=["work"],
        sites={"work": "f", "alias": "f"},
    )
    assert _codes("fentry/alias", kernel) == []
    assert _codes("fentry/alias", world(functions=["alias"], symbols=["T alias"], filter_functions=["work"]))


def test_a_module_s_function_that_tracefs_lists_is_not_judged_by_the_image() -> None:
    kernel = world(functions=["work"], symbols=["t work"], filter_functions=["work"], sites={})
    assert _codes("fentry/work", kernel) == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("work", []),
        ("wo*", []),
        ("later", []),
        ("plain", [("PC503", "missing")]),
        ("p*", [("PC503", "missing")]),
    ],
)
def test_patterns_match_what_ftrace_can_hook(pattern: str, expected: list[tuple[str, str]]) -> None:
    kernel = world(
        symbols=["t work", "t plain", "t later", "t later"],
        config={**CONFIG, "CONFIG_FPROBE": "y"},
        sites={"work": "f", "plain": "b", "later": "l"},
    )
    found = _codes(f"kprobe.multi/{pattern}", kernel)
    assert [one for one in found if one[1] == "missing"] == expected


def test_a_placeholder_that_the_kernel_has_is_judged_as_any_function() -> None:
    kernel = world(functions=["dummy_handler"], symbols=["t dummy_handler", "t dummy_handler"], sites={})
    assert _codes("fentry/dummy_handler", kernel) == [("PC507", "missing")]


TRAMPOLINES = ["T bpf_check", "T bpf_trampoline_link_prog", "T register_ftrace_direct"]


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        ([*TRAMPOLINES, "T arch_prepare_bpf_trampoline"], []),
        ([*TRAMPOLINES, "W arch_prepare_bpf_trampoline"], [("PC501", "missing")]),
        (["T bpf_check"], [("PC501", "missing")]),
        ([*TRAMPOLINES[:2], "T arch_prepare_bpf_trampoline"], [("PC501", "missing")]),
        (TRAMPOLINES, []),
        ([], []),
    ],
    ids=["all", "not on this architecture", "no JIT", "no direct calls", "not shown", "no list"],
)
def test_fentry_needs_trampolines(symbols: list[str], expected: list[tuple[str, str]]) -> None:
    kernel = world(functions=["work"], symbols=["t work", *symbols], sites={"work": "f"})
    assert _codes("fentry/work", kernel) == expected


@pytest.mark.parametrize("section", ["fentry/work", "fexit/work", "fmod_ret/work", "lsm/work"])
def test_without_the_jit_nothing_for_functions_loads(section: str) -> None:
    functions = ["work", "bpf_lsm_work"]
    kernel = world(functions=functions, symbols=["t work", "t bpf_lsm_work", "T bpf_check"])
    found = findings(program(section), kernel)
    assert [one.title for one in found if one.code == "PC402" and "the BPF JIT" in one.title]
    whole = world(functions=functions, symbols=["t work", "t bpf_lsm_work", *TRAMPOLINES])
    assert not any("JIT" in one.title for one in findings(program(section), whole))


def test_tp_btf_and_iterators_need_no_trampoline() -> None:
    kernel = world(functions=["work"], tracepoints={"made": 1}, symbols=["T bpf_check"])
    assert not any("JIT" in one.title for one in findings(program("tp_btf/made"), kernel))


def _with_module(
    marks: dict[tuple[str, str], str], *, parts: tuple[str, ...] = ("ftrace", "modules")
) -> KernelFacts:
    """A kernel with function `own`, and a loaded module with `work` and `own`."""
    base = BtfWriter()
    number = base.int("long", 8)
    proto = base.func_proto(number, [])
    base.func("own", proto)
    split = BtfWriter(base=base)
    for name in ("work", "own"):
        split.func(name, split.func_proto(number, []))
    sites = [trace_sites.Site(name, marks[name, module], module) for name, module in marks]
    contents = Contents(
        Blob(data=base.bytes()),
        modules={"nf": Blob(data=split.bytes())},
        symbols=Blob(data=b"T own\nT other\n"),
        sites=Blob(data=trace_sites.encode(parts, sites)),
    )
    return KernelFacts(KernelTarget(Kernel(Identity("made", "little", arch="x86_64"), contents), ("nf",)))


@pytest.mark.parametrize(
    ("marks", "there"),
    [
        ({("work", "nf"): "f"}, True),
        ({("work", "xfs"): "f"}, False),
        ({("work", ""): "f"}, False),
        ({}, False),
    ],
    ids=["hooked", "in another module", "in the kernel", "nowhere"],
)
def test_functions_of_loaded_modules_have_hooks_of_their_own(
    marks: dict[tuple[str, str], str], there: bool
) -> None:
    answer = module_hook(_with_module(marks), "work")
    assert answer is not None
    assert answer.there is there


def test_a_module_says_nothing_of_the_kernel_s_functions_nor_without_its_file() -> None:
    assert module_hook(_with_module({("own", "nf"): "f"}), "own") is None
    assert module_hook(_with_module({}), "absent") is None
    assert module_hook(_with_module({("work", "nf"): "f"}, parts=("ftrace",)), "work") is None


@pytest.mark.parametrize(
    ("marks", "parts", "expected"),
    [
        ({("work", "nf"): "f"}, ("ftrace", "modules"), []),
        ({}, ("ftrace", "modules"), ["unknown"]),
        ({}, ("ftrace",), ["unknown"]),
    ],
    ids=["still there", "gone after its start, or never traceable", "the module's file was not read"],
)
def test_a_module_s_function_loads_only_where_the_module_still_has_it(
    marks: dict[tuple[str, str], str], parts: tuple[str, ...], expected: list[str]
) -> None:
    found = predict(program("fentry/work"), _with_module(marks, parts=parts)).all_findings
    assert [one.verdict.value for one in found if one.code == "PC412"] == expected


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("kretprobe/work", []),
        ("kretprobe/work+0", []),
        ("kretprobe/work+4", [("PC503", "missing")]),
        ("uretprobe//bin/true:main", []),
        ("uretprobe//bin/true:main+4", [("PC503", "missing")]),
    ],
)
def test_return_probes_take_no_offset(section: str, expected: list[tuple[str, str]]) -> None:
    kernel = world(symbols=["work"], config=CONFIG)
    found = [one for one in _codes(section, kernel) if one[0] == "PC503"]
    assert found == expected
