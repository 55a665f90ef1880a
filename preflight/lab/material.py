# SPDX-License-Identifier: Apache-2.0
"""What booting a kernel takes: its image, and modules when asked for.

The catalogue keeps facts, not images: an image is taken from the package the facts came from, found
again through the suite's signed index, and kept in `$XDG_CACHE_HOME/preflight/lab`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.errors import InputError, InstrumentError, PreflightError
from preflight.kernels.model import Kernel

if TYPE_CHECKING:
    from preflight.kernels.aptroot import AptRoot
    from preflight.kernels.fetch_debian import Build

_IMAGE = re.compile(r"(?:boot/vmlinuz-[^/]+|(?:usr/)?lib/modules/[^/]+/vmlinuz)\Z")
_MODULE = re.compile(r"(?:usr/)?lib/modules/[^/]+/.+/(?P<name>[^/]+)\.ko(?:\.(?:xz|zst|gz))?\Z")
_MODULE_LIMIT = 64 << 20
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
#: No chain of dependencies in a distribution's kernel is longer.
_MAX_MODULES = 64


class NotBootableError(PreflightError):
    """This kernel has no image to boot; the message says why. Other kernels are not concerned."""


@dataclass(frozen=True, slots=True)
class BootFiles:
    """The image to boot, and the modules to insert, in the order in which they must be inserted."""

    image: Path
    modules: tuple[tuple[str, bytes], ...] = ()


def cache_root() -> Path:
    """`$XDG_CACHE_HOME/preflight/lab`, normally `~/.cache/preflight/lab`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "preflight" / "lab"


@dataclass(slots=True)
class Supply:
    """Finds the boot files of kernels; remembers the suites it has opened. For one thread."""

    folder: Path = field(default_factory=cache_root)
    say: Callable[[str], None] = lambda _: None
    _suites: dict[tuple[str, str], tuple[AptRoot, list[Build]]] = field(default_factory=dict)

    def files(self, kernel: Kernel, modules: Sequence[str] = ()) -> BootFiles:
        """The boot files of a kernel. NotBootableError when its image or a module cannot be had."""
        try:
            return self._files(kernel, modules)
        except NotBootableError:
            raise
        except (InputError, InstrumentError) as error:
            raise NotBootableError(str(error)) from error
        except OSError as error:
            raise NotBootableError(f"{self.folder}: {error.strerror}") from error

    def _files(self, kernel: Kernel, modules: Sequence[str]) -> BootFiles:
        path = Path(kernel.name)
        if kernel.provenance.kind == "image" and path.is_file():
            if modules:
                raise NotBootableError("a bare image has no modules; name its package instead")
            return BootFiles(path.resolve())
        if kernel.provenance.kind == "deb" and path.is_file():
            packages: tuple[Path, ...] = (path,)
            return BootFiles(self._image_from(packages, kernel), _modules(packages, modules))
        image = self._image_path(kernel)
        if image.is_file() and not modules:
            return BootFiles(image)
        packages = self._download(kernel, with_modules=bool(modules))
        found = image if image.is_file() else self._image_from(packages, kernel)
        inserted = _modules(packages, modules)
        if not modules:
            for package in packages:
                package.unlink(missing_ok=True)
        return BootFiles(found, inserted)

    def _image_path(self, kernel: Kernel) -> Path:
        identity = kernel.identity
        source = kernel.provenance.files[0].sha256[:16] if kernel.provenance.files else "unknown"
        return self.folder / f"{_plain(identity.release or 'kernel')}-{_plain(source)}" / "vmlinuz"

    def _image_from(self, packages: Sequence[Path], kernel: Kernel) -> Path:
        """Take the image out of its package and keep it. NotBootableError when there is none."""
        from preflight.kernels import deb

        target = self._image_path(kernel)
        for package in packages:
            for file in deb.files(package):
                if _IMAGE.match(file.name) and file.size:
                    _write(target, file.read())
                    return target
        raise NotBootableError(f"{packages[0].name} holds no kernel image")

    def _download(self, kernel: Kernel, *, with_modules: bool) -> tuple[Path, ...]:
        """The packages of a catalogue kernel, from its suite."""
        root, found = self._suite(kernel)
        identity = kernel.identity
        for build in found:
            if build.release == identity.release and any(p.version == identity.version for p in build.image):
                break
        else:
            raise NotBootableError(
                f"{identity.suite} no longer has {identity.release} {identity.version}; "
                "fetch a kernel that it has with `preflight kernels fetch`"
            )
        folder = self._image_path(kernel).parent
        folder.mkdir(parents=True, exist_ok=True)
        self.say(f"downloading {identity.release} from {identity.suite}")
        wanted = [*build.image[:1], *([build.modules] if with_modules and build.modules else [])]
        try:
            return tuple(root.download(package, folder) for package in wanted)
        except InstrumentError:
            if len(build.image) == 1:
                raise
            wanted[0] = build.image[1]
            return tuple(root.download(package, folder) for package in wanted)

    def _suite(self, kernel: Kernel) -> tuple[AptRoot, list[Build]]:
        from preflight.kernels import fetch_debian
        from preflight.kernels.packages import ARCHITECTURES

        identity = kernel.identity
        arch = next((debian for debian, uname in ARCHITECTURES.items() if uname == identity.arch), None)
        if identity.distribution != "debian" or not identity.suite or arch is None:
            raise NotBootableError(
                "only its facts are known, not where its image is; name the vmlinuz or the .deb itself"
            )
        key = (identity.suite, arch)
        if key not in self._suites:
            root = fetch_debian.open_suite(identity.suite, arch, say=self.say)
            self._suites[key] = (root, fetch_debian.builds(root.packages("linux-")))
        return self._suites[key]


