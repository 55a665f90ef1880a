# SPDX-License-Identifier: Apache-2.0
"""The thirteen kinds of CO-RE relocation (enum bpf_core_relo_kind, include/uapi/linux/bpf.h)."""

from __future__ import annotations

from enum import IntEnum


class ReloKind(IntEnum):
    """Numbers of the wire format; `label` is the name libbpf prints and the JSON contract uses."""

    BYTE_OFF = 0
    BYTE_SZ = 1
    FIELD_EXISTS = 2
    SIGNED = 3
    LSHIFT_U64 = 4
    RSHIFT_U64 = 5
    LOCAL_TYPE_ID = 6
    TARGET_TYPE_ID = 7
    TYPE_EXISTS = 8
    TYPE_SIZE = 9
    ENUMVAL_EXISTS = 10
    ENUMVAL_VALUE = 11
    TYPE_MATCHES = 12


LABELS: tuple[str, ...] = tuple(kind.name.lower() for kind in ReloKind)

FIELD_KINDS = frozenset(
    {
        ReloKind.BYTE_OFF,
        ReloKind.BYTE_SZ,
        ReloKind.FIELD_EXISTS,
        ReloKind.SIGNED,
        ReloKind.LSHIFT_U64,
        ReloKind.RSHIFT_U64,
    }
)
TYPE_KINDS = frozenset(
    {
        ReloKind.LOCAL_TYPE_ID,
        ReloKind.TARGET_TYPE_ID,
        ReloKind.TYPE_EXISTS,
        ReloKind.TYPE_SIZE,
        ReloKind.TYPE_MATCHES,
    }
)
ENUMVAL_KINDS = frozenset({ReloKind.ENUMVAL_EXISTS, ReloKind.ENUMVAL_VALUE})

#: Kinds that ask a question; without a target the answer is 0 instead of poison.
ANSWERED_WITH_ZERO = frozenset(
    {
        ReloKind.FIELD_EXISTS,
        ReloKind.TYPE_EXISTS,
        ReloKind.TYPE_MATCHES,
        ReloKind.TYPE_SIZE,
        ReloKind.TARGET_TYPE_ID,
        ReloKind.ENUMVAL_EXISTS,
    }
)


def label(kind: int) -> str:
    """`byte_off`, `field_exists` ...; `unknown` for a number outside the enum."""
    return LABELS[kind] if 0 <= kind < len(LABELS) else "unknown"
