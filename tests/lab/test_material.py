# SPDX-License-Identifier: Apache-2.0
"""Boot files come out of a kernel's package, modules after what they depend on."""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.kernels.blob import Blob
from preflight.kernels.files import kernel_from_path
from preflight.kernels.model import Contents, Identity, Kernel, Provenance
from preflight.lab.material import NotBootableError, Supply, depends
from tests.kernels.builders import PACK, RELEASE, bzimage, deb, elf, old_layout, tiny_btf, vmlinux


def module(*needs: str) -> bytes:
    """A module file that depends on others."""
    return elf({".modinfo": b"license=GPL\0depends=" + ",".join(needs).encode() + b"\0name=x\0"})


def package(folder: Path, modules: dict[str, bytes]) -> Kernel:
    """A kernel whose package has these modules."""
    files = [(f"./lib/modules/{RELEASE}/kernel/drivers/{name}", data) for name, data in modules.items()]
    path = folder / "linux-image.deb"
    path.write_bytes(deb(f"linux-image-{RELEASE}", [*old_layout(tiny_btf())[:3], *files]))
    return kernel_from_path(path)


@pytest.fixture
def supply(tmp_path: Path) -> Supply:
    return Supply(folder=tmp_path / "cache")


def test_the_image_is_taken_from_the_package_and_kept(tmp_path: Path, supply: Supply) -> None:
    found = supply.files(package(tmp_path, {}))
    assert found.image.read_bytes() == old_layout(tiny_btf())[2][1]
    assert found.modules == ()
    assert [p.name for p in found.image.parent.iterdir()] == ["vmlinuz"]


def test_a_bare_image_boots_as_it_is(tmp_path: Path, supply: Supply) -> None:
    path = tmp_path / "vmlinuz"
    path.write_bytes(bzimage(PACK["lz4"](vmlinux(tiny_btf()))))
    kernel = kernel_from_path(path)
    assert supply.files(kernel).image == path
    with pytest.raises(NotBootableError, match="no modules"):
        supply.files(kernel, ["md_mod"])


def test_modules_come_after_what_they_need(tmp_path: Path, supply: Supply) -> None:
    kernel = package(
        tmp_path,
        {
            "top.ko": module("middle-one", "base"),
            "middle-one.ko.xz": lzma.compress(module("base")),
            "base.ko": module(),
            "other.ko": module(),
        },
    )
    found = supply.files(kernel, ["top"])
    assert [name for name, _ in found.modules] == ["base", "middle_one", "top"]
    assert found.modules[1][1] == module("base")


def test_modules_that_need_each_other_come_to_an_end(tmp_path: Path, supply: Supply) -> None:
    kernel = package(tmp_path, {"a.ko": module("b"), "b.ko": module("a")})
    assert {name for name, _ in supply.files(kernel, ["a"]).modules} == {"a", "b"}


def test_a_module_that_is_not_there_is_named(tmp_path: Path, supply: Supply) -> None:
    kernel = package(tmp_path, {"a.ko": module("gone")})
    with pytest.raises(NotBootableError, match="no module gone"):
        supply.files(kernel, ["a"])
    with pytest.raises(NotBootableError, match="cannot be the name"):
        supply.files(kernel, ["../../etc/passwd"])


def test_a_kernel_of_unknown_origin_cannot_be_booted(supply: Supply) -> None:
    kernel = Kernel(
        Identity("local/x", "little", release="6.99"), Contents(Blob(data=tiny_btf())), Provenance("btf")
    )
    with pytest.raises(NotBootableError, match=r"name the vmlinuz or the \.deb"):
        supply.files(kernel)


def test_a_suite_that_moved_on_is_told(
    tmp_path: Path, supply: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = package(tmp_path, {})
    catalogued = Kernel(
        replace(kernel.identity, name="debian/x", suite="trixie"), kernel.contents, kernel.provenance
    )
    monkeypatch.setattr(Supply, "_suite", lambda _self, _kernel: (None, []))
    with pytest.raises(NotBootableError, match="trixie no longer has"):
        supply.files(catalogued)


@pytest.mark.parametrize(
    ("info", "names"),
    [
        (b"depends=a,b-c\0", ("a", "b_c")),
        (b"depends=\0", ()),
        (b"license=GPL\0", ()),
        (b"depends=../x,a b\0", ()),
    ],
)
def test_depends(info: bytes, names: tuple[str, ...]) -> None:
    assert depends(elf({".modinfo": info})) == names
