# SPDX-License-Identifier: Apache-2.0
"""What the catalogue lacks is looked for in Debian's suites, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.errors import InstrumentError
from preflight.kernels import Store, fetch_debian
from preflight.kernels.aptroot import Package
from preflight.kernels.files import kernel_from_path
from preflight.lab.fetching import fetch_missing
from tests.kernels.builders import RELEASE, deb, old_layout, tiny_btf

NAME = f"debian/{RELEASE}"


class Root:
    """An apt root with the packages of one suite."""

    def __init__(self, folder: Path, packages: list[Package]) -> None:
        self.folder = folder
        self._packages = packages

    def packages(self, _prefix: str) -> list[Package]:
        return self._packages

    def download(self, package: Package, folder: Path) -> Path:
        path = folder / f"{package.name}_1_amd64.deb"
        path.write_bytes(deb(package.name, old_layout(tiny_btf())))
        return path


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The suites that were opened; only the second has a kernel."""
    opened: list[str] = []
    kernel = Package(f"linux-image-{RELEASE}", "6.99.1-1", "amd64", 2 << 20, "0" * 64)

    def open_suite(suite: str, _arch: str, **_: object) -> Root:
        opened.append(suite)
        if len(opened) == 1:
            raise InstrumentError("no mirror has it")
        return Root(tmp_path / suite, [kernel])

    monkeypatch.setattr(fetch_debian, "open_suite", open_suite)
    return opened


@pytest.mark.parametrize("ref", [NAME, "debian/6.99*amd64"])
def test_the_first_suite_that_has_it_is_used(tmp_path: Path, asked: list[str], ref: str) -> None:
    store = Store(tmp_path / "catalogue")
    assert fetch_missing([ref], store) == [NAME]
    assert store.get(NAME).identity.suite == asked[1]
    assert len(asked) == 2


def test_what_the_catalogue_has_is_not_looked_for(tmp_path: Path, asked: list[str]) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(deb(f"linux-image-{RELEASE}", old_layout(tiny_btf())))
    store = Store(tmp_path / "catalogue")
    store.add(kernel_from_path(path), NAME)
    assert fetch_missing([NAME, "debian/6.99*"], store) == []
    assert asked == []


def test_paths_and_other_names_are_not_looked_for(tmp_path: Path, asked: list[str]) -> None:
    assert fetch_missing(["host", "./debian/x", "/boot/vmlinuz", "local/x"], Store(tmp_path)) == []
    assert asked == []


def test_what_nobody_has_stays_missing_and_the_unread_suite_is_named(
    tmp_path: Path, asked: list[str]
) -> None:
    said: list[str] = []
    assert fetch_missing(["debian/1.2*"], Store(tmp_path), say=said.append) == []
    assert len(asked) > 5
    assert said == [f"not looked for debian/1.2* in {asked[0]}: no mirror has it"]


def test_without_any_suite_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(_suite: str, _arch: str, **_: object) -> Root:
        raise InstrumentError("the mirror cannot be reached")

    monkeypatch.setattr(fetch_debian, "open_suite", offline)
    with pytest.raises(InstrumentError, match=r"debian/6.12\* is not in the catalogue.*cannot be reached"):
        fetch_missing(["debian/6.12*"], Store(tmp_path))
