# SPDX-License-Identifier: Apache-2.0
"""`preflight predict`: the JSON contract, exit codes, identical kernels, and hostile names."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.cli.main import run
from preflight.kernels.model import Kernel
from preflight.kernels.store import Store
from preflight.objects.model import BpfObject
from preflight.render.contract.predict import PredictResult
from tests.cli.run import preflight
from tests.predict.cases_load import HASH
from tests.predict.worlds import program, world

Predict = Callable[..., tuple[int, str, str]]
GOOD = world(symbols=["T work"], tracepoints={"made": 1})


@pytest.fixture
def predict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Predict:
    """Runs `preflight predict` on an object and kernels that a catalogue holds."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(obj: BpfObject, kernels: dict[str, Kernel], *options: str) -> tuple[int, str, str]:
        store = Store(tmp_path / "store")
        for name, kernel in kernels.items():
            store.add(kernel, name)
        path = tmp_path / obj.name
        path.write_bytes(obj.data)
        words = [word for name in kernels for word in ("--kernel", name)]
        arguments = [str(path), *words, "--store", str(store.root), *options]
        monkeypatch.setattr(sys, "argv", ["preflight", "predict", *arguments])
        code = run()
        out, err = capsys.readouterr()
        return code, out, err

    return call


def _json(predict: Predict, *arguments: Any) -> tuple[int, dict[str, Any]]:
    code, out, _ = predict(*arguments, "--format", "json")
    result = json.loads(out)
    PredictResult.model_validate(result)
    return code, result


def test_what_nothing_stops_ends_with_0(predict: Predict) -> None:
    code, result = _json(predict, program("kprobe/work"), {"good": GOOD})
    (one,) = result["results"]
    (made,) = one["programs"]
    assert code == 0
    assert (one["kernel"], one["evidence"], one["verdict"]) == ("good", "predicted", "loads")
    assert (made["name"], made["section"], made["attach"]) == ("made", "kprobe/work", "ok")


def test_what_cannot_attach_ends_with_1_and_names_its_cause(predict: Predict) -> None:
    code, result = _json(predict, program("kprobe/gone"), {"good": GOOD})
    (cause,) = result["summary"]["causes"]
    assert code == 1
    assert (cause["code"], cause["cells"], cause["kernels"]) == ("PC503", 1, ["good"])


@pytest.mark.parametrize(
    ("section", "kernel", "options", "verdict", "mark", "sentence"),
    [
        ("kprobe/work", GOOD, [], "ok", "✓", "nothing known stops it from loading"),
        ("kprobe/gone", GOOD, [], "fails", "✗", "…, but it cannot be attached as a whole"),
        (
            "kprobe/work",
            world(symbols=None),
            [],
            "unknown",
            "?",
            "…; whether it can be attached as a whole is open",
        ),
        ("raw_tp/made", GOOD, [{**HASH, "max_entries": 0}], "ok", "✓", "nothing known stops it from loading"),
    ],
)
def test_the_first_line_says_what_the_exit_code_says(
    predict: Predict,
    section: str,
    kernel: Kernel,
    options: list[Any],
    verdict: str,
    mark: str,
    sentence: str,
) -> None:
    obj = program(section, maps=options)
    whole = sentence.replace("…", "nothing known stops it from loading")
    code, result = _json(predict, obj, {"k": kernel})
    assert (result["summary"]["verdict"], result["summary"]["sentence"]) == (verdict, whole)
    _, out, err = predict(obj, {"k": kernel}, "--format", "text")
    assert f"\n{mark} {whole}\n" in out
    assert err == (f"exit {code}: {whole}\n" if code else "")


def test_as_it_is_the_first_line_is_about_the_object_as_it_is(predict: Predict) -> None:
    open_map = program("raw_tp/made", maps=[{**HASH, "max_entries": 0}])
    _, result = _json(predict, open_map, {"k": GOOD}, "--judge", "as-is")
    assert result["summary"]["verdict"] == "fails"
    assert result["summary"]["sentence"] == "it does not load as it is"


@pytest.mark.parametrize(("option", "expected"), [([], 3), (["--undecided", "ok"], 0)])
def test_an_open_question_ends_with_3_unless_asked_otherwise(
    predict: Predict, option: list[str], expected: int
) -> None:
    code, _, _ = predict(program("kprobe/work"), {"bare": world(symbols=None)}, *option)
    assert code == expected


@pytest.mark.parametrize(("judge", "expected"), [("adjusted", 0), ("as-is", 1)])
def test_what_user_space_sets_fails_only_as_it_is(predict: Predict, judge: str, expected: int) -> None:
    open_map = program("raw_tp/made", maps=[{**HASH, "max_entries": 0}])
    code, result = _json(predict, open_map, {"good": GOOD}, "--judge", judge)
    (one,) = result["results"]
    assert code == expected
    assert (one["verdict"], one["adjusted_verdict"], one["open"]) == (
        "fails",
        "loads",
        ["map map0: its size"],
    )


def test_identical_kernels_get_the_same_answer_under_their_own_names(predict: Predict) -> None:
    _, result = _json(predict, program("kprobe/gone"), {"one": GOOD, "two": GOOD})
    assert [one["kernel"] for one in result["results"]] == ["one", "two"]
    first, second = ({**one, "kernel": ""} for one in result["results"])
    assert first == second


def test_identical_columns_are_shown_once(predict: Predict) -> None:
    _, out, _ = predict(program("kprobe/gone"), {"one": GOOD, "two": GOOD})
    assert "one (+1 alike)" in out


def test_an_unknown_judge_is_a_usage_error(predict: Predict) -> None:
    assert predict(program("xdp"), {"good": GOOD}, "--judge", "best")[0] == 2


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_hostile_names_do_not_reach_the_terminal(predict: Predict, form: str) -> None:
    hostile = program("kprobe/w\x1b]0;title\x07ork|<script>`")
    _, out, _ = predict(hostile, {"good": GOOD}, "--format", form, "-v")
    assert "\x1b" not in out
    assert "\x07" not in out
    if form == "markdown":
        assert "<script>" not in out


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_predictions_for_this_host_say_that_the_machine_may_refuse_them(form: str, tmp_path: Path) -> None:
    """This machine may refuse with EPERM what its kernel takes: the page names the command that tries."""
    if not Path("/sys/kernel/btf/vmlinux").exists():
        pytest.skip("this kernel has no BTF")
    path = tmp_path / "made.bpf.o"
    path.write_bytes(program("xdp").data)
    here = preflight("predict", str(path), "--kernel", "host", "--format", form).stdout.decode()
    assert "preflight check OBJECT" in " ".join(here.replace("\\", "").split())


def test_predictions_for_other_kernels_do_not(predict: Predict) -> None:
    _, result = _json(predict, program("kprobe/work"), {"good": GOOD})
    assert result["summary"]["notes"] == []
