# SPDX-License-Identifier: Apache-2.0
"""The page's colours are readable in light and in dark: WCAG 2.2 AA, computed from the style sheet."""

from __future__ import annotations

import re
from importlib import resources

import pytest

CSS = (resources.files("preflight.render") / "templates" / "page.css").read_text(encoding="utf-8")
TEXT = ("fg", "soft", "link", "ok", "bad", "warn", "open")
GROUNDS = ("bg", "panel", "mark")


def _palettes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root\{([^}]*)\}", CSS)
    return {
        name: dict(re.findall(r"--([a-z]+):(#[0-9a-f]+)", block))
        for name, block in (("light", light), ("dark", dark))
    }


PALETTES = _palettes()


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2 definition."""
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_the_measure_knows_black_on_white() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)


def test_both_palettes_name_the_same_colours() -> None:
    assert set(PALETTES["light"]) == set(PALETTES["dark"])
    assert {*TEXT, *GROUNDS} <= set(PALETTES["light"])


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("text", TEXT)
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_is_readable(palette: str, text: str, ground: str) -> None:
    colours = PALETTES[palette]
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_no_colour_is_used_outside_of_the_palettes() -> None:
    rest = re.sub(r":root\{[^}]*\}", "", CSS)
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsl", rest)
