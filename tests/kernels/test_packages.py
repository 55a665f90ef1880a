# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from preflight.errors import InputError
from preflight.kernels.files import kernels_from_refs
from preflight.kernels.naming import catalogue_name
from preflight.kernels.packages import flavour_of, kernel_from_packages
from preflight.kernels.parts import with_parts
from tests.btfwriter import BtfWriter
from tests.kernels.builders import PACK, RELEASE, bzimage, deb, elf, old_layout, tiny_btf, vmlinux


def _save(tmp_path: Path, package: str, files: list[tuple[str, bytes]]) -> Path:
    path = tmp_path / f"{package}.deb"
    path.write_bytes(deb(package, files))
    return path


def _new_layout(tmp_path: Path) -> dict[str, Path]:
    """The packages of one build from 6.19 on."""
    base = BtfWriter()
    base.int("int")
    module = BtfWriter(base=base)
    module.struct("in_module", [], size=1)
    folder = f"./usr/lib/modules/{RELEASE}"
    image = bzimage(PACK["zst"](vmlinux(base.bytes())))
    packed = PACK["xz"](elf({".BTF": module.bytes()}))
    contents = {
        "image": [("./usr/share/doc/x/copyright", b"x")],
        "binary": [(f"{folder}/vmlinuz", image)],
        "base": [(f"{folder}/config", b"CONFIG_BPF=y\n")],
        "modules": [
            (f"{folder}/modules.order", b""),
            (f"{folder}/kernel/net/nf-thing.ko.xz", packed),
            (f"{folder}/kernel/net/none.ko", elf({".text": b""})),
        ],
    }
    return {part: _save(tmp_path, f"linux-{part}-{RELEASE}", files) for part, files in contents.items()}


def test_the_old_layout_is_one_package(package: Path) -> None:
    kernel = kernel_from_packages([package])
    assert kernel.btf_bytes == tiny_btf()
    assert kernel.config == {"CONFIG_BPF": "y", "CONFIG_BPF_LSM": "n"}
    assert kernel.modules is None


def test_the_new_layout_is_several_packages(tmp_path: Path) -> None:
    parts = _new_layout(tmp_path)
    kernel = kernel_from_packages([parts["binary"], parts["base"]])
    assert kernel.release == RELEASE
    assert kernel.config == {"CONFIG_BPF": "y"}
    assert kernel.identity.package == f"linux-binary-{RELEASE}"
    assert [f.name for f in kernel.provenance.files] == [parts["binary"].name, parts["base"].name]


def test_the_configuration_stays_unknown_without_its_package(tmp_path: Path) -> None:
    assert kernel_from_packages([_new_layout(tmp_path)["binary"]]).config is None


def test_modules_are_read_on_request_under_the_kernels_name_for_them(tmp_path: Path) -> None:
    parts = _new_layout(tmp_path)
    kernel = kernel_from_packages([parts["binary"], parts["modules"]], with_modules=True)
    assert kernel.modules == {"nf_thing"}
    btf = kernel.module_btf("nf_thing")
    assert btf is not None
    assert btf.name(btf.start_id) == "in_module"


def test_a_module_that_does_not_fit_is_left_out_and_named(package: Path) -> None:
    kernel = kernel_from_packages([package], with_modules=True)
    assert kernel.modules == frozenset()
    assert kernel.provenance.notes == ("split BTF of 1 modules does not fit the kernel's: nf_thing",)


def test_the_metapackage_says_where_the_kernel_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"from 6.19 on it is in linux-binary-{RELEASE}".replace("+", r"\+")):
        kernel_from_packages([_new_layout(tmp_path)["image"]])


def test_a_package_without_btf_names_itself(tmp_path: Path) -> None:
    path = _save(tmp_path, "linux-image-x", old_layout(None))
    with pytest.raises(InputError, match=r"linux-image-x\.deb: holds no BTF"):
        kernel_from_packages([path])


def test_packages_of_one_build_are_one_kernel_and_others_are_their_own(tmp_path: Path, package: Path) -> None:
    parts = _new_layout(tmp_path)
    raw = tmp_path / "x.btf"
    raw.write_bytes(tiny_btf())
    other = _save(tmp_path, "linux-image-7.0-amd64", old_layout(tiny_btf(), "7.0-amd64"))
    found = kernels_from_refs([str(p) for p in (parts["base"], raw, other, parts["binary"])])
    assert sorted(len(k.provenance.files) for k in found) == [1, 1, 2]


@pytest.mark.parametrize(
    ("release", "flavour"),
    [
        ("5.10.0-32-cloud-amd64", "cloud-amd64"),
        ("7.3.4+deb13-rt-amd64", "rt-amd64"),
        ("6.12.90+deb13.1-arm64-16k", "arm64-16k"),
        ("6.1.0-0.deb11.52-amd64", "amd64"),
        ("6.13-rc7-amd64", "amd64"),
        ("6.18.44", None),
    ],
)
def test_the_flavour_is_in_the_release(release: str, flavour: str | None) -> None:
    assert flavour_of(release) == flavour


def test_catalogue_names(package: Path, tmp_path: Path) -> None:
    raw = tmp_path / "my kernel.btf.xz"
    raw.write_bytes(PACK["xz"](tiny_btf()))
    found = kernels_from_refs([str(package), str(raw)])
    assert sorted(catalogue_name(k) for k in found) == [f"debian/{RELEASE}", "local/my-kernel"]


# --- facts that come in files of their own


def test_parts_are_joined(tmp_path: Path, package: Path) -> None:
    config = tmp_path / "config.gz"
    config.write_bytes(PACK["gz"](b"CONFIG_BPF=m\n"))
    symbols = tmp_path / "System.map"
    symbols.write_text("".join(f"ffffffff81000{n:03x} T function_{n}\n" for n in range(2000)))
    kernel = with_parts(kernel_from_packages([package]), config=config, symbols=symbols)
    assert kernel.config == {"CONFIG_BPF": "m"}
    assert kernel.symbols is not None
    assert kernel.symbols["function_7"] == "T"


def test_a_module_directory_is_searched(tmp_path: Path, package: Path) -> None:
    modules = tmp_path / "modules" / "kernel" / "net"
    modules.mkdir(parents=True)
    (modules / "a-b.ko.zst").write_bytes(PACK["zst"](elf({".BTF": b"split"})))
    (modules / "plain.ko").write_bytes(elf({".BTF": b"split"}))
    (modules / "raw.btf").write_bytes(b"split")
    (modules / "loop").symlink_to(tmp_path)
    (modules / "notes.txt").write_text("x")
    kernel = with_parts(kernel_from_packages([package]), modules=tmp_path / "modules")
    assert kernel.modules == {"a_b", "plain", "raw"}


@pytest.mark.parametrize("part", ["config", "symbols", "modules"])
def test_a_wrong_part_is_refused(tmp_path: Path, package: Path, part: str) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("nothing of the kind\n")
    with pytest.raises(InputError, match="wrong: "):
        with_parts(kernel_from_packages([package]), **{part: wrong})  # type: ignore[arg-type]


def test_the_stub_of_system_map_that_debian_ships_is_no_symbol_list_worth_having(
    tmp_path: Path, package: Path
) -> None:
    stub = tmp_path / "System.map"
    stub.write_text("ffffffffffffffff B The real System.map is in the linux-image-dbg package\n")
    with pytest.raises(InputError, match="stub"):
        with_parts(kernel_from_packages([package]), symbols=stub)
