# SPDX-License-Identifier: Apache-2.0
"""What a text that is no verifier log tells of: people paste what another stage said."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Stage -> a line that only it writes.
_STAGES = {
    "what a compiler says: the program was not built": re.compile(
        r"\.(?:c|h|cc|cpp|rs):\d+:\d+:? (?:fatal )?(?:error|warning):|^error(?:\[E\d{4}\])?: |fatal error: '"
    ),
    "what a linker says: the object was not made": re.compile(
        r"ld\.lld|rust-lld|bpf-linker|undefined (?:reference|symbol)|linking with "
    ),
    "what a loader says while it opens the object, before anything is loaded": re.compile(
        r"^(?:libbpf: )?(?:elf: |extern |failed to open|failed to find (?:valid )?(?:kernel )?BTF)|"
        r"failed to open BPF object|not an? (?:proper )?(?:ELF|BPF object)"
    ),
    "what a loader says while it attaches: the program was loaded": re.compile(
        r"failed to (?:auto-?)?attach|failed to create .*(?:perf event|link)|failed to determine tracepoint"
    ),
}


def stage_of(lines: Iterable[str]) -> str | None:
    """Which stage the first telling line is of, as half a sentence; None when no line tells."""
    for line in lines:
        for stage, pattern in _STAGES.items():
            if pattern.search(line[:1000]):
                return stage
    return None
