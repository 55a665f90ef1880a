# SPDX-License-Identifier: Apache-2.0
"""The text formats of /proc and of configuration files, sound and hostile."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from preflight.host import procfs
from preflight.host.procfs import (
    IdRange,
    inflate_config,
    parse_config,
    parse_id_map,
    parse_mask,
    parse_mountinfo,
    parse_os_release,
    parse_status,
)


def test_mountinfo_with_optional_fields_and_escapes() -> None:
    line = (
        b"36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 propagate_from:2 - bpf none rw,delegate_cmds=any\n"
    )
    (mount,) = parse_mountinfo(line)
    assert (mount.point, mount.fstype, mount.root) == ("/mnt 2", "bpf", "/mnt1")
    assert mount.super_options == ("rw", "delegate_cmds=any")


def test_mountinfo_leaves_out_the_source_device() -> None:
    (mount,) = parse_mountinfo(b"36 35 0:1 / /mnt rw - nfs4 fileserver.example.org:/home rw\n")
    assert "fileserver" not in repr(mount)


def test_mountinfo_skips_what_is_not_a_mount() -> None:
    assert parse_mountinfo(b"garbage\n\n1 2 3 4 5 6 7 8\n36 35 0:1 / /x rw - proc\n") == ()


@given(st.binary(max_size=2000))
def test_no_parser_raises_on_any_bytes(data: bytes) -> None:
    parse_mountinfo(data)
    parse_status(data)
    parse_id_map(data)
    parse_os_release(data)
    parse_config(inflate_config(data) or b"")


@given(st.text(max_size=40))
def test_a_mask_is_a_set_of_bits_or_nothing(text: str) -> None:
    bits = parse_mask(text)
    if bits is not None:
        assert sum(1 << bit for bit in bits) == int(text, 16)


def test_status_drops_the_process_name() -> None:
    fields = parse_status(b"Name:\tsecret-agent\nCapEff:\t000001ffffffffff\nSeccomp:\t2\n")
    assert fields == {"CapEff": "000001ffffffffff", "Seccomp": "2"}


def test_id_map() -> None:
    assert parse_id_map(b"         0       1000          1\n") == (IdRange(0, 1000, 1),)


def test_os_release_keeps_two_fields_only() -> None:
    text = b'PRETTY_NAME="Debian of Jane"\nID=debian\nVERSION_ID="12"\nHOME_URL="https://jane.example"\n'
    assert parse_os_release(text) == {"ID": "debian", "VERSION_ID": "12"}


def test_os_release_values_are_plain() -> None:
    assert parse_os_release(b"ID=\x1b[31mred</script>\n")["ID"] == "31mredscript"


def test_config_tells_no_from_absent() -> None:
    options = parse_config(b'CONFIG_BPF=y\nCONFIG_KPROBES=m\n# CONFIG_BPF_LSM is not set\nCONFIG_LSM="a,b"\n')
    assert options == {"BPF": "y", "KPROBES": "m", "BPF_LSM": "n", "LSM": "a,b"}


def test_config_inflates_gzip_and_takes_plain_text() -> None:
    text = b"CONFIG_BPF=y\n"
    assert inflate_config(gzip.compress(text)) == text
    assert inflate_config(text) == text


def test_config_that_inflates_for_ever_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(procfs, "CONFIG_LIMIT", 1000)
    assert inflate_config(gzip.compress(b"\0" * 5000)) is None


def test_a_cut_gzip_is_refused() -> None:
    assert inflate_config(gzip.compress(b"CONFIG_BPF=y\n" * 100)[:40]) is None
