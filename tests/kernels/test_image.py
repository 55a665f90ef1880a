# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.errors import InputError
from preflight.kernels import image
from tests.kernels.builders import (
    PACK,
    RELEASE,
    arm64_image,
    bzimage,
    flat,
    riscv_image,
    s390_image,
    tiny_btf,
    vmlinux,
    zboot,
)

LITTLE = tiny_btf()
BIG = tiny_btf("big")

IMAGES = {
    **{f"x86 {kind}": (bzimage(PACK[kind](vmlinux(LITTLE))), "x86_64", LITTLE) for kind in PACK},
    "vmlinux": (vmlinux(LITTLE), "x86_64", LITTLE),
    "ppc64le vmlinux": (vmlinux(LITTLE, machine=21), "ppc64le", LITTLE),
    "ppc64 vmlinux": (vmlinux(BIG, machine=21, byteorder="big"), "ppc64", BIG),
    "32-bit vmlinux": (vmlinux(LITTLE, machine=3, wide=False), "i686", LITTLE),
    "packed vmlinux": (PACK["xz"](vmlinux(LITTLE)), "x86_64", LITTLE),
    "arm64": (arm64_image(LITTLE), "aarch64", LITTLE),
    "arm64 gz": (PACK["gz"](arm64_image(LITTLE)), "aarch64", LITTLE),
    "arm64 zboot": (zboot(PACK["zst"](arm64_image(LITTLE)), "zstd22"), "aarch64", LITTLE),
    "riscv": (riscv_image(LITTLE), "riscv64", LITTLE),
    "riscv zboot": (zboot(PACK["gz"](riscv_image(LITTLE))), "riscv64", LITTLE),
    "s390 zst": (s390_image(PACK["zst"](flat(BIG))), "s390x", BIG),
    "s390 gz": (s390_image(PACK["gz"](flat(BIG))), "s390x", BIG),
}


@pytest.mark.parametrize("name", IMAGES)
def test_finds_the_btf(name: str) -> None:
    data, _, btf = IMAGES[name]
    found, byteorder = image.unpack(data).found_btf
    assert found == btf
    assert byteorder == ("big" if btf is BIG else "little")


@pytest.mark.parametrize("name", IMAGES)
def test_tells_architecture_and_release(name: str) -> None:
    data, arch, _ = IMAGES[name]
    kernel = image.unpack(data)
    assert (kernel.arch, kernel.release) == (arch, RELEASE)


@pytest.mark.parametrize(
    "data",
    [
        bzimage(PACK["gz"](vmlinux(None))),
        vmlinux(None),
        arm64_image(None),
        s390_image(PACK["zst"](flat(None))),
    ],
)
def test_a_kernel_without_btf_is_said_to_have_none(data: bytes) -> None:
    kernel = image.unpack(data)
    with pytest.raises(InputError, match="holds no BTF: this kernel was built without CONFIG_DEBUG_INFO_BTF"):
        _ = kernel.found_btf


@pytest.mark.parametrize("data", [b"", b"\0", b"MZ", b"hello" * 100, bytes(70000), b"\x7fELF"])
def test_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        _ = image.unpack(data).found_btf


def test_the_largest_btf_of_a_flat_image_wins() -> None:
    """Light skeletons carry small BTFs of their own inside the kernel's data."""
    large = tiny_btf(types=50)
    found, _ = image.unpack(arm64_image(LITTLE + bytes(16) + large + bytes(16) + LITTLE)).found_btf
    assert found == large


def test_a_payload_past_the_end_is_refused_with_the_offset() -> None:
    data = bytearray(bzimage(PACK["gz"](vmlinux(LITTLE))))
    struct.pack_into("<I", data, 0x24C, 1 << 30)
    with pytest.raises(InputError) as caught:
        image.unpack(bytes(data), subject="vmlinuz")
    assert caught.value.offset == 0x248
    assert str(caught.value).startswith("vmlinuz: ")


def test_an_old_boot_protocol_is_refused() -> None:
    with pytest.raises(InputError, match="boot protocol 0x207"):
        image.unpack(bzimage(PACK["gz"](vmlinux(LITTLE)), protocol=0x207))


def test_a_setup_size_of_zero_stands_for_four() -> None:
    data = bytearray(bzimage(PACK["gz"](vmlinux(LITTLE))))
    data[0x1F1] = 0
    longer = bytes(data[:1024]) + bytes(3 * 512) + bytes(data[1024:])
    assert image.unpack(longer).found_btf[0] == LITTLE


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "UNPACKED_LIMIT", 1 << 20)
    with pytest.raises(InputError, match="unpacks to more than 1 MiB"):
        image.unpack(PACK["gz"](bytes(2 << 20)))


def test_packing_within_packing_ends() -> None:
    data = vmlinux(LITTLE)
    for _ in range(6):
        data = PACK["gz"](data)
    with pytest.raises(InputError, match="packed too many times"):
        image.unpack(data)


def test_the_embedded_configuration_is_read() -> None:
    text = b"CONFIG_BPF=y\n"
    packed = PACK["gz"](text)
    data = arm64_image(LITTLE + b"a string IKCFG_ST in code" + b"IKCFG_ST" + packed + b"IKCFG_ED")
    assert image.unpack(data).config == text
    assert image.unpack(arm64_image(LITTLE)).config is None


@pytest.mark.parametrize("name", IMAGES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_damage_never_ends_in_another_exception(name: str, data: st.DataObject) -> None:
    packed = bytearray(IMAGES[name][0])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, min(len(packed) - 1, 0x300)))
        packed[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(packed)))
    try:
        kernel = image.unpack(bytes(packed[:cut]))
        btf, _ = kernel.found_btf
        assert btf
        assert kernel.release is None or kernel.release.isascii()
    except InputError as error:
        assert str(error)


@pytest.mark.parametrize("missing", [1, 16])
def test_an_x86_image_that_lacks_its_last_bytes_is_cut_off(missing: int) -> None:
    """Behind the payload, which is whole: a download that ended early."""
    whole = bzimage(PACK["xz"](vmlinux(tiny_btf())))
    assert image.unpack(whole).arch == "x86_64"
    assert image.unpack(whole + b"signature").arch == "x86_64"
    with pytest.raises(InputError, match=f"cut off: its boot header tells of {len(whole)} bytes"):
        image.unpack(whole[:-missing])
