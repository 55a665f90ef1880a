# SPDX-License-Identifier: Apache-2.0
"""The forms of a tracer's run: OTLP, Prometheus, folded stacks, flame graph, text, and the contract."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from preflight.errors import InputError, UsageError
from preflight.render.console import Style
from preflight.render.contract import model_of
from preflight.render.envelope import envelope
from preflight.render.flame import folded, svg
from preflight.render.otlp import buckets
from preflight.render.registry import renderers
from tests.render.test_safe import HOSTILE
from tests.tracers.results import result


def rendered(form: str, found: dict[str, Any] | None = None, **style: Any) -> str:
    return renderers("tracers run")[form](found or result(), Style(**style))


def otlp(found: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    request = json.loads(rendered("otlp", found))
    (resource,) = request["resourceMetrics"]
    (scope,) = resource["scopeMetrics"]
    return {metric["name"]: metric for metric in scope["metrics"]}


def test_the_result_keeps_the_contract() -> None:
    model_of("tracers run").model_validate_json(rendered("json"))


# --- OTLP


def test_otlp_names_the_service_and_the_interval() -> None:
    request = json.loads(rendered("otlp"))
    attributes = request["resourceMetrics"][0]["resource"]["attributes"]
    assert {"key": "service.name", "value": {"stringValue": "preflight"}} in attributes
    point = otlp()["madeup.count"]["sum"]["dataPoints"][0]
    assert int(point["timeUnixNano"]) - int(point["startTimeUnixNano"]) == 2 * 10**9


def test_an_otlp_histogram_adds_up() -> None:
    metric = otlp()["madeup.duration"]
    assert metric["unit"] == "s"
    assert metric["histogram"]["aggregationTemporality"] == 1
    for point in metric["histogram"]["dataPoints"]:
        assert len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1
        assert sum(map(int, point["bucketCounts"])) == int(point["count"])
        assert point["explicitBounds"] == sorted(set(point["explicitBounds"]))


def test_otlp_durations_are_seconds() -> None:
    point = otlp()["madeup.duration"]["histogram"]["dataPoints"][0]
    assert point["sum"] == pytest.approx(1000e-9)


def test_otlp_has_error_type_only_for_errors() -> None:
    keys = [
        {attribute["key"] for attribute in point["attributes"]}
        for point in otlp()["madeup.duration"]["histogram"]["dataPoints"]
    ]
    assert keys == [{"call.name"}, {"call.name", "error.type"}]


def test_a_counter_is_a_monotonic_sum() -> None:
    metric = otlp()["madeup.count"]
    assert metric["sum"]["isMonotonic"] is True
    assert [point["asInt"] for point in metric["sum"]["dataPoints"]] == ["9", "5"]


def test_the_health_counters_are_metrics() -> None:
    points = otlp()["preflight.tracer.events"]["sum"]["dataPoints"]
    assert {point["asInt"] for point in points} == {"20", "18", "0"}


@given(st.lists(st.integers(0, 9), min_size=40, max_size=40))
def test_bounds_rise_and_counts_stay(slots: list[int]) -> None:
    from preflight.tracers.layout import Histogram
    from preflight.tracers.present import histogram

    bounds, counts = buckets(histogram(Histogram(sum(slots), 0, tuple(slots))))
    assert bounds == sorted(set(bounds))
    assert len(counts) == len(bounds) + 1
    assert sum(counts) == sum(slots)


# --- Prometheus


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_prometheus_reads_what_is_written() -> None:
    found = families(rendered("prom"))
    assert found["madeup_duration_seconds"].type == "histogram"
    assert found["madeup_count"].type == "counter"
    assert found["preflight_tracer_events"].type == "counter"


def test_a_prometheus_histogram_is_cumulative() -> None:
    samples = families(rendered("prom"))["madeup_duration_seconds"].samples
    first = [s for s in samples if s.labels.get("call_name") == "1" and s.name.endswith("_bucket")]
    values = [sample.value for sample in first]
    assert values == sorted(values)
    assert first[-1].labels["le"] == "+Inf"
    (count,) = [s.value for s in samples if s.name.endswith("_count") and s.labels.get("call_name") == "1"]
    assert values[-1] == count == 12


@given(st.text(max_size=30))
def test_any_label_survives_prometheus(text: str) -> None:
    found = result()
    for one in found["results"]:
        if one["map"] == "counts":
            one["rows"] = [{"key": {"host": text}, "value": {"times": 1}}]
    families(rendered("prom", found))


# --- stacks


def test_folded_stacks_are_frames_and_a_weight() -> None:
    lines = folded(result(), Style()).splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["3000", "1000", "500"]
    assert all(line.startswith("sh;") for line in lines)


def test_a_flame_graph_is_svg_without_scripts() -> None:
    root = ElementTree.fromstring(svg(result(), Style()))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags == {"svg", "title", "rect", "text", "g"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]


def test_the_root_of_a_flame_graph_is_as_wide_as_all() -> None:
    root = ElementTree.fromstring(svg(result(), Style()))
    titles = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any(title and title.startswith("all: 4,500 ns (100.0 %)") for title in titles)


@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_frame_name_makes_a_flame_graph(names: list[str]) -> None:
    found = result()
    for one in found["results"]:
        if one["shape"] == "stacks":
            one["rows"] = [{"key": {"comm": "x"}, "value": {"total": 5}, "frames": names}]
    ElementTree.fromstring(svg(found, Style()))
    (line,) = folded(found, Style()).splitlines()
    assert line.endswith(" 5")


@pytest.mark.parametrize("form", ["svg", "folded"])
def test_a_tracer_without_stacks_has_no_flame_graph(form: str) -> None:
    found = result()
    found["results"] = [one for one in found["results"] if one["shape"] != "stacks"]
    with pytest.raises(UsageError, match="has no stacks"):
        rendered(form, found)


def test_an_empty_run_makes_an_empty_flame_graph() -> None:
    found = result()
    for one in found["results"]:
        one["rows"] = []
    assert "nothing was found" in svg(found, Style())
    assert folded(found, Style()) == ""


# --- text


def test_the_text_shows_every_map_and_the_health() -> None:
    text = rendered("text")
    for word in ("Latencies", "Counts", "Events", "Waits", "seen 20, exported 18", "hashed: host"):
        assert word in text


@pytest.mark.parametrize("style", [{}, {"width": 60, "color": True}, {"unicode": False}, {"verbose": 1}])
def test_the_text_has_no_control_characters(style: dict[str, Any]) -> None:
    found = result()
    for one in found["results"]:
        for row in one["rows"]:
            shown = row if one["shape"] == "events" else row["key"]
            shown["label"] = "\x1b[31mred\nnew line\u202e"
    text = rendered("text", found, **style)
    assert "red\nnew" not in text
    assert "\u202e" not in text
    assert "\x1b[31mred" not in text


# --- results from strangers


@pytest.mark.parametrize(
    ("shape", "row"),
    [
        ("histogram", {}),
        ("histogram", {"key": {}, "value": {"latency": {"count": 1}}}),
        ("histogram", {"key": {}, "value": {"latency": {"count": 1 << 80, "total": 0, "buckets": []}}}),
        ("table", {"key": {"a": {"b": 1}}, "value": {}}),
        ("stacks", {"key": {}, "value": {"total": 1}, "frames": "main"}),
        ("events", {"pid": {"nested": 1}}),
        ("events", []),
    ],
)
def test_a_row_of_another_form_is_refused(shape: str, row: Any) -> None:
    found = json.loads(rendered("json"))
    one = next(one for one in found["results"] if one["shape"] == shape)
    one["rows"] = [row]
    with pytest.raises(ValidationError):
        model_of("tracers run").model_validate(found)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_a_run_has_a_length(seconds: float) -> None:
    found = json.loads(rendered("json"))
    found["summary"]["seconds"] = seconds
    with pytest.raises(ValidationError):
        model_of("tracers run").model_validate(found)


@pytest.mark.parametrize("form", list(renderers("tracers run")))
def test_every_form_takes_a_result_that_was_read_back(form: str) -> None:
    found = model_of("tracers run").model_validate_json(rendered("json")).model_dump()
    assert rendered(form, found, verbose=1)


def test_a_time_that_is_none_is_an_input_error() -> None:
    with pytest.raises(InputError, match="is no time"):
        rendered("otlp", {**result(), "generated_at": "2026-99-99T00:00:00Z"})


# --- hostile names


def list_result(text: str) -> dict[str, Any]:
    variant = {
        "name": text,
        "surface": text,
        "surfaces": [text],
        "object": text,
        "verdict": "fails",
        "reason": text,
        "evidence": text,
        "needs": [text],
    }
    one = {
        "name": text,
        "domain": text,
        "question": text,
        "kernel": text,
        "runs": None,
        "overhead": text,
        "variants": [variant],
    }
    summary = {"sentence": text, "tracers": 1, "kernels": [text], "runs": 0, "undecided": 0, "without": 1}
    return envelope("tracers list", {**summary, "exit_code": 1}, [one])


def runbook_result(text: str) -> dict[str, Any]:
    section = {"title": text, "lines": [text]}
    left = {"found": [], "pins": [text], "undecided": [text]}
    return envelope(
        "tracers runbook",
        {"tracers": 1, "exit_code": 0},
        [{"name": text, "question": text, "sections": [section], "leftovers": left}],
    )


RESULTS = {"tracers list": list_result, "tracers runbook": runbook_result}


@pytest.mark.parametrize("command", list(RESULTS))
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_harmless_text(command: str, text: str) -> None:
    model_of(command).model_validate(RESULTS[command](text))
    page = renderers(command)["text"](RESULTS[command](text), Style(verbose=1))
    bad = [c for c in page if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert bad == []


@pytest.mark.parametrize("command", list(RESULTS))
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_no_markup(command: str, text: str) -> None:
    page = renderers(command)["markdown"](RESULTS[command](text), Style())
    outside = re.sub(r"`+[^`]*`+", "", page)
    assert set(re.findall(r"<[^>]*>?", outside)) <= {"<br>"}
