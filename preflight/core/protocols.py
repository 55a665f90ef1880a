# SPDX-License-Identifier: Apache-2.0
"""What relocation needs of an object. `preflight.objects` fits, but is not imported here.

For type checkers only: other modules import this one under TYPE_CHECKING.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

from preflight.btf import Btf, BtfExt
from preflight.core.question import Plan


class Function(Protocol):
    """A program or subprogram of an object.

    `section_insn` is its first instruction slot in `section`; `code` its instructions in the
    object's byte order. A program may have `autoload`; whoever has not is always loaded.
    """

    @property
    def name(self) -> str:
        """Symbol name."""

    @property
    def section(self) -> str:
        """ELF section name."""

    @property
    def section_insn(self) -> int:
        """First instruction slot in the section."""

    @property
    def code(self) -> bytes:
        """Instruction bytes."""


class RelocatableObject(Protocol):
    """What relocation needs of `preflight.objects.BpfObject`."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def byteorder(self) -> str:
        """`little` or `big`."""

    @property
    def btf(self) -> Btf | None:
        """Its types."""

    @property
    def btf_ext(self) -> BtfExt | None:
        """Its records."""

    @property
    def programs(self) -> Sequence[Function]:
        """Entry points, with `autoload`."""

    @property
    def subprograms(self) -> Sequence[Function]:
        """Functions in .text."""

    def memo(self, key: Hashable, compute: Callable[[], Plan]) -> Plan:
        """Keeps what was computed once."""


class Extern(Protocol):
    """What is needed of `preflight.objects.Extern`."""

    @property
    def name(self) -> str:
        """As written in the object."""

    @property
    def essential(self) -> str:
        """Without a flavour; what a kernel function is looked up by."""

    @property
    def kind(self) -> str:
        """`kconfig`, `ksym` or `kfunc`."""

    @property
    def weak(self) -> bool:
        """Whether it may be missing."""

    @property
    def type_id(self) -> int:
        """The type declared, behind qualifiers; a FUNC_PROTO for a kfunc, 0 for an untyped ksym."""


class Slot(Protocol):
    """What is needed of `preflight.objects.model.KconfigSlot`."""

    @property
    def offset(self) -> int:
        """Bytes into the map."""

    @property
    def size(self) -> int:
        """Bytes of the variable."""

    @property
    def type(self) -> str:
        """`bool`, `char`, `int`, `tristate` or `char-array`."""

    @property
    def signed(self) -> bool:
        """Whether an integer is signed."""


class ConfigExtern(Protocol):
    """What is needed of `preflight.objects.Extern`."""

    @property
    def name(self) -> str:
        """The option: `CONFIG_HZ`, `LINUX_KERNEL_VERSION`."""

    @property
    def weak(self) -> bool:
        """Whether it may be unset."""

    @property
    def kconfig(self) -> Slot | None:
        """Where it lies; None for other externs."""
