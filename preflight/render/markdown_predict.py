# SPDX-License-Identifier: Apache-2.0
"""The Markdown form of `preflight predict`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.render.console import Style, plural
from preflight.render.safe import markdown, markdown_code
from preflight.render.same_bytes import same_bytes
from preflight.render.text_predict import cell, columns


def render(result: Mapping[str, Any], style: Style) -> str:
    """A table of objects by kernels, the causes, and what is left to user space."""
    results, summary = result["results"], result["summary"]
    found = columns(results)
    by_cell = {(str(o["object"]), str(o["sha256"]), str(o["kernel"])): o for o in results}
    objects = list(dict.fromkeys((str(o["object"]), str(o["sha256"])) for o in results))
    lines = [f"# {markdown(summary['sentence'])}", "", "Predicted; nothing was loaded.", ""]
    lines.append("| object | " + " | ".join(markdown(label) for label, _ in found) + " |")
    lines.append("|---|" + "---|" * len(found))
    for name, digest in objects:
        cells = [markdown(cell(by_cell[name, digest, kernels[0]])) for _, kernels in found]
        lines.append(f"| {markdown_code(name)} | " + " | ".join(cells) + " |")
    for line in same_bytes(results, every=style.verbose > 0):
        lines += ["", markdown(line)]
    alike = [(label, names) for label, names in found if len(names) > 1]
    if alike:
        lines.append("")
        lines += [f"* {markdown(label)}: {', '.join(markdown(n) for n in names)}" for label, names in alike]
    if summary["causes"]:
        lines += ["", "## Causes", ""]
    for cause in summary["causes"]:
        where = f"{plural(cause['cells'], 'cell')}: {', '.join(markdown(n) for n in cause['objects'])}"
        lines.append(f"* **{markdown(cause['code'])}** {markdown(cause['title'])}  ({where})")
        if cause["fix"]:
            lines.append(f"  Fix: {markdown(' '.join(str(cause['fix']).split()), limit=1000)}")
    opened = list(dict.fromkeys(f"{one['object']}: {text}" for one in results for text in one["open"]))
    if opened:
        lines += ["", "## Left to user space", "", *(f"* {markdown(text)}" for text in opened)]
    for note in summary.get("notes", ()):
        lines += ["", f"Note: {markdown(note, limit=600)}"]
    lines += ["", "The verifier's analysis of memory accesses is predicted in part."]
    return "\n".join(lines) + "\n"
