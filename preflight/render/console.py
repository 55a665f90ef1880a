# SPDX-License-Identifier: Apache-2.0
"""Text for terminals and pipes: colour policy, width, folding; built on rich, data only through `safe_text`.

Off a terminal nothing is folded or cut, so that grep sees whole identifiers; then rich has
nothing to do and is not loaded. Meaning is never carried by colour alone: every mark has a word
beside it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from preflight.records import dataclass
from preflight.render.safe import safe_text

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Style:
    """How text is to look: `width` None means no folding, `verbose` shows what passes too."""

    color: bool = False
    width: int | None = None
    verbose: int = 0
    unicode: bool = True


def detect_style(
    *,
    is_tty: bool,
    columns: int,
    encoding: str,
    environ: Mapping[str, str],
    color: str = "auto",
    verbose: int = 0,
) -> Style:
    """The style for a stream: `--color` beats FORCE_COLOR beats NO_COLOR beats the terminal."""
    if color == "auto":
        if environ.get("FORCE_COLOR"):
            wanted = True
        elif environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
            wanted = False
        else:
            wanted = is_tty
    else:
        wanted = color == "always"
    return Style(
        color=wanted,
        width=max(columns, 40) if is_tty else None,
        verbose=verbose,
        unicode=encoding.lower().replace("-", "").startswith("utf"),
    )


#: Mark, word and colour of each verdict: never one of them alone.
VERDICT_MARKS: dict[str, tuple[str, str, str]] = {
    "ok": ("✓", "+", "green"),
    "missing": ("✗", "x", "red"),
    "blocked": ("!", "!", "red"),
    "degraded": ("~", "~", "yellow"),
    "unknown": ("?", "?", "magenta"),
    "not-applicable": ("·", ".", "dim"),
    "skipped": ("·", ".", "dim"),
    "loads": ("✓", "+", "green"),
    "fails": ("✗", "x", "red"),
    "ready": ("✓", "+", "green"),
    "not-ready": ("✗", "x", "red"),
    "undecided": ("?", "?", "magenta"),
    "not-asked": ("·", ".", "dim"),
    "yes": ("✓", "+", "green"),
    "no": ("✗", "x", "red"),
    "not-tried": ("·", ".", "dim"),
}


def plural(count: int, noun: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _shown(text: str, limit: int = 1000) -> str:
    """Safe text that is no CI command either: runners obey a line that begins with two colons."""
    shown = safe_text(text, limit=limit)
    return shown.replace("::", "\\x3a:", 1) if shown.lstrip().startswith("::") else shown


class Page:
    """A page of text being written line by line, then taken as one string."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self._buffer = io.StringIO()
        self._plain = style.width is None and not style.color

    @cached_property
    def _console(self) -> Console:
        from rich.console import Console

        style = self.style
        return Console(
            file=self._buffer,
            force_terminal=style.color,
            color_system="standard" if style.color else None,
            no_color=not style.color,
            width=style.width or 100_000,
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
        )

    def mark(self, verdict: str) -> tuple[str, str]:
        """The mark of a verdict and its style name."""
        fancy, plain, colour = VERDICT_MARKS.get(verdict, ("-", "-", ""))
        return (fancy if self.style.unicode else plain), colour

    def line(self, *parts: str | tuple[str, str], indent: int = 0, hang: int | None = None) -> None:
        """Write one line from parts (text, or text with a style name), folded with a hanging indent."""
        shown = [(_shown(p), "") if isinstance(p, str) else (_shown(p[0]), p[1]) for p in parts]
        lead = " " * indent
        if self._plain:
            self._buffer.write(lead + "".join(text for text, _ in shown) + "\n")
            return
        from rich.text import Text

        text = Text()
        for raw, style in shown:
            text.append(raw, style=style)
        if self.style.width is None:
            self._console.print(Text(lead) + text, soft_wrap=True)
            return
        rest = " " * (indent + 2 if hang is None else hang)
        room = max(self.style.width - max(len(lead), len(rest)), 16)
        for number, row in enumerate(text.wrap(self._console, room)):
            self._console.print(Text(lead if number == 0 else rest) + row, soft_wrap=True)

    def blank(self) -> None:
        """An empty line."""
        self._buffer.write("\n")

    def table(self, header: list[str], rows: list[list[str | tuple[str, str]]], indent: int = 0) -> None:
        """A plain aligned table; on a narrow terminal each row becomes a block of `name: value` lines."""
        header = [_shown(name, 256) for name in header]
        cells = [[c if isinstance(c, tuple) else (c, "") for c in row] for row in rows]
        shown = [[(_shown(text, 256), style) for text, style in row] for row in cells]
        widths = [max([len(h), *(len(row[i][0]) for row in shown)]) for i, h in enumerate(header)]
        total = indent + sum(widths) + 2 * (len(widths) - 1)
        if self.style.width is not None and total > self.style.width:
            for row in shown:
                for name, cell in zip(header, row, strict=True):
                    if cell[0]:
                        self.line((f"{name}: ", "dim"), cell, indent=indent)
                self.blank()
            return
        head = "  ".join(h.ljust(w) for h, w in zip(header, widths, strict=True)).rstrip()
        self._row([(head, "bold")], indent)
        last = len(header) - 1
        for row in shown:
            padded = [
                (value if number == last else value.ljust(width) + "  ", style)
                for number, ((value, style), width) in enumerate(zip(row, widths, strict=True))
            ]
            self._row(padded, indent)

    def _row(self, cells: list[tuple[str, str]], indent: int) -> None:
        """One line that is never folded, from text that is safe already."""
        if self._plain:
            self._buffer.write(" " * indent + "".join(value for value, _ in cells) + "\n")
            return
        from rich.text import Text

        text = Text(" " * indent)
        for value, style in cells:
            text.append(value, style=style)
        self._console.print(text, soft_wrap=True)

    def text(self) -> str:
        """All that was written."""
        return self._buffer.getvalue()
