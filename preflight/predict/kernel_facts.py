# SPDX-License-Identifier: Apache-2.0
"""What loading and attaching ask of a kernel: is this built in, is that function there, what is it called.

Every answer is True, False or None; None means that this kernel's facts do not tell. False
needs positive evidence: a complete enum without the name, a complete symbol list without it, a
configuration that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from preflight.btf import Kind
from preflight.kernels.model import Kernel
from preflight.predict.target import KernelTarget
from preflight.records import dataclass

T = TypeVar("T")

#: What compilers append to the name of a function they made another version of.
VARIANTS = (".isra.", ".part.", ".constprop.", ".cold", ".llvm.")

#: Symbols of data that only a kallsyms with data has: the tables themselves then tell what was built.
_DATA_WITNESSES = ("bpf_map_types", "array_map_ops", "htab_map_ops")


@dataclass(frozen=True, eq=False)
class KernelFacts:
    """One kernel, asked as the loader and the attach code would ask it. Keep one per kernel."""

    target: KernelTarget

    def ask(self, question: Callable[..., T], *about: Hashable) -> T:
        """`question(self, *about)`, asked once of a kernel; see `KernelTarget.ask`."""
        known, key = self._asked, (question, about)
        if key not in known:
            known[key] = question(self, *about)
        found: T = known[key]
        return found

    @cached_property
    def _asked(self) -> dict[Any, Any]:
        return {}

    @cached_property
    def answers(self) -> dict[Any, Any]:
        """What this kernel was asked so far; `preflight.predict.recall` fills it."""
        return {}

    @cached_property
    def answer_numbers(self) -> dict[Any, int]:
        """The same, each answer by its number among those to the question."""
        return {}

    @cached_property
    def kfuncs(self) -> frozenset[str]:
        """Functions that vmlinux's BTF marks as callable by programs; empty where it marks none."""
        from preflight.predict.kfunc_types import marked_functions

        return marked_functions(self.kernel.btf)

    @property
    def kernel(self) -> Kernel:
        """The kernel behind it."""
        return self.target.kernel

    def option(self, *names: str) -> bool | None:
        """Whether all these configuration options are `y`; None when the configuration is unknown.

        An option the file does not mention is one this kernel does not have or does not offer.
        """
        config = self.kernel.config
        return None if config is None else all(config.get(name, "n") == "y" for name in names)

    def setting(self, option: str) -> str | None:
        """A configuration option's value, `n` when it is not there; None: the configuration is unknown."""
        config = self.kernel.config
        return None if config is None else config.get(option, "n")

    def counts_as_loaded(self, module: str) -> bool:
        """Whether a module is taken as loaded."""
        return module in self.target.loaded_modules

    def has_func(self, name: str) -> bool:
        """Whether vmlinux's BTF, or that of a loaded module, describes a function of this name."""
        found = self._functions.get(name)
        if found is None:
            btfs = (self.target.relocation.vmlinux, *self.target.relocation.modules)
            found = self._functions[name] = any(b.btf.ids_by_name(name, {Kind.FUNC}) for b in btfs)
        return found

    @cached_property
    def _functions(self) -> dict[str, bool]:
        return {}

    def has_type(self, name: str, kind: Kind) -> bool:
        """Whether vmlinux's BTF has a type of that name and kind."""
        return bool(self.kernel.btf.ids_by_name(name, {kind}))

    def symbol(self, name: str) -> str | None:
        """The type letters of a symbol of exactly this name; "" when there is none, None when unknown."""
        symbols = self.kernel.symbols
        return None if symbols is None else symbols.get(name, "")

    def in_loaded_module(self, name: str) -> bool:
        """Whether a module that counts as loaded has a function of this name, and vmlinux has not."""
        if not self.target.loaded_modules or self.has_type(name, Kind.FUNC):
            return False
        return any(module.btf.ids_by_name(name, {Kind.FUNC}) for module in self.target.relocation.modules)

    def in_module_btf(self, name: str) -> bool:
        """Whether a loaded module's BTF, vmlinux's below it included, describes such a function."""
        return any(module.btf.ids_by_name(name, {Kind.FUNC}) for module in self.target.relocation.modules)

    def variants(self, name: str) -> tuple[str, ...]:
        """Symbols that are versions of a function: `NAME.part.0`, `NAME.isra.0`; sorted."""
        from preflight.kernels.symbols import beginning_with

        if "." in name or self.kernel.symbols is None:
            return ()
        versions = beginning_with(self.kernel.symbols, f"{name}.")
        return tuple(sorted(one for one in versions if any(mark in one for mark in VARIANTS)))

    @cached_property
    def has_data_symbols(self) -> bool:
        """Whether the symbol list names variables too (CONFIG_KALLSYMS_ALL), and not functions alone."""
        return any(self.symbol(name) for name in _DATA_WITNESSES)

    def data_symbol(self, name: str) -> bool | None:
        """Whether there is a variable of this name; None when variables are not listed."""
        return bool(self.symbol(name)) if self.has_data_symbols else None

    def built(
        self, table: str = "", function: str = "", options: tuple[str, ...] = (), struct: str = ""
    ) -> bool | None:
        """Whether a part is compiled in: by the table it is reached through, a function or struct of it, its
        options.

        The first of them that tells decides. A function that BTF does not describe proves nothing:
        pahole leaves some out.
        """
        if table and (known := self.data_symbol(table)) is not None:
            return known
        if function and (self.has_func(function) or self.symbol(function)):
            return True
        if struct and self.has_type(struct, Kind.STRUCT):
            return True
        return self.option(*options) if options else None

    @cached_property
    def attach_types(self) -> frozenset[str] | None:
        """Attach types of `enum bpf_attach_type` in lower case without the prefix; None: not in BTF."""
        values = self.enum("bpf_attach_type")
        return None if values is None else frozenset(n.removeprefix("BPF_").lower() for n in values)

    def lists_attach_type(self, name: str) -> bool | None:
        """Whether there is such an attach type, in lower case without the prefix; None: not in BTF."""
        known = self.attach_types
        return None if known is None else name in known

    def has_helper(self, number: int) -> bool | None:
        """Whether there is a helper of that number; None when BTF does not list them."""
        names = self.helper_names
        return None if names is None else number in names

    def lists_helper(self, name: str) -> bool | None:
        """Whether BTF lists a helper under this name, without `bpf_`; None when it does not list them."""
        names = self.helper_names
        return None if names is None else f"BPF_FUNC_{name}" in names.values()

    @cached_property
    def helper_names(self) -> Mapping[int, str] | None:
        """Helper id -> enumerator (`BPF_FUNC_map_lookup_elem`), without the end mark."""
        values = self.enum("bpf_func_id")
        return None if values is None else {v: n for n, v in values.items() if n != "__BPF_FUNC_MAX_ID"}

    def enum(self, name: str) -> Mapping[str, int] | None:
        """Enumerators of a named enum of vmlinux; None when its BTF does not have it."""
        known = self._enums
        if name not in known:
            btf = self.kernel.btf
            ids = btf.ids_by_name(name, {Kind.ENUM, Kind.ENUM64})
            values = btf.type(ids[0]).values if ids else None  # type: ignore[attr-defined]
            known[name] = None if values is None else {v.name: v.value for v in values}
        return known[name]

    def members(self, struct: str) -> frozenset[str] | None:
        """Names of the members of a struct of vmlinux, nested ones left out; None when its BTF has none."""
        btf = self.kernel.btf
        ids = btf.ids_by_name(struct, {Kind.STRUCT})
        return frozenset(m.name for m in btf.type(ids[0]).members) if ids else None  # type: ignore[attr-defined]

    def enum_with(self, enumerator: str) -> Mapping[str, int] | None:
        """Enumerators of the enum without a name that has this one; None when no such enum is in BTF."""
        if enumerator not in self._anonymous:
            btf = self.kernel.btf
            found = None
            if enumerator.encode() in btf.strings.data:
                for type_id in btf.ids_of_kind(Kind.ENUM):
                    if btf.name(type_id):
                        continue
                    values = {v.name: v.value for v in btf.type(type_id).values}  # type: ignore[attr-defined]
                    if enumerator in values:
                        found = values
                        break
            self._anonymous[enumerator] = found
        return self._anonymous[enumerator]

    @cached_property
    def _anonymous(self) -> dict[str, Mapping[str, int] | None]:
        return {}

    @cached_property
    def _enums(self) -> dict[str, Mapping[str, int] | None]:
        return {}
