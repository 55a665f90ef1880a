# SPDX-License-Identifier: Apache-2.0
"""Kernel configuration by option, from the text of a `.config`.

It has ten thousand lines, and a run asks for a handful of them: those are looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

#: From so many different options on, all lines are taken apart: looking for one is a fortieth of that.
_MANY = 32
_UNSET = " is not set"


class Config(Mapping[str, str]):
    """Option -> value, as `parse_config` gives them."""

    __slots__ = ("_all", "_known", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[str, str | None] = {}
        self._all: dict[str, str] | None = None

    def __getitem__(self, option: str) -> str:
        if self._all is not None or len(self._known) >= _MANY:
            return self._parsed()[option]
        if option not in self._known:
            self._known[option] = parse_config("\n".join(_lines_with(option, self._text))).get(option)
        value = self._known[option]
        if value is None:
            raise KeyError(option)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())

    def _parsed(self) -> dict[str, str]:
        if self._all is None:
            self._all = parse_config(self._text)
        return self._all


def parse_config(text: str) -> dict[str, str]:
    """Options of a kernel configuration file (`.config`, `/proc/config.gz` unpacked).

    `# CONFIG_X is not set` gives `n`; strings keep their quotes, as kconfig externs need them.
    """
    options: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("CONFIG_") and "=" in line:
            option, _, value = line.partition("=")
            options[option] = value
        elif line.startswith("# CONFIG_") and line.endswith(_UNSET):
            options[line[2 : -len(_UNSET)]] = "n"
    return options


def _lines_with(word: str, text: str) -> Iterator[str]:
    """The lines that hold a word."""
    at = text.find(word)
    while word and at >= 0:
        start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
        end = len(text) if end < 0 else end
        yield from (line for line in text[start:end].splitlines() if word in line)
        at = text.find(word, end + 1)  # a word may begin with the end itself
