# SPDX-License-Identifier: Apache-2.0
"""One HTML file per result: no network, usable without JavaScript, legible without CSS.

The page carries its own Content-Security-Policy with the hashes of its one style sheet
and one script, so nothing that slipped through escaping could run. The same JSON gives
the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from preflight.render import json_
from preflight.render.console import VERDICT_MARKS, Style
from preflight.render.order import QUIET, problems, worst_first
from preflight.render.safe import safe_text

if TYPE_CHECKING:
    from jinja2 import Environment

#: Largest JSON shown in the folded appendix; beyond it the page names the size instead.
EMBED_LIMIT = 4_000_000


@cache
def _asset(name: str) -> str:
    return (resources.files("preflight.render") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """A CSP source expression for an inline element with exactly this text."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def content_security_policy(style: str, script: str) -> str:
    """The policy of the page: nothing but its own style sheet and script."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _mark(verdict: str) -> str:
    return VERDICT_MARKS.get(verdict, ("-", "-", ""))[0]


def _slug(*parts: object) -> str:
    """A fragment identifier from a code and a subject: readable, and unique through a digest."""
    raw = "/".join(str(p) for p in parts if p)
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in raw)[:60]
    return f"{plain}-{hashlib.sha256(raw.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def environment() -> Environment:
    """The template environment: all is escaped, undefined names are errors, templates only ours."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("preflight.render", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["safe_text"] = safe_text
    env.filters["mark"] = _mark
    env.globals["slug"] = _slug
    return env


def page(
    template: str,
    result: Mapping[str, Any],
    *,
    styles: tuple[str, ...] = ("page.css",),
    scripts: tuple[str, ...] = ("page.js",),
    external: tuple[str, str] | None = None,
    embed: bool = True,
    embed_limit: int | None = None,
    **context: Any,
) -> str:
    """Render a template around a result of the JSON contract.

    `styles` and `scripts` are assets, put into the page one after the other. With `external` the page
    names these two files (style sheet, script) beside it instead of holding them. Without `embed`
    the result itself is left out of the appendix; `embed_limit` (EMBED_LIMIT) bounds its size there.
    """
    style, script = assets(styles), assets(scripts)
    limit = EMBED_LIMIT if embed_limit is None else embed_limit
    embedded = json_.render(result) if embed else ""
    return (
        environment()
        .get_template(template)
        .render(
            result=result,
            style=style,
            script=script,
            external=external,
            policy=FOLDER_POLICY if external else content_security_policy(style, script),
            embed=embed,
            embedded=embedded if len(embedded) <= limit else None,
            embedded_size=len(embedded),
            **context,
        )
    )


#: The policy of a page whose style sheet and script are files beside it.
FOLDER_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)


def assets(names: tuple[str, ...]) -> str:
    """The text of several assets, one after the other."""
    return "".join(_asset(name) for name in names)


def render_check(result: Mapping[str, Any], style: Style) -> str:
    """The host page of `preflight check`."""
    records = worst_first(result["results"])
    areas: dict[str, list[Mapping[str, Any]]] = {}
    for record in sorted(records, key=lambda r: str(r["code"])):
        areas.setdefault(_area(record), []).append(record)
    grouped = [
        {
            "name": name,
            "records": worst_first(items),
            "open": sum(r["verdict"] not in QUIET for r in items),
        }
        for name, items in areas.items()
    ]
    found = problems(result["results"])
    return page(
        "host.html",
        result,
        title="Host preflight",
        areas=grouped,
        first=[r for r in found if r["severity"] != "info"][:5],
        quiet=QUIET,
        helpers=_helper_table(result.get("helpers")),
    )


#: Reading order of the helper table's columns; states of a later version follow.
_HELPER_STATES = ("usable", "not-for-type", "unknown-to-kernel", "denied", "inconclusive")


def _helper_table(helpers: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The letters of the helper table spelled out: names by state for each way of loading."""
    if not helpers:
        return None
    letters, names = helpers["letters"], helpers["names"]
    rows = []
    for row in helpers["rows"]:
        by_state: dict[str, list[str]] = {state: [] for state in letters.values()}
        for name, letter in zip(names, row["states"], strict=False):
            if name and letter in letters:
                by_state[letters[letter]].append(f"bpf_{name}")
        rows.append({**row, "names": by_state})
    known = [state for state in _HELPER_STATES if state in letters.values()]
    return {"states": known + sorted({*letters.values()} - {*known}), "rows": rows}


def _area(record: Mapping[str, Any]) -> str:
    from preflight.findings.registry import codes

    code = codes().get(str(record["code"]))
    area = code.area if code else "other"
    return "BTF" if area == "btf" else area[:1].upper() + area[1:]
