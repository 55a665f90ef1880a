# SPDX-License-Identifier: Apache-2.0
"""One kernel as frozen facts. What is absent is unknown, never "no"."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from preflight.errors import InputError
from preflight.kernels.blob import Blob
from preflight.records import dataclass

if TYPE_CHECKING:
    from preflight.btf import Btf
    from preflight.kernels.trace_sites import TraceSites

ByteOrder = Literal["little", "big"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which kernel this is.

    `name` is how the user refers to it: a catalogue name, a path, or `host`. `release` is
    what `uname -r` prints there, `arch` what `uname -m` prints. `version` and `package`
    are the distribution's.
    """

    name: str
    byteorder: ByteOrder
    release: str | None = None
    arch: str | None = None
    distribution: str | None = None
    suite: str | None = None
    flavour: str | None = None
    package: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file the facts were taken from: its name, and size in bytes and digest as it was read."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the facts come from.

    `kind` is one of `host`, `btf`, `elf`, `image`, `deb`, `archive`, `facts`; `files` are what was
    read; `notes` are sentences a reader should see (a package that was lost, a config that
    was not there).
    """

    kind: str
    files: tuple[SourceFile, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON form, as in `kernel.json`."""
        files = [{"name": f.name, "size": f.size, "sha256": f.sha256} for f in self.files]
        return {"kind": self.kind, "files": files, "notes": list(self.notes)}


@dataclass(frozen=True, slots=True)
class Contents:
    """Where each fact can be read; None is unknown. The layouts are those of a catalogue entry.

    `btf` is raw BTF; `config` is kernel configuration text; `modules` holds split BTF by module
    name; `symbols` has lines
    `TYPE NAME` or `TYPE NAME [MODULE]`, or those of /proc/kallsyms; `tracepoints` has lines
    `category:name`; `filter_functions` is tracefs's available_filter_functions; `sites` is what the image
    says of the same, and of kprobes (`trace_sites`).
    """

    btf: Blob
    config: Blob | None = None
    modules: Mapping[str, Blob] | None = None
    symbols: Blob | None = None
    tracepoints: Blob | None = None
    filter_functions: Blob | None = None
    sites: Blob | None = None


@dataclass(frozen=True, eq=False)
class Kernel:
    """Everything known of one kernel; each fact is read and parsed when it is first asked for.

    A Kernel can be sent to another process: parsed facts stay behind and are read again there.
    Reading a fact raises InputError when its file is gone or damaged.
    """

    identity: Identity
    contents: Contents
    provenance: Provenance = Provenance("btf")

    @property
    def name(self) -> str:
        """The name this kernel was asked for by."""
        return self.identity.name

    @property
    def release(self) -> str | None:
        """What `uname -r` prints there."""
        return self.identity.release

    @property
    def arch(self) -> str | None:
        """What `uname -m` prints there."""
        return self.identity.arch

    @property
    def byteorder(self) -> ByteOrder:
        """Byte order of the kernel and of its BTF."""
        return self.identity.byteorder

    @cached_property
    def btf_bytes(self) -> bytes:
        """The raw BTF of vmlinux."""
        return self.contents.btf.read()

    @cached_property
    def btf_sha256(self) -> str:
        """SHA-256 of the raw BTF of vmlinux, in hexadecimal: what makes two kernels the same for CO-RE."""
        from hashlib import sha256

        return sha256(self.btf_bytes).hexdigest()

    @cached_property
    def btf(self) -> Btf:
        """The BTF of vmlinux."""
        return _parse(self.btf_bytes, None, self.name)

    @cached_property
    def config(self) -> Mapping[str, str] | None:
        """Configuration by option: `CONFIG_BPF` -> `y`, `m`, `n`, a number or a quoted string.

        An option the file does not mention is not in the mapping. None: unknown.
        """
        from preflight.kernels.config import Config

        return Config(self.contents.config.text()) if self.contents.config else None

    def option(self, name: str) -> str | None:
        """The value of one option; None when the file does not mention it or the configuration is unknown."""
        return None if self.config is None else self.config.get(name)

    @cached_property
    def modules(self) -> frozenset[str] | None:
        """Names of the modules whose BTF is known here; None: nothing is known of modules."""
        return None if self.contents.modules is None else frozenset(self.contents.modules)

    def module_btf(self, module: str) -> Btf | None:
        """Split BTF of a module on top of `btf`; None when it is unknown. Parsed once."""
        if self.contents.modules is None or module not in self.contents.modules:
            return None
        parsed = self._parsed_modules
        if module not in parsed:
            data = self.contents.modules[module].read()
            parsed[module] = _parse(data, self.btf, f"{self.name} module {module}")
        return parsed[module]

    @cached_property
    def symbols(self) -> Mapping[str, str] | None:
        """Symbols of kallsyms: name -> its type letters, one per symbol of that name (`t`, `Tt`).

        Several letters mean that the name is ambiguous. From an image these are vmlinux's own, from a host
        also those of the modules that were loaded: a name that only some module would have is unknown
        even so. None: unknown.
        """
        from preflight.kernels.symbols import parse_symbols

        return parse_symbols(self.contents.symbols.read()) if self.contents.symbols else None

    @cached_property
    def tracepoints(self) -> frozenset[str] | None:
        """Trace events as `category:name`; None: unknown."""
        return _lines(self.contents.tracepoints)

    @cached_property
    def available_filter_functions(self) -> frozenset[str] | None:
        """Functions that ftrace can trace, modules' included; None: unknown."""
        return _lines(self.contents.filter_functions)

    @cached_property
    def trace_sites(self) -> TraceSites | None:
        """Which functions ftrace and kprobes can take, by the tables of the kernel's image; None: unknown."""
        from preflight.kernels import trace_sites

        if self.contents.sites is None:
            return None
        try:
            return trace_sites.parse(self.contents.sites.read())
        except InputError as error:
            raise error.about(self.name) from None

    @cached_property
    def _parsed_modules(self) -> dict[str, Btf]:
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {key: self.__dict__[key] for key in ("identity", "contents", "provenance")}

    def to_dict(self) -> dict[str, Any]:
        """JSON form: the identity, the digest, and which facts are known."""
        identity = self.identity
        contents = self.contents
        return {
            "name": identity.name,
            "release": identity.release,
            "arch": identity.arch,
            "byteorder": identity.byteorder,
            "distribution": identity.distribution,
            "suite": identity.suite,
            "flavour": identity.flavour,
            "package": identity.package,
            "version": identity.version,
            "btf_sha256": self.btf_sha256,
            "source": self.provenance.to_dict(),
            "known": {
                "config": contents.config is not None,
                "modules": None if contents.modules is None else len(contents.modules),
                "symbols": contents.symbols is not None,
                "tracepoints": contents.tracepoints is not None,
                "available_filter_functions": contents.filter_functions is not None,
                "trace_sites": contents.sites is not None,
            },
        }


def _parse(data: bytes, base: Btf | None, subject: str) -> Btf:
    from preflight.btf import Btf

    try:
        return Btf.parse(data, base)
    except InputError as error:
        raise error.about(subject) from None


def _lines(blob: Blob | None) -> frozenset[str] | None:
    """The first word of each line: `available_filter_functions` appends ` [module]`."""
    if blob is None:
        return None
    return frozenset(line.split(None, 1)[0] for line in blob.text().splitlines() if line.strip())


def symbol_lines(text: str) -> bytes:
    """Symbols as an entry keeps them: without addresses, which are nobody's business, in the order given."""
    from preflight.kernels.symbols import symbol_words

    lines = (" ".join(words).rstrip() for words in symbol_words(text))
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
