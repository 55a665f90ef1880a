# SPDX-License-Identifier: Apache-2.0
"""A kernel from the packages a distribution ships it in, read as they are.

Debian up to 6.18: `linux-image-REL` holds the image, the configuration and the modules. From
6.19 on `linux-binary-REL` holds the image, `linux-base-REL` the configuration and
`linux-modules-REL` the modules, and `linux-image-REL` nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from preflight.errors import InputError
from preflight.kernels import deb, elf, image
from preflight.kernels.blob import Blob
from preflight.kernels.decompress import decompress, kind_of
from preflight.kernels.files import source_path
from preflight.kernels.model import Contents, Identity, Kernel, Provenance
from preflight.kernels.module_sites import hooked_functions
from preflight.kernels.trace_sites import with_modules_of

_IMAGE = re.compile(r"(?:boot/vmlinu[xz]-(?P<boot>[^/]+)|(?:usr/)?lib/modules/(?P<lib>[^/]+)/vmlinu[xz])\Z")
_CONFIG = re.compile(r"(?:boot/config-[^/]+|(?:usr/)?lib/modules/[^/]+/config)\Z")
_MODULE = re.compile(r"(?:usr/)?lib/modules/[^/]+/.+/(?P<name>[^/]+)\.ko(?:\.[a-z0-9]+)?\Z")

#: `7.3.4+deb13-cloud-amd64` -> `cloud-amd64`; an -rc belongs to the version.
_FLAVOUR = re.compile(r"-(?!rc[0-9])([a-z].*)\Z")

#: Debian architecture -> `uname -m`
ARCHITECTURES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "s390x": "s390x",
    "ppc64el": "ppc64le",
    "riscv64": "riscv64",
    "i386": "i686",
    "armhf": "armv7l",
    "armel": "armv5tel",
    "loong64": "loongarch64",
    "mips64el": "mips64",
}

#: No module file is larger, packed or not.
MODULE_LIMIT = 64 << 20


def flavour_of(release: str) -> str | None:
    """The flavour in a Debian kernel release: `6.1.0-50-cloud-amd64` -> `cloud-amd64`."""
    match = _FLAVOUR.search(release)
    return match[1] if match else None


def module_name(file: str) -> str:
    """The kernel's name for a module file: `nf-foo.ko` -> `nf_foo` (KBUILD_MODNAME)."""
    return file.replace("-", "_")


def kernel_from_packages(
    paths: Sequence[Path], *, with_modules: bool = False, name: str | None = None, suite: str | None = None
) -> Kernel:
    """One kernel from its package, or from the packages of one build together.

    The kernel's name is `name`, else the first path. InputError when none of them holds a kernel image,
    or the image holds no BTF.
    """
    subject = str(paths[0])
    controls = [deb.control(path) for path in paths]
    found: image.KernelImage | None = None
    holder: dict[str, str] = {}
    release: str | None = None
    config: bytes | None = None
    modules: dict[str, Blob] = {}
    hooked: dict[str, frozenset[str] | None] = {}
    for path, fields in zip(paths, controls, strict=True):
        for file in deb.files(path):
            if (match := _IMAGE.match(file.name)) and file.size:
                found = image.unpack(file.read(), subject=f"{path}: {file.name}")
                release = match["boot"] or match["lib"]
                holder = fields
            elif _CONFIG.match(file.name):
                config = file.read()
            elif with_modules and (match := _MODULE.match(file.name)):
                subject_of = f"{path}: {file.name}"
                data = unpacked_module(file.read(), subject_of)
                btf = module_btf(data, subject_of)
                if btf is not None:
                    modules[module_name(match["name"])] = Blob(data=btf)
                hooked[module_name(match["name"])] = hooked_functions(data)
            # The modules come last and are most of the package.
            if found and config is not None and not with_modules:
                break
    if found is None:
        raise InputError(_no_image(controls[0]), subject=subject)
    try:
        btf, order = found.found_btf
    except InputError as error:
        raise error.about(subject) from None
    identity = Identity(
        name=name or subject,
        byteorder=order,
        release=release or found.release,
        arch=found.arch or ARCHITECTURES.get(holder.get("Architecture", "")),
        distribution=distribution_of(holder),
        suite=suite,
        flavour=flavour_of(release or ""),
        package=holder.get("Package"),
        version=holder.get("Version"),
    )
    config = config or found.config
    modules, notes = _usable(modules, btf)
    sites = found.trace_sites
    contents = Contents(
        btf=Blob(data=btf),
        config=Blob(data=config) if config is not None else None,
        symbols=Blob(data=found.symbols) if found.symbols is not None else None,
        sites=Blob(data=with_modules_of(sites, hooked)) if sites is not None else None,
        modules=modules if with_modules else None,
    )
    return Kernel(identity, contents, Provenance("deb", tuple(source_path(path) for path in paths), notes))


def _usable(modules: dict[str, Blob], vmlinux: bytes) -> tuple[dict[str, Blob], tuple[str, ...]]:
    """The modules whose split BTF fits the kernel's, and a note on the others: they spoil no kernel."""
    from preflight.btf import Btf

    base = Btf.parse(vmlinux)
    bad = []
    for name, blob in modules.items():
        try:
            Btf.parse(blob.read(), base).validate()
        except InputError:
            bad.append(name)
    kept = {name: blob for name, blob in modules.items() if name not in bad}
    notes = (
        (f"split BTF of {len(bad)} modules does not fit the kernel's: {', '.join(bad[:8])}",) if bad else ()
    )
    return kept, notes


def _no_image(fields: dict[str, str]) -> str:
    package = fields.get("Package", "the package")[:80]
    if package.startswith("linux-image-"):
        release = package.removeprefix("linux-image-")
        return f"{package} holds no kernel image; from 6.19 on it is in linux-binary-{release}"
    return f"{package} holds no kernel image"


def distribution_of(fields: dict[str, str]) -> str | None:
    """`debian` or `ubuntu` by the maintainer in the control fields, None for anyone else."""
    maintainer = fields.get("Maintainer", "").lower()
    return next((name for name in ("ubuntu", "debian") if name in maintainer), None)


def unpacked_module(data: bytes, subject: str) -> bytes:
    """A module file without its packing. InputError when it is damaged."""
    kind = kind_of(data)
    return data if kind is None else decompress(kind, data, limit=MODULE_LIMIT, subject=subject)


def module_btf(data: bytes, subject: str) -> bytes | None:
    """Split BTF of a module file, packed or not; None when it has none. InputError when it is damaged."""
    try:
        return elf.parse(unpacked_module(data, subject)).section(".BTF")
    except InputError as error:
        raise error.about(subject) from None
