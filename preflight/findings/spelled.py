# SPDX-License-Identifier: Apache-2.0
"""Parts of a result that know their JSON text, because the same text is written hundreds of times.

A matrix repeats itself: kernels that answer alike share their findings, and a relocation of one object
differs between kernels in a few numbers. Who has the text already gives it here; whoever wants the
values gets those.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, overload

#: A value as the JSON contract writes it on one line: sorted keys, ASCII only.
encode: Callable[[Any], str] = json.JSONEncoder(
    sort_keys=True, ensure_ascii=True, allow_nan=False, check_circular=False
).encode
#: The same of a text.
encode_text: Callable[[str], str] = encode_basestring_ascii


class Spelled(list[Any]):
    """A list of JSON values that is spelled once. Nobody may change it."""

    __slots__ = ("_text",)
    _text: str

    @property
    def text(self) -> str:
        """The whole list as JSON on one line."""
        try:
            return self._text
        except AttributeError:
            self._text = encode(list(self))
            return self._text


class Rows(Sequence[dict[str, Any]]):
    """Objects of JSON that exist as texts; each is read when it is asked for."""

    __slots__ = ("texts",)

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [json.loads(text) for text in self.texts[index]]
        return json.loads(self.texts[index])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(json.loads, self.texts)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Rows):
            return self.texts == other.texts
        return list(self) == other if isinstance(other, list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Rows({list(self)!r})"
