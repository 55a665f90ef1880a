# SPDX-License-Identifier: Apache-2.0
"""A kernel as prediction sees it: what relocation, externs and reachability ask of it.

Keep one per kernel: relocation answers are remembered in it across objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from preflight.btf import Btf, Kind
from preflight.core import Target
from preflight.kernels.model import Kernel
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.core.resolve import Resolution
    from preflight.predict.shape import Outlined

T = TypeVar("T")

_RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, eq=False)
class KernelTarget:
    """One kernel, and the modules that are taken as loaded in it.

    `modules` are module names; None takes every module whose BTF is known when `kernel` is
    the running host (there only loaded ones have BTF), and none for any other kernel: a
    packaged module helps nobody until it is loaded.
    """

    kernel: Kernel
    modules: tuple[str, ...] | None = None

    @cached_property
    def loaded_modules(self) -> tuple[str, ...]:
        """The modules that are taken as loaded, in name order."""
        if self.modules is not None:
            return self.modules
        return tuple(sorted(self.kernel.modules or ())) if self.kernel.provenance.kind == "host" else ()

    @cached_property
    def relocation(self) -> Target:
        """The kernel for `preflight.core.relocate`."""
        # not a method of this object: in a circle of references a BTF outlives its use by far
        return Target(self.kernel.btf, partial(_module_btfs, self.kernel, self.loaded_modules))

    def ask(self, question: Callable[..., T], *about: Hashable) -> T:
        """`question(self, *about)`, asked once of a kernel.

        What is asked so, with an answer that can be compared (texts, numbers, tuples and frozen records of
        them), lets kernels that answer alike share their verdicts (`preflight.predict.recall`).
        """
        known, key = self._answers, (question, about)
        if key not in known:
            known[key] = question(self, *about)
        found: T = known[key]
        return found

    @cached_property
    def _answers(self) -> dict[Any, Any]:
        return {}

    @cached_property
    def outlined(self) -> dict[int, Outlined]:
        """Answers to relocation questions without offsets; `preflight.predict.shape` fills it."""
        return {}

    @cached_property
    def arguments(self) -> dict[tuple[Btf, int], Any]:
        """Types of arguments by BTF and id; `preflight.predict.argument_structs` fills it."""
        return {}

    @cached_property
    def suggestions(self) -> dict[Any, Any]:
        """What was found to stand for a missing member, by question; `preflight.predict.explain` fills it."""
        return {}

    @cached_property
    def row_texts(self) -> dict[int, tuple[Resolution, str, str]]:
        """How answers to relocation questions are listed; `preflight.predict.core_rows` fills it."""
        return {}

    def has_symbol(self, name: str) -> bool | None:
        """Whether kallsyms lists the name; None when the kernel's symbols are unknown."""
        return None if self.kernel.symbols is None else name in self.kernel.symbols

    @cached_property
    def helper_ids(self) -> frozenset[int] | None:
        """Helper ids of the kernel's own `enum bpf_func_id`; None when its BTF does not have it."""
        values = self._enum("bpf_func_id")
        return None if values is None else frozenset(v for n, v in values.items() if n != "__BPF_FUNC_MAX_ID")

    @cached_property
    def map_types(self) -> frozenset[str] | None:
        """Map types of `enum bpf_map_type`, in lower case without the prefix."""
        return self._names("bpf_map_type", "BPF_MAP_TYPE_")

    @cached_property
    def program_types(self) -> frozenset[str] | None:
        """Program types of `enum bpf_prog_type`, in lower case without the prefix."""
        return self._names("bpf_prog_type", "BPF_PROG_TYPE_")

    def _names(self, enum: str, prefix: str) -> frozenset[str] | None:
        values = self._enum(enum)
        if values is None:
            return None
        return frozenset(n.removeprefix(prefix).lower() for n in values if n.startswith(prefix))

    def _enum(self, name: str) -> dict[str, int] | None:
        btf = self.kernel.btf
        ids = btf.ids_by_name(name, {Kind.ENUM, Kind.ENUM64})
        if not ids:
            return None
        return {value.name: value.value for value in btf.type(ids[0]).values}  # type: ignore[attr-defined]

    @cached_property
    def virtual_config(self) -> dict[str, int]:
        """All externs libbpf answers itself, as far as this kernel's facts tell."""
        return self.virtual_values(
            ("LINUX_KERNEL_VERSION", "LINUX_HAS_BPF_COOKIE", "LINUX_HAS_SYSCALL_WRAPPER")
        )

    def virtual_values(self, names: Collection[str]) -> dict[str, int]:
        """Those of the externs libbpf answers itself that are asked for.

        libbpf probes LINUX_HAS_BPF_COOKIE and LINUX_HAS_SYSCALL_WRAPPER; here they follow from
        the helper's enum value and from the wrapped system call in BTF (libbpf puts a kprobe
        on it, which finds nothing on a kernel without kprobes).
        """
        found = {}
        match = _RELEASE.match(self.kernel.release or "") if "LINUX_KERNEL_VERSION" in names else None
        if match is not None:
            major, minor, patch = (int(part or 0) for part in match.groups())
            found["LINUX_KERNEL_VERSION"] = (major << 16) + (minor << 8) + min(patch, 255)
        has_cookie = self._has_cookie if any(name.startswith("LINUX_HAS_") for name in names) else None
        if has_cookie is not None and "LINUX_HAS_BPF_COOKIE" in names:
            found["LINUX_HAS_BPF_COOKIE"] = int(has_cookie)
        if has_cookie is not None and "LINUX_HAS_SYSCALL_WRAPPER" in names:
            found["LINUX_HAS_SYSCALL_WRAPPER"] = int(self._has_syscall_wrapper)
        return found

    @cached_property
    def _has_cookie(self) -> bool | None:
        """Whether there is the helper that asks for a cookie; None when BTF does not list helpers."""
        btf = self.kernel.btf
        ids = btf.ids_by_name("bpf_func_id", {Kind.ENUM, Kind.ENUM64})
        return btf.has_enumerator(ids[0], "BPF_FUNC_get_attach_cookie") if ids else None

    @cached_property
    def _has_syscall_wrapper(self) -> bool:
        if self.kernel.contents.config is not None and (self.kernel.option("CONFIG_KPROBES") or "n") == "n":
            return False
        names = (f"__{arch}_sys_bpf" for arch in ("x64", "arm64", "s390x", "riscv"))
        return any(self.kernel.btf.ids_by_name(name, {Kind.FUNC}) for name in names)


def _module_btfs(kernel: Kernel, names: Iterable[str]) -> Iterable[tuple[str, Btf]]:
    for name in names:
        btf = kernel.module_btf(name)
        if btf is not None:
            yield name, btf
