# SPDX-License-Identifier: Apache-2.0
"""Which formats each command's result can be rendered in: command -> format -> renderer.

A renderer takes the JSON contract's object and a Style and returns text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from preflight.render.console import Style

Renderer = Callable[[Mapping[str, Any], Style], str]

#: command -> format -> "module:function"; the first format is the default.
_TABLE: dict[str, dict[str, str]] = {
    "check": {
        "text": "text_check:render",
        "json": "json_:render_styled",
        "markdown": "markdown:render_check",
        "html": "html:render_check",
        "prom": "prom_check:render",
        "nfd": "nfd:render",
        "ansible": "ansible:render",
    },
    "predict": {
        "text": "text_predict:render",
        "json": "json_:render_styled",
        "jsonl": "predict_lines:render_jsonl",
        "csv": "predict_lines:render_csv",
        "markdown": "markdown_predict:render",
        "html": "predict_html:render",
    },
    "matrix": {
        "text": "matrix_text:render",
        "json": "json_:render_styled",
        "jsonl": "matrix_lines:render_jsonl",
        "csv": "matrix_lines:render_csv",
        "markdown": "matrix_markdown:render",
        "html": "matrix_html:render",
    },
    "fleet": {
        "text": "fleet_text:render",
        "json": "json_:render_styled",
        "csv": "fleet_lines:render",
        "markdown": "fleet_markdown:render",
        "html": "fleet_html:render",
        "prom": "prom_fleet:render",
    },
    "fleet diff": {
        "text": "fleet_text:render_diff",
        "json": "json_:render_styled",
        "csv": "fleet_lines:render_diff",
        "markdown": "fleet_markdown:render_diff",
        "html": "fleet_html:render_diff",
        "prom": "prom_fleet:render_diff",
    },
    "core": {
        "text": "text_core:render",
        "json": "json_core:render",
        "markdown": "markdown_core:render",
    },
    "log": {
        "text": "text_log:render",
        "json": "json_:render_styled",
        "markdown": "markdown_log:render",
        "html": "log_html:render",
        "sarif": "log_problems:render_sarif",
        "github": "log_problems:render_github",
    },
    "gate": {
        "text": "text_gate:render",
        "json": "json_:render_styled",
        "markdown": "markdown_gate:render",
        "junit": "junit:render",
        "sarif": "gate_problems:render_sarif",
        "github": "gate_problems:render_github",
        "veristat": "gate_csv:render",
    },
    "tracers lint": {
        "text": "lint_problems:render_text",
        "json": "json_:render_styled",
        "markdown": "lint_problems:render_markdown",
        "sarif": "lint_problems:render_sarif",
        "github": "lint_problems:render_github",
    },
    "tracers list": {
        "text": "text_tracers:render_list",
        "json": "json_:render_styled",
        "markdown": "markdown_tracers:render_list",
    },
    "tracers show": {"text": "text_tracers:render_show", "json": "json_:render_styled"},
    "tracers run": {
        "text": "text_tracers:render_run",
        "json": "json_:render_styled",
        "otlp": "otlp:render",
        "prom": "prom_tracers:render",
        "folded": "flame:folded",
        "svg": "flame:svg",
    },
    "tracers runbook": {
        "text": "text_tracers:render_runbook",
        "json": "json_:render_styled",
        "markdown": "markdown_tracers:render_runbook",
    },
    "lab boot": {"text": "text_lab:render", "json": "json_:render_styled"},
    "lab probe": {"text": "text_lab:render", "json": "json_:render_styled"},
    "lab run": {"text": "text_lab:render", "json": "json_:render_styled"},
    "lab score": {
        "text": "text_score:render",
        "json": "json_:render_styled",
        "markdown": "markdown_score:render",
        "html": "html_score:render",
    },
}

#: (command, format) of files that another user's daemon reads: node_exporter, nfd-worker. Others are private.
_PUBLIC = frozenset({("check", "prom"), ("check", "nfd"), ("fleet", "prom"), ("fleet diff", "prom")})


def mode(command: str, form: str) -> int:
    """The mode of a file in this format: these four say which checks pass, nothing about a user."""
    return 0o644 if (command, form) in _PUBLIC else 0o600


def commands() -> list[str]:
    """Commands whose results can be rendered."""
    return list(_TABLE)


def renderers(command: str) -> dict[str, Renderer]:
    """The renderers of a command's result, by format name; the modules are loaded when used."""
    return {name: _deferred(target) for name, target in _TABLE[command].items()}


def _deferred(target: str) -> Renderer:
    module, function = target.split(":")

    def render(result: Mapping[str, Any], style: Style) -> str:
        chosen: Renderer = getattr(import_module(f"preflight.render.{module}"), function)
        return chosen(result, style)

    return render
