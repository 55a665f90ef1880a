# SPDX-License-Identifier: Apache-2.0
VERSION: int

def look_up(text: bytes, names: bytes, seed: int) -> bytes | None: ...
