# SPDX-License-Identifier: Apache-2.0
"""`preflight core`: the JSON contract, exit codes, filters, bad input, and what people read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.cli.main import run
from preflight.kernels.model import Kernel
from preflight.objects.model import BpfObject
from preflight.render.contract.core import CoreResult
from tests.kernels.builders import vmlinux
from tests.predict import scenes

Core = Callable[..., tuple[int, str, str]]


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Core:
    """Runs `preflight core` on objects and kernels that are written to files first."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(objects: list[BpfObject], kernels: list[Kernel], *options: str) -> tuple[int, str, str]:
        arguments = [str(_write(tmp_path / obj.name, obj.data)) for obj in objects]
        for number, kernel in enumerate(kernels):
            data = kernel.contents.btf.data or b""
            arguments += ["--kernel", str(_write(tmp_path / f"k{number}.btf", data))]
        monkeypatch.setattr(sys, "argv", ["preflight", "core", *arguments, *options])
        code = run()
        out, err = capsys.readouterr()
        return code, out, err

    return call


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _json(core: Core, *arguments: Any) -> tuple[int, dict[str, Any]]:
    code, out, _ = core(*arguments, "--format", "json")
    result = json.loads(out)
    CoreResult.model_validate(result)
    return code, result


def test_a_reached_miss_ends_with_1_and_says_why(core: Core) -> None:
    code, result = _json(core, [scenes.reader("gone")], [scenes.kernel(["pid"])])
    (one,) = result["results"]
    (record,) = one["relocations"]
    assert code == 1
    assert one["verdict"] == "fails"
    assert one["stock_error"] is None
    assert (record["outcome"], record["reachable"], record["kind"]) == ("poisoned", "yes", "byte_off")
    assert (record["section"], record["section_insn"], record["program"]) == (scenes.SECTION, 1, "read_it")
    assert record["after"] == "850000001023ad0b"
    assert record["source"] == {"file": "read.bpf.c", "line": 12, "text": "return task->gone;"}
    assert "no member gone" in record["cause"]
    assert "bpf_core_field_exists" in record["fix"]


def test_a_guarded_miss_ends_with_0_and_names_its_guard(core: Core) -> None:
    code, result = _json(core, [scenes.reader("gone", guarded=True)], [scenes.kernel(["pid"])])
    exists, read = result["results"][0]["relocations"]
    assert code == 0
    assert (exists["outcome"], exists["reachable"]) == ("absent", "yes")
    assert (read["outcome"], read["reachable"]) == ("poisoned", "no")
    assert read["guards"][0]["condition"] == "r2 == 0"


@pytest.mark.parametrize(
    ("option", "expected"), [([], 3), (["--undecided", "ok"], 0), (["--undecided", "fail"], 1)]
)
def test_an_undecided_miss_ends_with_3_unless_asked_otherwise(
    core: Core, option: list[str], expected: int
) -> None:
    undecided = scenes.reader("gone", guarded=True, negated=True)
    code, _, err = core([undecided], [scenes.kernel(["pid"])], *option)
    assert code == expected
    assert (f"exit {code}" in err) is (code != 0)


def test_a_refusal_is_the_stock_error(core: Core) -> None:
    code, result = _json(core, [scenes.reader("pid")], [scenes.ambiguous_kernel()])
    (one,) = result["results"]
    assert code == 1
    assert one["stock_error"] == "EINVAL"
    assert one["relocations"][0]["error"] == "EINVAL"
    assert [c["match"] for c in one["relocations"][0]["candidates"]] == [True, True]


def test_one_result_per_object_kernel_and_loader(core: Core) -> None:
    kernels = [scenes.kernel(["pid"]), scenes.kernel(["x", "pid"])]
    _, result = _json(core, [scenes.reader("pid")], kernels, "--loader", "all")
    keys = [(r["object"], r["kernel"], r["loader"]) for r in result["results"]]
    assert len(keys) == len(set(keys)) == 6


def test_several_kernels_are_summed_up(core: Core) -> None:
    _, result = _json(core, [scenes.reader("pid")], [scenes.kernel(["pid"]), scenes.kernel(["x"])])
    (found,) = result["findings"]
    assert found["code"] == "PC207"
    assert [Path(name).name for name in found["data"]["stopped"]] == ["k1.btf"]
    assert "pid" in found["cause"]


def test_differing_loaders_are_one_finding_with_the_rule(core: Core) -> None:
    _, result = _json(core, [scenes.number_reader(direct=True)], [scenes.number_kernel(8)], "--loader", "all")
    (found,) = result["findings"]
    assert (found["code"], found["data"]["rule"]) == ("PC212", "resize")
    assert "task_struct.count" in found["title"]


def test_wrong_data_fails_only_when_asked(core: Core) -> None:
    scene = [scenes.number_reader()], [scenes.number_kernel(8)]
    assert core(*scene)[0] == 0
    code, out, _ = core(*scene)
    assert "PC208" in out
    assert code == 0


