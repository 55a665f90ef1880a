# SPDX-License-Identifier: Apache-2.0
"""A kernel that shows no BTF, as something to boot: nothing is known of it but its image."""

from __future__ import annotations

from pathlib import Path

from preflight.errors import InputError
from preflight.kernels.blob import Blob, read_bounded
from preflight.kernels.model import Contents, Identity, Kernel, Provenance

_DEB = b"!<arch>\n"


def kernel_without_btf(path: Path, why: str) -> Kernel:
    """The kernel in an image or package, called as the path is. InputError when it is neither."""
    with path.open("rb") as stream:
        packaged = stream.read(len(_DEB)) == _DEB
    release, arch = _packaged(path) if packaged else _image(path)
    identity = Identity(str(path), "little", release=release, arch=arch)
    return Kernel(identity, Contents(Blob(data=b"")), Provenance("deb" if packaged else "image", (), (why,)))


def expected_btf(kernel: Kernel) -> str | None:
    """The digest of the BTF that a boot must show; None when its facts have none."""
    if kernel.contents.btf.data == b"":
        return None
    return kernel.btf_sha256


def _packaged(path: Path) -> tuple[str | None, str | None]:
    from preflight.kernels import deb
    from preflight.kernels.packages import ARCHITECTURES

    fields = deb.control(path)
    release = fields.get("Package", "").removeprefix("linux-image-").removesuffix("-unsigned")
    return release or None, ARCHITECTURES.get(fields.get("Architecture", ""))


def _image(path: Path) -> tuple[str | None, str | None]:
    from preflight.kernels import image

    try:
        found = image.unpack(read_bounded(path, image.FILE_LIMIT))
    except InputError as error:
        raise error.about(str(path)) from None
    return found.release, found.arch
