# SPDX-License-Identifier: Apache-2.0
from typing import TypeVar

T = TypeVar("T")

VERSION: int

def decode(code: bytes, little: bool, type: type[T]) -> list[T] | None: ...
