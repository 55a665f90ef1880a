# SPDX-License-Identifier: Apache-2.0
"""Kernels of other machines added by hand: every form they come in gives the same facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from preflight.kernels import Kernel, Store
from tests.kernels.builders import PACK, deb, elf, s390_image, tiny_btf, zboot
from tests.kernels.site_builders import World
from tests.kernels.test_cli import run

VERSION = "6.99.1-1"
CONFIG = b"CONFIG_BPF=y\n# CONFIG_BPF_JIT is not set\n"
MODULE = "nf-thing"


@dataclass(frozen=True)
class Machine:
    """One architecture: Debian's name, `uname -m`, the flavour, and how an image of it is made."""

    debian: str
    uname: str
    flavour: str
    byteorder: str
    hook: int
    image: Callable[[bytes], bytes]
    world: Callable[[], World]
    file: str = "vmlinuz"

    @property
    def release(self) -> str:
        return f"6.99.1+deb99-{self.flavour}"

    @property
    def btf(self) -> bytes:
        return tiny_btf(self.byteorder)

    @property
    def raw(self) -> bytes:
        banner = f"Linux version {self.release} (builder@host)".encode() + b"\0"
        return self.world().with_crowd(self.hook).image() + self.btf + banner

    @property
    def vmlinuz(self) -> bytes:
        return self.image(self.raw)


def _flat(
    base: int, byteorder: str = "little", way: str = "behind", links: int | None = None
) -> Callable[[], World]:
    return lambda: World(byteorder, base, elf=False, way=way, links=links)


def _headed(magic: bytes) -> Callable[[bytes], bytes]:
    """A flat image that its boot header marks."""
    return lambda raw: raw[:56] + magic + raw[60:]


MACHINES = [
    Machine(
        *("s390x", "s390x", "s390x", "big", 0),
        lambda raw: s390_image(PACK["zst"](raw)),
        _flat(0x100000, "big"),
    ),
    Machine(
        *("ppc64el", "ppc64le", "powerpc64le", "little", 8),
        lambda raw: raw,
        lambda: World(base=0xC000000000000000, machine=21),
        "vmlinux",
    ),
    Machine(*("riscv64", "riscv64", "riscv64", "little", 0), _headed(b"RSC\x05"), _flat(0xFFFFFFFF80000000)),
    Machine(
        *("riscv64", "riscv64", "riscv64", "little", -8),
        lambda raw: zboot(PACK["gz"](_headed(b"RSC\x05")(raw))),
        _flat(0, way="place", links=0xFFFFFFFF80000000),
    ),
    Machine(
        *("arm64", "aarch64", "arm64", "little", -8),
        lambda raw: PACK["gz"](_headed(b"ARM\x64")(raw)),
        _flat(0, way="place", links=0xFFFF800080000000),
    ),
]
IDS = ["s390x", "ppc64el", "riscv64", "riscv64 zboot", "arm64"]


def _module(machine: Machine) -> bytes:
    numbers = {"s390x": 22, "ppc64le": 21, "riscv64": 243, "aarch64": 183}
    return elf({".BTF": machine.btf}, machine=numbers[machine.uname], byteorder=machine.byteorder)


def _one_package(machine: Machine, folder: Path) -> list[Path]:
    release = machine.release
    files = [
        (f"./boot/System.map-{release}", b"ffffffffffffffff B The real System.map is elsewhere\n"),
        (f"./boot/config-{release}", CONFIG),
        (f"./boot/{machine.file}-{release}", machine.vmlinuz),
        (f"./usr/lib/modules/{release}/kernel/net/{MODULE}.ko.xz", PACK["xz"](_module(machine))),
    ]
    return [
        _written(
            folder, deb(f"linux-image-{release}", files, version=VERSION, arch=machine.debian), "image.deb"
        )
    ]


def _three_packages(machine: Machine, folder: Path) -> list[Path]:
    below = f"./usr/lib/modules/{machine.release}"
    contents = {
        "binary": (f"{below}/{machine.file}", machine.vmlinuz),
        "base": (f"{below}/config", CONFIG),
        "modules": (f"{below}/kernel/net/{MODULE}.ko", _module(machine)),
    }
    return [
        _written(
            folder,
            deb(f"linux-{part}-{machine.release}", [file], version=VERSION, arch=machine.debian),
            f"{part}.deb",
        )
        for part, file in contents.items()
    ]


def _written(folder: Path, data: bytes, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _added(store: Store, *arguments: str | Path) -> Kernel:
    done = run("add", *arguments, "--store", store.root)
    assert done.code == 0, done.text
    (name,) = store.names()
    assert store.verify(name) == []
    return store.get(name)


def _is_whole(kernel: Kernel, machine: Machine) -> None:
    assert (kernel.btf_bytes, kernel.byteorder) == (machine.btf, machine.byteorder)
    assert kernel.release == machine.release
    assert kernel.symbols is not None
    assert kernel.symbols["crowd_7"] == "t"
    assert kernel.trace_sites is not None
    assert (kernel.trace_sites.parts, kernel.trace_sites.marks("crowd_7")) == ({"ftrace"}, "f")


@pytest.mark.parametrize("machine", MACHINES, ids=IDS)
@pytest.mark.parametrize("packages", [_one_package, _three_packages])
def test_packages(
    machine: Machine, packages: Callable[[Machine, Path], list[Path]], store: Store, tmp_path: Path
) -> None:
    kernel = _added(store, *packages(machine, tmp_path), "--with-modules")
    _is_whole(kernel, machine)
    identity = kernel.identity
    assert (kernel.name, identity.arch) == (f"debian/{machine.release}", machine.uname)
    assert (identity.flavour, identity.version) == (machine.flavour, VERSION)
    assert kernel.config == {"CONFIG_BPF": "y", "CONFIG_BPF_JIT": "n"}


@pytest.mark.parametrize("machine", MACHINES, ids=IDS)
@pytest.mark.parametrize("pack", [None, "xz"])
def test_bare_images(machine: Machine, pack: str | None, store: Store, tmp_path: Path) -> None:
    data = machine.vmlinuz if pack is None else PACK[pack](machine.vmlinuz)
    kernel = _added(store, _written(tmp_path, data, machine.file))
    _is_whole(kernel, machine)
    assert (kernel.name, kernel.arch) == (f"local/{machine.release}", machine.uname)
    assert kernel.config is None


@pytest.mark.parametrize("machine", MACHINES, ids=IDS)
def test_parts_beside_an_image(machine: Machine, store: Store, tmp_path: Path) -> None:
    image = _written(tmp_path, machine.vmlinuz, machine.file)
    config = _written(tmp_path, CONFIG, "config")
    module = _written(tmp_path / "modules" / "kernel" / "net", _module(machine), f"{MODULE}.ko")
    kernel = _added(store, image, "--config", config, "--modules", module.parents[2])
    _is_whole(kernel, machine)
    assert kernel.config == {"CONFIG_BPF": "y", "CONFIG_BPF_JIT": "n"}
    assert kernel.modules == {"nf_thing"}


@pytest.mark.parametrize("machine", MACHINES, ids=IDS)
def test_an_image_that_is_cut_off_is_refused_and_leaves_nothing(
    machine: Machine, store: Store, tmp_path: Path
) -> None:
    whole = machine.vmlinuz
    done = run("add", _written(tmp_path, whole[: len(whole) // 3], machine.file), "--store", store.root)
    assert done.code == 2
    assert store.names() == []
