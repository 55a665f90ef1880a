# SPDX-License-Identifier: Apache-2.0
"""Why a relocation misses or fails, as data, and the exception that carries a failure inside this package."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """What stands behind a miss or an error. Values are part of the JSON output."""

    #: the target has no type of that name and kind
    NO_CANDIDATE = "no-candidate"
    #: a candidate exists, but no member of that name
    FIELD_MISSING = "field-missing"
    #: a member of that name exists, its type is of another kind
    KIND_CHANGED = "kind-changed"
    #: the target's array is shorter than the index
    ARRAY_BOUND = "array-bound"
    #: the enum exists, the enumerator does not
    ENUMERATOR_MISSING = "enumerator-missing"
    #: the type exists, but is not compatible or does not match
    TYPE_DIFFERS = "type-differs"
    #: a load or store of a field whose size changed, and not between unsigned integers or pointers
    MEMSIZE = "memsize"
    #: candidates disagree on the offset or the value
    AMBIGUOUS = "ambiguous"
    #: the new offset or value does not fit the instruction
    RANGE = "range"
    #: the instruction does not hold the value that the local type gives
    VALUE_MISMATCH = "value-mismatch"
    #: an instruction of a class or form that cannot be relocated
    INSTRUCTION = "instruction"
    #: the access string is malformed or does not fit the local type
    ACCESS_STRING = "access-string"
    #: the record's type id is outside the object's BTF
    TYPE_ID = "type-id"
    #: the root type has no name
    ANONYMOUS = "anonymous"
    #: the relocation kind cannot be asked of this access (a shift of an array element)
    KIND_UNSUPPORTED = "kind-unsupported"
    #: no 64-bit load covers the bitfield
    BITFIELD = "bitfield"
    #: nesting beyond the loader's limit
    NESTING = "nesting"
    #: a type without a size where a size is needed
    NO_SIZE = "no-size"
    #: the loader refuses what is not there (aya: type_size of a missing type)
    MISSING_TARGET = "missing-target"


class RelocationError(Exception):
    """A relocation that the loader refuses; never leaves `preflight.core`.

    `errno` is the name libbpf's function returns (`EINVAL`), `detail` one sentence.
    """

    def __init__(self, errno: str, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.errno = errno
        self.cause = cause
        self.detail = detail
