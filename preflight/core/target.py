# SPDX-License-Identifier: Apache-2.0
"""The kernel a relocation is made for: vmlinux and module BTFs, and every answer already given.

Questions about one target type depend on nothing but the question, so they are asked once
per kernel and remembered here. Which candidates are left for an object is the
object's own affair and is not remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from preflight.btf import Btf, Kind
from preflight.core import quick
from preflight.core.access import Spec, describe, describe_type
from preflight.core.errors import RelocationError
from preflight.core.match import Miss, Pattern, match_enumerator, match_field
from preflight.core.values import Value, enumerator_value, field_value
from preflight.core.work import Work
from preflight.loaders import essential_name
from preflight.records import dataclass

VMLINUX = "vmlinux"

#: Kinds that a candidate of the same kind may have; enum and enum64 count as one.
_KINDS: dict[int, frozenset[int]] = {
    Kind.ENUM: frozenset({Kind.ENUM, Kind.ENUM64}),
    Kind.ENUM64: frozenset({Kind.ENUM, Kind.ENUM64}),
}

if TYPE_CHECKING:
    from preflight.core.attach import AttachTarget
    from preflight.core.resolve import Resolution

_Answer = Spec | Miss | RelocationError


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """What is printed about a candidate: `struct dma_chan`, and its bytes or None."""

    name: str
    size: int | None


class TargetBtf:
    """One BTF of the target with its remembered answers. Use `Target`."""

    def __init__(self, name: str, btf: Btf) -> None:
        self.name = name
        self.btf = btf
        self._own = name != VMLINUX
        self._ids: dict[tuple[str, int | None, str], tuple[int, ...]] = {}
        self._fields: dict[tuple[str, int, Pattern], _Answer] = {}
        self._enumerators: dict[tuple[str, int, str], Spec | Miss] = {}
        self._values: dict[tuple[int, tuple[int, ...], int, int, str], Value | RelocationError] = {}
        self._facts: dict[int, TypeFacts] = {}
        self._described: dict[tuple[int, tuple[int, ...]], str] = {}
        self._separated: tuple[str, ...] | None = None

    def candidates(self, essential: str, kind: int | None, rule: str) -> tuple[int, ...]:
        """Ids of the types with that essential name under a flavour rule, in id order; any kind when None."""
        key = (essential, kind, rule)
        ids = self._ids.get(key)
        if ids is None:
            kinds = None if kind is None else _KINDS.get(kind, frozenset({kind}))
            if rule == "last-separator":
                ids = tuple(self.btf.ids_by_essential_name(essential, kinds, own=self._own))
            else:
                ids = self._by_other_rule(essential, kinds, rule)
            self._ids[key] = ids
        return ids

    def _by_other_rule(self, essential: str, kinds: frozenset[int] | None, rule: str) -> tuple[int, ...]:
        names = {name for name in self._names_with_separator() if essential_name(rule, name) == essential}
        if essential_name(rule, essential) == essential:
            names.add(essential)
        return tuple(sorted(i for name in names for i in self.btf.ids_by_name(name, kinds, own=self._own)))

    def _names_with_separator(self) -> tuple[str, ...]:
        """Every string with `___` in it; a kernel has some seventy."""
        if self._separated is None:
            data, found, at = self.btf.strings.data, set(), 0
            while (at := data.find(b"___", at)) >= 0:
                start, end = data.rfind(b"\0", 0, at) + 1, data.find(b"\0", at)
                found.add(data[start:end].decode("utf-8", "backslashreplace"))
                at = end
            self._separated = tuple(found)
        return self._separated

    def field(self, type_id: int, pattern: Pattern, rule: str, work: Work) -> Spec | Miss:
        """A field access in a candidate; RelocationError when libbpf refuses to answer."""
        key = (rule, type_id, pattern)
        answer = self._fields.get(key)
        if answer is None:
            if rule == quick.RULE:
                answer = quick.match_field(self.btf, type_id, pattern, work)
            if answer is None:
                try:
                    answer = match_field(self.btf, type_id, pattern, partial(essential_name, rule), work)
                except RelocationError as refusal:
                    answer = refusal
            self._fields[key] = answer
        if isinstance(answer, RelocationError):
            raise answer.with_traceback(None)
        return answer

    def enumerator(self, type_id: int, wanted: str, rule: str, work: Work) -> Spec | Miss:
        """An enumerator in a candidate, by essential name."""
        key = (rule, type_id, wanted)
        answer = self._enumerators.get(key)
        if answer is None:
            answer = match_enumerator(self.btf, type_id, wanted, partial(essential_name, rule), work)
            self._enumerators[key] = answer
        return answer

    def field_value(self, spec: Spec, kind: int, byteorder: str) -> Value:
        """The value of a field question; RelocationError when there is none."""
        key = (spec.root_id, spec.raw, spec.bit_offset, kind, byteorder)
        answer = self._values.get(key)
        if answer is None:
            try:
                answer = field_value(self.btf, spec, kind, byteorder)
            except RelocationError as refusal:
                answer = refusal
            self._values[key] = answer
        if isinstance(answer, RelocationError):
            raise answer.with_traceback(None)
        return answer

    def enumerator_value(self, spec: Spec, kind: int) -> Value:
        """The value of an enumerator question."""
        return enumerator_value(self.btf, spec, kind)

    def facts(self, type_id: int) -> TypeFacts:
        """Name and size of a type, for people."""
        known = self._facts.get(type_id)
        if known is None:
            known = TypeFacts(describe_type(self.btf, type_id), self.btf.size_of(type_id))
            self._facts[type_id] = known
        return known

    def describe(self, spec: Spec) -> str:
        """An access in this BTF as people write it."""
        key = (spec.root_id, spec.raw)
        text = self._described.get(key)
        if text is None:
            text = self._described[key] = describe(self.btf, spec)
        return text


#: Module BTFs in the order the kernel lists them, fetched when they are first needed.
Modules = Callable[[], Iterable[tuple[str, Btf]]]


def _no_modules() -> Iterable[tuple[str, Btf]]:
    return ()


class Target:
    """A kernel as relocation sees it. Keep one per kernel: it remembers answers across objects.

    `modules` gives (name, split BTF) of the modules that count as loaded; it is called at
    most once, and by libbpf's rules only when vmlinux has no candidate.
    """

    def __init__(self, vmlinux: Btf, modules: Modules | Iterable[tuple[str, Btf]] = _no_modules) -> None:
        self.vmlinux = TargetBtf(VMLINUX, vmlinux)
        self._fetch = modules if callable(modules) else partial(iter, tuple(modules))
        self._modules: tuple[TargetBtf, ...] | None = None
        #: whole answers by `Question.memo`; `preflight.core.resolve` fills it
        self.remembered: dict[str, Resolution] = {}
        #: attach targets by attach type and name; `preflight.core.attach` fills it
        self.attach_targets: dict[tuple[str, str], AttachTarget] = {}

    @property
    def modules(self) -> tuple[TargetBtf, ...]:
        """The modules' BTFs, fetched now if they were not before."""
        if self._modules is None:
            self._modules = tuple(TargetBtf(name, btf) for name, btf in self._fetch())
        return self._modules

    def candidates(
        self, essential: str, kind: int | None, rule: str, where: str
    ) -> tuple[tuple[TargetBtf, int], ...]:
        """Candidates in the order a loader tries them; `where` is the loader's `candidates` rule."""
        found = [(self.vmlinux, i) for i in self.vmlinux.candidates(essential, kind, rule)]
        if where == "modules-always" or (where == "modules-when-absent" and not found):
            for module in self.modules:
                found += [(module, i) for i in module.candidates(essential, kind, rule)]
        return tuple(found)
