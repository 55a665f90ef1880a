# SPDX-License-Identifier: Apache-2.0
"""JSON: sorted keys, stable order, ASCII only, so that no terminal is ever addressed through it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preflight.render.console import Style


def render(result: Mapping[str, Any]) -> str:
    """The result as indented JSON with a final newline.

    Foreign text stays exact; characters outside ASCII are written as JSON escapes.
    """
    return json.dumps(result, sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def render_styled(result: Mapping[str, Any], style: Style) -> str:
    """`render` in the shape of a renderer; JSON has no style."""
    return render(result)
