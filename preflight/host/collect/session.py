# SPDX-License-Identifier: Apache-2.0
"""What the collectors of one run share, so that nothing expensive is read or parsed twice.

Every collector module has one public function, `collect(session: Session) -> <Area>Facts`.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.errors import InputError
from preflight.facts import Fact
from preflight.host.areas.context import ConfigTried, KernelConfig
from preflight.host.collect.boot_memory import BootMemory
from preflight.host.collect.kconfig import find_config
from preflight.host.collect.ktypes import Answers, KernelTypes
from preflight.host.system import Reading, System
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.btf import Btf

#: The kernel's own BTF.
VMLINUX_BTF = "/sys/kernel/btf/vmlinux"
#: Largest BTF file that is read.
BTF_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked of the collection.

    `kernel_config` names a configuration file, `btf_dir` a directory of external BTF files.
    `full` asks for the helpers of every program type, and allows trial loads that write to the
    kernel log. `attach` also attaches to targets of this process's own, and detaches again. `cache`
    remembers what the kernel's BTF answered. `functions` and `tracepoints` (category, name) are
    attach targets to look up; `program_types` (bpftool's names) are needed by somebody, so that
    their helpers are asked as well.
    """

    kernel_config: Path | None = None
    btf_dir: Path | None = None
    full: bool = False
    attach: bool = False
    cache: bool = False
    functions: tuple[str, ...] = ()
    tracepoints: tuple[tuple[str, str], ...] = ()
    program_types: tuple[str, ...] = ()


class Session:
    """One collection: the system, the user's options, and the costly things read once.

    Making one raises InputError when the options name a configuration or a directory that is none:
    a file the user names must not be passed over silently.
    """

    def __init__(self, system: System | None = None, options: Options | None = None) -> None:
        self.system = system or System()
        self.options = options or Options()
        given, folder = self.options.kernel_config, self.options.btf_dir
        if given is not None and self.config_tried[0].seen != "read":
            raise InputError(f"--kernel-config: {self.config_tried[0].seen}", subject=str(given))
        if folder is not None and not folder.is_dir():
            raise InputError("--btf-dir is not a directory", subject=str(folder))

    @property
    def is_live(self) -> bool:
        """Whether system calls may be asked: only when the files read are this very kernel's."""
        return self.system.is_live

    @cached_property
    def _config(self) -> tuple[Fact[KernelConfig], tuple[ConfigTried, ...]]:
        return find_config(self.system, self.options.kernel_config)

    @property
    def config(self) -> Fact[KernelConfig]:
        """The kernel configuration, unknown when no place had one."""
        return self._config[0]

    @property
    def config_tried(self) -> tuple[ConfigTried, ...]:
        """Where it was looked for."""
        return self._config[1]

    @cached_property
    def vmlinux_head(self) -> Reading:
        """The first bytes of the kernel's own BTF: whether it can be read here."""
        return self.system.read(VMLINUX_BTF, 8)

    @cached_property
    def vmlinux_reading(self) -> Reading:
        """All its bytes. Reading and digesting them takes longer than asking what is remembered of them."""
        return self.system.read(VMLINUX_BTF, BTF_LIMIT)

    @property
    def vmlinux_is_whole(self) -> bool:
        """Whether it can be read and fits BTF_LIMIT; a remembered digest is one of all bytes."""
        if self._remembered is not None:
            return True
        return self.vmlinux_reading.is_present and not self.vmlinux_reading.truncated

    @cached_property
    def vmlinux_digest(self) -> str:
        """SHA-256 of its bytes in hex."""
        if self._remembered is not None:
            return self._remembered
        from hashlib import sha256

        digest = sha256(self.vmlinux_reading.data).hexdigest()
        if self.options.cache and self.vmlinux_is_whole:
            self._boot_memory.keep(digest)
        return digest

    @cached_property
    def _boot_memory(self) -> BootMemory:
        return BootMemory(self.system, VMLINUX_BTF)

    @cached_property
    def _remembered(self) -> str | None:
        """The digest read earlier in this boot. `full` looks at the bytes themselves."""
        usable = self.options.cache and not self.options.full and self.vmlinux_head.is_present
        return self._boot_memory.digest() if usable else None

    @cached_property
    def types(self) -> KernelTypes:
        """Questions to the kernel's own BTF, each asked once."""
        whole = self.options.cache and self.vmlinux_is_whole
        return KernelTypes(
            lambda: None if isinstance(self.vmlinux, InputError) else self.vmlinux,
            Answers(self.vmlinux_digest if whole else ""),
        )

    @cached_property
    def vmlinux(self) -> Btf | InputError | None:
        """The kernel's own BTF, the error it fails to parse with, or None when it cannot be read.

        Parses it; `types` answers from memory what was asked before.
        """
        from preflight.btf import Btf

        if not self.vmlinux_head.is_present:
            return None
        try:
            if self.options.cache:
                return _parsed_once(self.vmlinux_digest, self)
            return Btf.parse(self.vmlinux_reading.data)
        except InputError as error:
            return error.about(VMLINUX_BTF)


#: The BTF parsed last, by its digest: a second session of the same run finds it here, with its indexes.
_parsed: dict[str, Btf] = {}


def _parsed_once(digest: str, session: Session) -> Btf:
    if digest not in _parsed:
        from preflight.btf.index_cache import parse_cached

        found = parse_cached(session.vmlinux_reading.data, key=digest, write=False)
        _parsed.clear()
        _parsed[digest] = found
    return _parsed[digest]
