# SPDX-License-Identifier: Apache-2.0
"""Stacks of a tracer's run: folded lines, and a flame graph as one SVG file without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from preflight.errors import UsageError
from preflight.render.console import Style
from preflight.render.safe import safe_text

_WIDTH, _ROW, _MARGIN, _HEAD = 1200, 17, 10, 44
_CHARACTER = 6.6
#: Frames narrower than this many pixels are left out, and deeper ones than this.
_NARROWEST, _DEEPEST = 0.3, 160


@dataclass
class _Frame:
    name: str
    weight: int = 0
    below: dict[str, _Frame] = field(default_factory=dict)


def stacks(result: Mapping[str, Any]) -> Iterator[tuple[list[str], int]]:
    """Frames from the outermost on, and weight, of every stack; the key's words are the outermost frame."""
    for one in result["results"]:
        if one["shape"] != "stacks":
            continue
        for row in one["rows"]:
            weight = row["value"].get(one["weight"], 0)
            if isinstance(weight, Mapping):
                weight = weight["total"]
            words = " ".join(str(value) for value in row["key"].values() if value not in (False, "", None))
            frames = [_plain(name) for name in row["frames"]]
            if isinstance(weight, int) and weight > 0:
                yield [*([_plain(words)] if words else []), *frames], weight


def _plain(name: object) -> str:
    return safe_text(name).replace(";", ":")


def folded(result: Mapping[str, Any], style: Style) -> str:
    """One line per stack: frames joined with `;`, a blank, the weight."""
    return "".join(f"{';'.join(frames)} {weight}\n" for frames, weight in _some(result))


def _some(result: Mapping[str, Any]) -> list[tuple[list[str], int]]:
    found = list(stacks(result))
    if not any(one["shape"] == "stacks" for one in result["results"]):
        raise UsageError(f"{result['summary']['tracer']} has no stacks: folded and svg are for those that do")
    return found


def svg(result: Mapping[str, Any], style: Style) -> str:
    """A flame graph: the root at the bottom, width by weight, a tooltip on each frame."""
    root = _Frame("all")
    for frames, weight in _some(result):
        root.weight += weight
        at = root
        for name in frames[:_DEEPEST]:
            at = at.below.setdefault(name, _Frame(name))
            at.weight += weight
    depth = _depth(root)
    height = _HEAD + depth * _ROW + _MARGIN
    summary = result["summary"]
    title = escape(_plain(f"{summary['tracer']}: {summary['question']}"))
    unit = next((str(one["units"].get(one["weight"], "")) for one in result["results"] if one["weight"]), "")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="monospace" font-size="11">',
        f"<title>{title}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fffdf8"/>',
        f'<text x="{_MARGIN}" y="24" font-size="14">{title}</text>',
    ]
    if root.weight:
        parts += _drawn(
            root, 0, float(_MARGIN), (_WIDTH - 2 * _MARGIN) / root.weight, height, root.weight, unit
        )
    else:
        parts.append(f'<text x="{_MARGIN}" y="40">nothing was found</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _depth(frame: _Frame) -> int:
    deepest, level = 0, [frame]
    while level:
        deepest += 1
        level = [child for one in level for child in one.below.values()]
    return deepest


def _drawn(
    root: _Frame, level: int, left: float, scale: float, height: int, total: int, unit: str
) -> Iterator[str]:
    pending = [(root, level, left)]
    while pending:
        frame, depth, x = pending.pop()
        width = frame.weight * scale
        if width < _NARROWEST:
            continue
        y = height - _MARGIN - (depth + 1) * _ROW
        share = 100 * frame.weight / total
        name = escape(frame.name, {'"': "&quot;"})
        fits = int((width - 4) / _CHARACTER)
        label = frame.name if len(frame.name) <= fits else frame.name[: max(0, fits - 1)] + "…"
        text = f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(label)}</text>' if fits >= 3 else ""
        yield (
            f"<g><title>{name}: {frame.weight:,} {escape(unit)} ({share:.1f} %)</title>"
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_ROW - 1}" '
            f'fill="{_colour(frame.name)}"/>'
            f"{text}</g>"
        )
        for child in sorted(frame.below.values(), key=lambda one: one.name):
            pending.append((child, depth + 1, x))
            x += child.weight * scale


def _colour(name: str) -> str:
    """Warm for user space, cool for the kernel; a shade that stays the same for a name."""
    shade = sum(name.encode()) % 50
    return (
        f"#{110 + shade:02x}{170 + shade:02x}e0"
        if name.endswith("_[k]")
        else f"#f0{130 + shade:02x}{60 + shade:02x}"
    )
