# SPDX-License-Identifier: Apache-2.0
"""The two relations between whole types: compatible (type_exists, ksyms) and matching (type_matches).

Follow __bpf_core_types_are_compat() and __bpf_core_types_match() in
libbpf/src/relo_core.c (1.7.0). libbpf repeats work that can grow without bound in
crafted input; here each pair of types is compared once per level.
"""

from __future__ import annotations

from preflight.btf import Btf, Kind, essential_name
from preflight.btf.types import Array, Composite, Enum, FuncProto, Fwd, Int, Ptr, Type
from preflight.core.errors import Cause, RelocationError
from preflight.core.work import Work

_MAX_DEPTH = 32
_MAX_LEVEL = 32

_ENUMS = (Kind.ENUM, Kind.ENUM64)
#: Kinds whose equality is all that compatibility asks.
_EQUAL_IS_ENOUGH = frozenset({Kind.VOID, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FWD})


def same_kind(one: int, other: int) -> bool:
    """Equal kinds; enum and enum64 count as one (btf_kind_core_compat)."""
    return one == other or (one in _ENUMS and other in _ENUMS)


def _too_deep() -> RelocationError:
    return RelocationError("EINVAL", Cause.NESTING, f"types are nested deeper than {_MAX_DEPTH} levels")


class _Comparison:
    """One comparison of a local with a target type; remembers the pairs it has decided."""

    def __init__(self, local: Btf, target: Btf, work: Work) -> None:
        self.local = local
        self.target = target
        self.work = work
        self.decided: dict[tuple[int, int, bool, int], bool] = {}

    def remember(self, key: tuple[int, int, bool, int], answer: bool) -> bool:
        self.work.spend(1)
        self.decided[key] = answer
        return answer


class _Compat(_Comparison):
    def types(self, local_id: int, target_id: int, level: int) -> bool:
        key = (local_id, target_id, False, level)
        known = self.decided.get(key)
        return self.remember(key, self._types(local_id, target_id, level)) if known is None else known

    def _types(self, local_id: int, target_id: int, level: int) -> bool:
        if not same_kind(self.local.kind(local_id), self.target.kind(target_id)):
            return False
        for _ in range(_MAX_DEPTH):
            local = self.local.type(self.local.resolve(local_id))
            target = self.target.type(self.target.resolve(target_id))
            if not same_kind(local.kind, target.kind):
                return False
            if local.kind in _EQUAL_IS_ENOUGH:
                return True
            if isinstance(local, Int) and isinstance(target, Int):
                return local.offset == 0 and target.offset == 0
            if isinstance(local, (Ptr, Array)) and isinstance(target, (Ptr, Array)):
                local_id, target_id = local.type, target.type
            elif isinstance(local, FuncProto) and isinstance(target, FuncProto):
                if len(local.params) != len(target.params):
                    return False
                for one, other in zip(local.params, target.params, strict=True):
                    if level <= 0:
                        raise _too_deep()
                    if not self.types(
                        self.local.resolve(one.type), self.target.resolve(other.type), level - 1
                    ):
                        return False
                local_id, target_id = local.ret, target.ret
            else:
                return False
        raise _too_deep()


class _Match(_Comparison):
    def names(self, local: str, target: str) -> bool:
        return not local if not target else essential_name(local) == essential_name(target)

    def types(self, local_id: int, target_id: int, behind_pointer: bool, level: int) -> bool:
        key = (local_id, target_id, behind_pointer, level)
        known = self.decided.get(key)
        if known is not None:
            return known
        return self.remember(key, self._types(local_id, target_id, behind_pointer, level))

    def _types(self, local_id: int, target_id: int, behind_pointer: bool, level: int) -> bool:
        if level <= 0:
            raise _too_deep()
        for _ in range(_MAX_DEPTH):
            local = self.local.type(self.local.resolve(local_id))
            target = self.target.type(self.target.resolve(target_id))
            if not self.names(local.name, target.name):
                return False
            if isinstance(local, (Fwd, Composite)):
                return self._declared(local, target, behind_pointer, level)
            if isinstance(local, Enum):
                return isinstance(target, Enum) and self._enums(local, target)
            if local.kind != target.kind:
                return False
            if isinstance(local, Int) and isinstance(target, Int):
                return local.size == target.size and local.signed == target.signed
            if isinstance(local, Ptr) and isinstance(target, Ptr):
                behind_pointer = True
                local_id, target_id = local.type, target.type
            elif isinstance(local, Array) and isinstance(target, Array):
                if local.nelems != target.nelems:
                    return False
                local_id, target_id = local.type, target.type
            elif isinstance(local, FuncProto) and isinstance(target, FuncProto):
                if len(local.params) != len(target.params):
                    return False
                for one, other in zip(local.params, target.params, strict=True):
                    if not self.types(one.type, other.type, behind_pointer, level - 1):
                        return False
                local_id, target_id = local.ret, target.ret
            else:
                return local.kind == Kind.VOID
        raise _too_deep()

    def _declared(self, local: Fwd | Composite, target: Type, behind_pointer: bool, level: int) -> bool:
        """Structs, unions and their declarations: behind a pointer one may stand for the other."""
        if isinstance(local, Fwd):
            if isinstance(target, Fwd):
                return local.is_union == target.is_union
            return behind_pointer and target.kind == (Kind.UNION if local.is_union else Kind.STRUCT)
        if behind_pointer:
            if local.kind == target.kind:
                return True
            return isinstance(target, Fwd) and (local.kind == Kind.UNION) == target.is_union
        return (
            isinstance(target, Composite)
            and local.kind == target.kind
            and self._composites(local, target, behind_pointer, level)
        )

    def _composites(self, local: Composite, target: Composite, behind_pointer: bool, level: int) -> bool:
        if len(local.members) > len(target.members):
            return False
        self.work.spend(len(local.members) * len(target.members))
        return all(
            any(
                self.names(one.name, other.name)
                and self.types(one.type, other.type, behind_pointer, level - 1)
                for other in target.members
            )
            for one in local.members
        )

    def _enums(self, local: Enum, target: Enum) -> bool:
        if local.size != target.size or len(local.values) > len(target.values):
            return False
        anonymous = any(not v.name for v in target.values)
        names = {essential_name(v.name) for v in target.values if v.name}
        return all(essential_name(v.name) in names if v.name else anonymous for v in local.values)


def types_are_compat(
    local: Btf, local_id: int, target: Btf, target_id: int, work: Work | None = None
) -> bool:
    """Whether a type of the target can be taken for the local one; root names are the caller's business."""
    return _Compat(local, target, work or Work()).types(local_id, target_id, _MAX_LEVEL)


def types_match(local: Btf, local_id: int, target: Btf, target_id: int, work: Work | None = None) -> bool:
    """Whether a type of the target has everything the local one has, by name and recursively."""
    return _Match(local, target, work or Work()).types(local_id, target_id, False, _MAX_LEVEL)
