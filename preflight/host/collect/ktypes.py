# SPDX-License-Identifier: Apache-2.0
"""Questions to the kernel's own BTF: names of an enum, ids of attach targets, kfuncs.

Without BTF, or with BTF that is corrupt where a question leads, the answer is None or 0,
which means "could not look" and never "is not there".
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from preflight.errors import InputError

if TYPE_CHECKING:
    from preflight.btf import Btf


class KernelTypes:
    """Answers from vmlinux BTF; `btf` is None when there is none or it does not parse."""

    def __init__(self, btf: Btf | None) -> None:
        self.btf = btf

    @cached_property
    def _enums(self) -> dict[str, dict[str, int] | None]:
        return {}

    def enum(self, name: str) -> dict[str, int] | None:
        """The names and values of an enum in its order, None when it cannot be looked up."""
        if name not in self._enums:
            self._enums[name] = self._read_enum(name)
        return self._enums[name]

    def enum_has(self, enum: str, name: str) -> bool | None:
        """Whether an enum has a name; None when it cannot be looked up."""
        values = self.enum(enum)
        return None if values is None else name in values

    def func(self, name: str) -> int:
        """The id of a function, 0 when there is none or it cannot be looked up."""
        return self._id(name, "FUNC")

    def has_func(self, name: str | None) -> bool | None:
        """Whether BTF has a function; None when it cannot be looked up or no name is given."""
        return None if self.btf is None or not name else bool(self.func(name))

    def typedef(self, name: str) -> int:
        """The id of a typedef, 0 as in `func`."""
        return self._id(name, "TYPEDEF")

    def struct(self, name: str) -> int:
        """The id of a struct, 0 as in `func`."""
        return self._id(name, "STRUCT")

    def member_index(self, struct_id: int, member: str) -> int | None:
        """The position of a member in a struct, None when it has none of that name."""
        from preflight.btf.types import Composite

        if self.btf is None or struct_id == 0:
            return None
        try:
            found = self.btf.type(struct_id)
            if isinstance(found, Composite):
                return next((i for i, m in enumerate(found.members) if m.name == member), None)
        except InputError:
            pass
        return None

    def kfuncs(self) -> tuple[str, ...] | None:
        """The functions with a `bpf_kfunc` declaration tag, sorted; None when BTF cannot tell.

        Kernels tag kfuncs since 6.9 and only when built by a pahole that knows how (1.26);
        an enum of zero tags is therefore "cannot tell".
        """
        from preflight.btf import Kind

        if self.btf is None:
            return None
        try:
            functions = {
                self.btf.referred(tag)
                for tag in self.btf.ids_of_kind(Kind.DECL_TAG)
                if self.btf.name(tag) == "bpf_kfunc"
            }
            names = {self.btf.name(function) for function in functions}
        except InputError:
            return None
        return tuple(sorted(names)) or None

    def _id(self, name: str, kind: str) -> int:
        from preflight.btf import Kind

        if self.btf is None:
            return 0
        try:
            found = self.btf.ids_by_name(name, {Kind[kind]})
        except InputError:
            return 0
        return found[0] if found else 0

    def _read_enum(self, name: str) -> dict[str, int] | None:
        from preflight.btf import Kind
        from preflight.btf.types import Enum

        if self.btf is None:
            return None
        try:
            for type_id in self.btf.ids_by_name(name, {Kind.ENUM, Kind.ENUM64}):
                found = self.btf.type(type_id)
                if isinstance(found, Enum) and found.values:
                    return {value.name: value.value for value in found.values}
        except InputError:
            return None
        return None
