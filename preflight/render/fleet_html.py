# SPDX-License-Identifier: Apache-2.0
"""The page of `preflight fleet`: what stops most hosts, the matrix of their kernels, and who is affected.

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


def render(result: Mapping[str, Any], style: Style, *, embed: bool = True) -> str:
    """The page as one file. The result's matrix is shown as `preflight matrix` shows one."""
    matrix = matrix_html.context({**result, "results": result["cells"]})
    return html.page(
        "fleet.html",
        result,
        styles=matrix_html.STYLES,
        scripts=matrix_html.SCRIPTS,
        embed=embed,
        embed_limit=_EMBED,
        **{**matrix, "title": "Fleet", "weighted": True},
        limit=_ROWS,
        settings=_settings(result),
    )


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