@pytest.mark.parametrize(
    ("only", "outcomes"), [("misses", ["poisoned"]), ("fatal", []), ("all", ["absent", "poisoned"])]
)
def test_only_chooses_what_is_listed(core: Core, only: str, outcomes: list[str]) -> None:
    _, result = _json(core, [scenes.reader("gone", guarded=True)], [scenes.kernel(["pid"])], "--only", only)
    assert [r["outcome"] for r in result["results"][0]["relocations"]] == outcomes


@pytest.mark.parametrize("options", [["--program", "nobody"], ["--type", "sock"]])
def test_filters_that_match_nothing_are_a_usage_error(core: Core, options: list[str]) -> None:
    code, out, err = core([scenes.reader("pid")], [scenes.kernel(["pid"])], *options)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize("label", ["task_struct", "struct task_struct"])
def test_a_type_is_named_with_or_without_its_keyword(core: Core, label: str) -> None:
    _, result = _json(core, [scenes.reader("gone")], [scenes.kernel(["pid"])], "--type", label)
    assert len(result["results"][0]["relocations"]) == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--loader", "bcc"],
        ["--only", "some"],
        ["--fail-on", "x"],
        ["--undecided", "x"],
        ["--format", "xml"],
        ["--module", "nfs"],
        ["--kernel", "/nonexistent.btf"],
    ],
)
def test_bad_options_are_one_line_and_2(core: Core, options: list[str]) -> None:
    code, out, err = core([scenes.reader("pid")], [scenes.kernel(["pid"])], *options)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_an_object_that_is_none_is_one_line_and_2(core: Core, tmp_path: Path) -> None:
    broken = scenes.reader("pid")
    object.__setattr__(broken, "data", broken.data[:100])
    code, out, err = core([broken], [scenes.kernel(["pid"])])
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_broken_kernel_btf_is_one_line_and_2(core: Core, tmp_path: Path) -> None:
    data = bytearray(scenes.kernel(["pid"]).contents.btf.data or b"")
    data[24 + 8 :] = b"\xff" * len(data[24 + 8 :])
    (tmp_path / "bad.btf").write_bytes(data)
    code, out, err = core([scenes.reader("pid")], [], "--kernel", str(tmp_path / "bad.btf"))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_a_kernel_image_without_btf_is_a_finding(core: Core, tmp_path: Path) -> None:
    (tmp_path / "vmlinux").write_bytes(vmlinux(btf=None))
    code, result = _json(core, [scenes.reader("pid")], [], "--kernel", str(tmp_path / "vmlinux"))
    assert code == 1
    assert result["results"][0]["stock_error"] == "ESRCH"
    assert [f["code"] for f in result["results"][0]["findings"]] == ["PC102"]


def test_an_existing_index_changes_no_answer(core: Core) -> None:
    runs = [core([scenes.reader("gone")], [scenes.kernel(["pid"])], "--format", "json")[1] for _ in range(3)]
    results = [json.loads(text)["results"] for text in runs]
    assert results[0] == results[1] == results[2]


def test_show_commands_names_the_tools(core: Core) -> None:
    _, out, _ = core([scenes.reader("pid")], [scenes.kernel(["pid"])], "--show-commands")
    assert "llvm-objdump" in out
    assert "bpftool btf dump file" in out


def test_a_hostile_object_name_stays_one_line(core: Core) -> None:
    obj = scenes.reader("gone")
    object.__setattr__(obj, "name", "a\x1b[31m\nb.o")
    _, out, _ = core([obj], [scenes.kernel(["pid"])])
    assert "\x1b" not in out
    assert "\\x1b" in out


GOLDEN = """\
error[PC201]: struct task_struct.state is not in this kernel, and the verifier reaches the access  \
[read.bpf.o on KERNEL, libbpf]
  --> read.bpf.c:12  in read_it
     12 | return task->state;
        the object expects      this kernel has
        struct task_struct {    struct task_struct {
            int state; /* 8 */      ...
        }; /* size 64 */            int __state; /* 4 */
                                }; /* size 64 */
  = cause: the kernel's struct task_struct has no member state; it has struct \
task_struct.__state (a change on record)
  = help: ask bpf_core_field_exists() before reading struct task_struct.state, and read struct \
task_struct.__state through a flavour where it is missing
        struct task_struct___new {
            __s32 __state;
        } __attribute__((preserve_access_index));

        static __always_inline __s32 get_state(struct task_struct *p)
        {
            struct task_struct___new *other = (void *)p;

            if (bpf_core_field_exists(p->state))
                return BPF_CORE_READ(p, state);
            if (bpf_core_field_exists(other->__state))
                return BPF_CORE_READ(other, __state);
            return 0;
        }
"""


def test_a_miss_reads_like_a_compiler_error(core: Core, tmp_path: Path) -> None:
    _, out, _ = core([scenes.reader("state")], [scenes.kernel(["pid", "__state"])])
    body = out.split("\n\n", 1)[1].rpartition("\nrelocations: ")[0]
    assert body.replace(str(tmp_path / "k0.btf"), "KERNEL") == GOLDEN
