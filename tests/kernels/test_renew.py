# SPDX-License-Identifier: Apache-2.0
"""Entries of an earlier version get what this one reads from images, and nothing else of theirs changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from preflight.errors import InputError
from preflight.kernels import Store, renew
from preflight.kernels.aptroot import AptError, AptRoot
from preflight.kernels.fetch_debian import Outcome, Request, builds, fetch
from preflight.kernels.model import Kernel, Provenance
from tests.kernels.builders import BANNER, PACK, bzimage, deb, tiny_btf
from tests.kernels.site_builders import World
from tests.kernels.test_cli import run
from tests.kernels.test_fetch_debian import FakeRoot

RELEASE = "7.3.4+deb13-amd64"
NAME = f"debian/{RELEASE}"
PACKAGE = f"linux-binary-{RELEASE}"


def _package(btf: bytes) -> bytes:
    image = bzimage(PACK["zst"](World().with_crowd().image() + BANNER + btf))
    return deb(PACKAGE, [(f"./usr/lib/modules/{RELEASE}/vmlinuz", image)], version="7.3.4-1")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRoot:
    mirror = FakeRoot(tmp_path / "apt", {PACKAGE: _package(tiny_btf())})

    def open_suite(suite: str, arch: str, **_: object) -> AptRoot:
        if suite != "trixie":
            raise AptError(f"no mirror has {suite}")
        assert arch == "amd64"
        return mirror

    monkeypatch.setattr(renew, "open_suite", open_suite)
    return mirror


@pytest.fixture
def old(root: FakeRoot, store: Store) -> Kernel:
    """An entry as earlier versions made them, of the same package."""
    (build,) = builds(root.packages("linux-"))
    assert fetch(root, build, store, Request("trixie", "amd64", ("*",))).state == "added"
    kernel = store.get(NAME)
    assert kernel.trace_sites is not None
    contents = replace(kernel.contents, sites=None)
    store.add(Kernel(kernel.identity, contents, kernel.provenance), NAME, replace_existing=True)
    root.downloads.clear()
    return store.get(NAME)


def test_an_old_entry_gets_its_sites_and_keeps_the_rest(old: Kernel, store: Store) -> None:
    before = {path.name: path.read_bytes() for path in (store.root / NAME).iterdir()}
    assert renew.lacking(old) == "trace sites"
    assert renew.renew(store, [NAME]) == [Outcome(NAME, "renewed", "trace sites")]
    after = {path.name: path.read_bytes() for path in (store.root / NAME).iterdir()}
    assert after.keys() - before.keys() == {"sites"}
    assert {name for name in before if before[name] != after[name]} == {"kernel.json"}
    kernel = store.get(NAME)
    assert (renew.lacking(kernel), kernel.provenance, store.verify(NAME)) == ("", old.provenance, [])
    assert kernel.trace_sites is not None
    assert kernel.trace_sites.marks("crowd_0") == "f"


def test_what_is_complete_is_not_downloaded(old: Kernel, root: FakeRoot, store: Store) -> None:
    renew.renew(store, [NAME])
    root.downloads.clear()
    assert renew.renew(store, [NAME]) == [Outcome(NAME, "present")]
    assert root.downloads == []


def test_fetching_reads_an_old_entry_again(old: Kernel, root: FakeRoot, store: Store) -> None:
    (build,) = builds(root.packages("linux-"))
    assert fetch(root, build, store, Request("trixie", "amd64", ("*",))).state == "added"
    assert renew.lacking(store.get(NAME)) == ""


def test_a_package_with_another_btf_changes_nothing(old: Kernel, root: FakeRoot, store: Store) -> None:
    root.content[PACKAGE] = _package(tiny_btf(types=9))
    (outcome,) = renew.renew(store, [NAME])
    assert (outcome.state, "another BTF" in outcome.detail) == ("failed", True)
    assert store.get(NAME).trace_sites is None
    assert store.verify(NAME) == []


def test_a_lost_package_is_said(old: Kernel, root: FakeRoot, store: Store) -> None:
    root.lost = (PACKAGE,)
    (outcome,) = renew.renew(store, [NAME])
    assert (outcome.state, "404" in outcome.detail) == ("lost", True)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"version": "7.3.3-1"}, "no longer has 7.3.4+deb13-amd64 7.3.3-1"),
        ({"suite": "sid"}, "no mirror has sid"),
        ({"suite": None}, "its suite is not known"),
        ({"arch": None}, "its suite is not known"),
    ],
)
def test_what_cannot_be_found_again_is_lost(
    old: Kernel, store: Store, changes: dict[str, str | None], problem: str
) -> None:
    identity = replace(old.identity, **changes)  # type: ignore[arg-type]
    store.add(Kernel(identity, old.contents, old.provenance), "debian/other")
    (outcome,) = renew.renew(store, ["debian/other"])
    assert (outcome.state, problem in outcome.detail) == ("lost", True)


def test_one_that_fails_does_not_stop_the_others(old: Kernel, store: Store) -> None:
    store.add(Kernel(replace(old.identity, suite="sid"), old.contents, Provenance("deb")), "debian/other")
    heard: list[Outcome] = []
    renew.renew(store, ["debian/other", NAME], done=heard.append)
    assert [(one.name, one.state) for one in heard] == [("debian/other", "lost"), (NAME, "renewed")]


def test_another_kernel_is_never_mixed_in(old: Kernel) -> None:
    from tests.kernels.test_store import make_kernel

    with pytest.raises(InputError, match="another BTF"):
        renew.with_missing(old, make_kernel(types=7))


# --- on the command line


def test_list_and_verify_say_how(old: Kernel, store: Store) -> None:
    assert "`preflight kernels renew`" in run("list", "--store", store.root).text
    done = run("verify", "--store", store.root)
    assert (done.code, f"`preflight kernels renew {NAME}`" in done.text) == (0, True)
    done = run("renew", "--store", store.root)
    assert (done.code, f"renewed {NAME}" in done.text) == (0, True)
    assert "renew" not in run("list", "--store", store.root).text
    assert "renew" not in run("verify", "--store", store.root).text
    assert run("renew", "--store", store.root).text.splitlines()[-1] == "1 present"


def test_nothing_renewed_at_all_is_told_by_the_exit_code(old: Kernel, root: FakeRoot, store: Store) -> None:
    root.lost = (PACKAGE,)
    assert run("renew", "--store", store.root).code == 2
    assert run("renew", "nothing*", "--store", store.root).code == 2