def _modules(packages: Sequence[Path], wanted: Sequence[str]) -> tuple[tuple[str, bytes], ...]:
    """The wanted modules after those they depend on. NotBootableError for one the packages do not have."""
    if not wanted:
        return ()
    from preflight.kernels import deb
    from preflight.kernels.decompress import decompress, kind_of
    from preflight.kernels.packages import module_name

    missing = {_checked(name).replace("-", "_") for name in wanted}
    found: dict[str, bytes] = {}
    seen: set[str] = set()
    while missing:
        new: dict[str, bytes] = {}
        for package in packages:
            for file in deb.files(package):
                match = _MODULE.match(file.name)
                if match is None:
                    continue
                seen.add(module_name(match["name"]))
                if module_name(match["name"]) in missing - new.keys():
                    data = file.read()
                    kind = kind_of(data)
                    if kind is not None:
                        data = decompress(kind, data, limit=_MODULE_LIMIT, subject=file.name)
                    new[module_name(match["name"])] = data
        if lost := sorted(missing - new.keys()):
            raise NotBootableError(f"its packages have no module {', '.join(lost)}{_near(lost[0], seen)}")
        # What was found first is needed last.
        found = {**new, **found}
        if len(found) > _MAX_MODULES:
            raise NotBootableError(f"the modules need more than {_MAX_MODULES} others")
        missing = {d for data in new.values() for d in depends(data)} - found.keys()
    return _ordered(found)


def _near(name: str, seen: set[str]) -> str:
    """Modules that may be meant: `md` is a directory, its module is `md_mod`."""
    import difflib

    near = sorted(n for n in seen if n.startswith(f"{name}_"))[:3]
    near = near or difflib.get_close_matches(name, sorted(seen), n=3, cutoff=0.6)
    return f"; did you mean {', '.join(near)}?" if near else ""


def _ordered(found: dict[str, bytes]) -> tuple[tuple[str, bytes], ...]:
    """Each module after all it depends on."""
    placed: dict[str, bytes] = {}

    def place(name: str, above: frozenset[str]) -> None:
        if name in placed or name in above:
            return
        for other in depends(found[name]):
            place(other, above | {name})
        placed[name] = found[name]

    for name in found:
        place(name, frozenset())
    return tuple(placed.items())


def depends(module: bytes) -> tuple[str, ...]:
    """The modules a module file names in its `depends=` (.modinfo, scripts/mod/modpost.c add_depends())."""
    from preflight.kernels import elf

    info = elf.parse(module).section(".modinfo") or b""
    for item in info.split(b"\0"):
        if item.startswith(b"depends="):
            names = item.removeprefix(b"depends=").decode("ascii", "replace").split(",")
            return tuple(name.replace("-", "_") for name in names if _NAME.match(name))
    return ()


def _checked(name: str) -> str:
    if not _NAME.match(name):
        raise InputError(f"{name[:64]!r} cannot be the name of a module")
    return name


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+~-]", "-", text)


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".vmlinuz.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
