# SPDX-License-Identifier: Apache-2.0
"""The pages of `preflight fleet`: what stops most hosts, the matrix of their kernels, and who is affected;
with `--diff`, what became of the hosts.

Every number is taken from the result as it is; tables that grow with the fleet are cut, and say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render import html, matrix_html
from preflight.render.console import Style

#: Rows of one table.
_ROWS = 500
#: Bytes of the result that the page carries along: of a large fleet it is better kept as a file.
_EMBED = 1_000_000
#: Values of each label that lead down to kernels, objects and causes.
_DRILLED = 40
#: Command -> style sheets and scripts of its page.
_ASSETS = {
    "fleet": (matrix_html.STYLES, matrix_html.SCRIPTS),
    "fleet diff": (("page.css",), ("page.js",)),
}


def render(result: Mapping[str, Any], style: Style, *, embed: bool = True) -> str:
    """The page as one file. The result's matrix is shown as `preflight matrix` shows one."""
    return _page(result, None, embed)


def folder(result: Mapping[str, Any], *, embed: bool = True) -> list[tuple[str, str]]:
    """The page of a fleet or of a difference, with style sheet and script as files: (name, text)."""
    styles, scripts = _ASSETS[result["command"]]
    files = (matrix_html.STYLE, matrix_html.SCRIPT)
    page = _diff_page if result["command"] == "fleet diff" else _page
    return [
        (files[0], html.assets(styles)),
        (files[1], html.assets(scripts)),
        (matrix_html.PAGE, page(result, files, embed)),
    ]


def _page(result: Mapping[str, Any], external: tuple[str, str] | None, embed: bool) -> str:
    matrix = matrix_html.context({**result, "results": result["cells"]})
    styles, scripts = _ASSETS["fleet"]
    return html.page(
        "fleet.html",
        result,
        styles=styles,
        scripts=scripts,
        external=external,
        embed=embed,
        embed_limit=_EMBED,
        **{**matrix, "title": "Fleet", "weighted": True},
        limit=_ROWS,
        settings=_settings(result),
        drilled=_DRILLED,
        linked=_linked(result),
    )


def render_diff(result: Mapping[str, Any], style: Style, *, embed: bool = True) -> str:
    """The page of two fleets, before and after, as one file."""
    return _diff_page(result, None, embed)


def _diff_page(result: Mapping[str, Any], external: tuple[str, str] | None, embed: bool) -> str:
    styles, scripts = _ASSETS["fleet diff"]
    changed = [one for one in result["causes"] if one["before"] != one["after"]]
    return html.page(
        "fleet_diff.html",
        result,
        styles=styles,
        scripts=scripts,
        external=external,
        embed=embed,
        embed_limit=_EMBED,
        title="Fleet, before and after",
        limit=_ROWS,
        moved=[one for one in result["results"] if one["worse"] or one["better"] or one["undecided"]],
        grown=[one for one in changed if one["after"] > one["before"]],
        shrunk=[one for one in changed if one["after"] < one["before"]],
        names={str(one["id"]): one for one in result["causes"]},
    )


def _linked(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Causes that have a card on the page, by their ids."""
    return {str(one["id"]): one for one in result["causes"][: matrix_html.CARD_LIMIT]}


def _settings(result: Mapping[str, Any]) -> dict[str, str]:
    """Policy class -> where it differs from others, in words; all of it when there is one class."""
    policies = result["policies"]
    seen: dict[str, list[Any]] = {}
    for one in policies:
        for key, value in one["values"].items():
            values = seen.setdefault(key, [])
            if value not in values:
                values.append(value)
    return {
        one["digest"]: ", ".join(
            f"{key} {_plain(value)}"
            for key, value in one["values"].items()
            if len(policies) == 1 or len(seen[key]) > 1
        )
        for one in policies
    }


def _plain(value: object) -> str:
    if isinstance(value, list):
        return "/".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
