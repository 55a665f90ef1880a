# SPDX-License-Identifier: Apache-2.0
"""`--dask ADDRESS`: what is an address, what is said of unprotected ones, and whose version differs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.cli.options import judges, scheduler
from preflight.errors import UsageError
from preflight.matrix.dask_client import TLS_FILES, address, differences


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("tcp://dask.example:8786/", "tcp://dask.example:8786"),
        ("tls://[2001:db8::7]:8786", "tls://[2001:db8::7]:8786"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert address(text).url == url


@pytest.mark.parametrize(
    "text",
    [
        "dask",
        "tcp://dask",
        "dask:0",
        "dask:65536",
        "dask:x",
        "inproc://a:1",
        "http://a:80",
        ":80",
        "tcp://:1",
        "",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT of a Dask scheduler"):
        address(text)


def test_a_folder_of_certificates_means_tls(tmp_path: Path) -> None:
    for name in TLS_FILES.values():
        (tmp_path / name).touch()
    assert address("dask.example:1", str(tmp_path)).url == "tls://dask.example:1"
    with pytest.raises(UsageError, match="needs a tls:// address"):
        address("tcp://dask.example:1", str(tmp_path))


def test_a_folder_without_a_certificate_is_said(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    with pytest.raises(UsageError, match=r"there is no cert\.pem in it"):
        address("dask.example:1", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "said"),
    [("dask.example:1", True), ("tls://dask.example:1", False), ("127.0.0.2:1", False), ("[::1]:1", False)],
)
def test_an_address_without_protection_is_said(
    capsys: pytest.CaptureFixture[str], text: str, said: bool
) -> None:
    scheduler(text, "")
    assert ("neither encrypted nor authenticated" in capsys.readouterr().err) is said


def test_workers_of_two_kinds_are_a_mistake() -> None:
    with pytest.raises(UsageError, match="--workers counts processes of this machine"):
        judges(2, "127.0.0.1:1", "")
    with pytest.raises(UsageError, match="--dask-tls needs --dask"):
        judges(0, "", "folder")


def told(python: str, preflight: str | None) -> dict[str, Any]:
    return {"host": {"python": python}, "packages": {"bpf-preflight": preflight}}


HERE = told("3.12.1.final.0", "1.2.0")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (told("3.12.7.final.0", "1.2.0"), None),
        (told("3.11.7.final.0", "1.2.0"), "has Python 3.11; here it is 3.12"),
        (told("3.12.1.final.0", "1.3.0"), "has preflight 1.3.0; here it is 1.2.0"),
        (told("3.12.1.final.0", None), "has no preflight; here it is 1.2.0"),
        (None, "has no Python; here it is 3.12"),
    ],
)
@pytest.mark.parametrize("place", ["the scheduler", "worker tcp://w:1"])
def test_versions_that_differ_are_named_with_their_place(
    other: dict[str, Any] | None, said: str | None, place: str
) -> None:
    versions = {"client": HERE, "scheduler": HERE, "workers": {"tcp://v:1": HERE, "tcp://w:1": HERE}}
    if place == "the scheduler":
        versions["scheduler"] = other
    else:
        versions["workers"]["tcp://w:1"] = other
    found = differences(versions)
    assert found[:1] == ([] if said is None else [f"{place} {said}"])


def test_without_the_extra_the_line_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "one.bpf.o").write_bytes(b"")
    words = "['preflight', 'matrix', '--kernel', 'host', 'tracers:execs', '--dask', '127.0.0.1:9']"
    program = f"import sys; sys.modules['distributed'] = None; sys.argv = {words}\n"
    program += "from preflight.__main__ import main\nmain()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "preflight: --dask needs Dask: pip install 'bpf-preflight[dask]'\n"
