# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.kernels import Store
from preflight.kernels.aptroot import AptError, AptRoot, Package
from preflight.kernels.fetch_debian import Build, Outcome, Request, builds, fetch, fetch_all, load, select
from tests.kernels.builders import PACK, bzimage, deb, old_layout, tiny_btf, vmlinux

NEW = "7.3.4+deb13-amd64"
OLD = "6.1.0-50-amd64"


def package(name: str, version: str = "1-1", size: int = 9 << 20) -> Package:
    return Package(name, version, "amd64", size, "0" * 64)


class FakeRoot(AptRoot):
    """A mirror made of packages in memory; it lost those in `lost`."""

    def __init__(self, folder: Path, content: dict[str, bytes], lost: tuple[str, ...] = ()) -> None:
        super().__init__(folder, "http://m/debian", "trixie", "amd64")
        self.content = content
        self.lost = lost
        self.downloads: list[str] = []

    def packages(self, prefix: str) -> Iterator[Package]:
        for name, data in self.content.items():
            yield Package(name, "7.3.4-1", "amd64", max(len(data), 2 << 20), hashlib.sha256(data).hexdigest())

    def download(self, package: Package, folder: Path) -> Path:
        self.downloads.append(package.name)
        if package.name in self.lost:
            raise AptError("Failed to fetch http://m/x.deb  404  Not Found")
        path = folder / f"{package.name}_1_amd64.deb"
        path.write_bytes(self.content[package.name])
        return path


REQUEST = Request("trixie", "amd64", ("*",), newest_only=False)


@pytest.fixture
def root(tmp_path: Path) -> FakeRoot:
    folder = f"./usr/lib/modules/{NEW}"
    image = bzimage(PACK["zst"](vmlinux(tiny_btf())))
    return FakeRoot(
        tmp_path / "apt",
        {
            f"linux-image-{OLD}": deb(f"linux-image-{OLD}", old_layout(tiny_btf(), OLD)),
            f"linux-image-{OLD}-unsigned": deb(f"linux-image-{OLD}-unsigned", old_layout(tiny_btf(), OLD)),
            f"linux-binary-{NEW}": deb(f"linux-binary-{NEW}", [(f"{folder}/vmlinuz", image)]),
            f"linux-base-{NEW}": deb(f"linux-base-{NEW}", [(f"{folder}/config", b"CONFIG_BPF=y\n")]),
        },
    )


def _build(root: FakeRoot, release: str) -> Build:
    (build,) = (b for b in builds(root.packages("linux-")) if b.release == release)
    return build


# --- what an index holds


def test_both_layouts_are_understood() -> None:
    found = builds(
        [
            package(f"linux-image-{OLD}", "6.1.176-1"),
            package(f"linux-image-{OLD}-unsigned", "6.1.176-1"),
            package(f"linux-image-{NEW}", "7.3.4-1", 1900),
            package(f"linux-binary-{NEW}", "7.3.4-1"),
            package(f"linux-base-{NEW}", "7.3.4-1", 400_000),
            package(f"linux-modules-{NEW}", "7.3.4-1"),
        ]
    )
    assert [(b.name, b.flavour, b.image[0].name) for b in found] == [
        (f"debian/{OLD}", "amd64", f"linux-image-{OLD}-unsigned"),
        (f"debian/{NEW}", "amd64", f"linux-binary-{NEW}"),
    ]
    assert found[1].base is not None
    assert found[1].modules is not None


@pytest.mark.parametrize(
    "name",
    [
        "linux-image-amd64",
        f"linux-image-{OLD}-dbg",
        f"linux-image-{OLD}-unsigned-dbg",
        "linux-image-6.12-amd64-signed-template",
        "linux-headers-6.1.0-50-amd64",
        "linux-modules-extra",
        "linux-base-7.3.4+deb13-amd64",
    ],
)
def test_other_packages_are_no_kernels(name: str) -> None:
    assert builds([package(name)]) == []


def test_metapackages_are_no_kernels() -> None:
    assert builds([package("linux-image-6.12-amd64", size=1476)]) == []


def _index(*releases: tuple[str, str]) -> list[Build]:
    return builds(package(f"linux-image-{release}", version) for release, version in releases)


def test_the_newest_of_each_flavour_is_chosen_by_version() -> None:
    found = _index(
        ("6.1.0-9-amd64", "6.1.27-1"),
        ("6.1.0-50-amd64", "6.1.176-1"),
        ("6.1.0-47-cloud-amd64", "6.1.170-3"),
        ("7.3-amd64", "7.3~rc7-1~exp1"),
    )
    request = Request("x", "amd64", ("*amd64",))
    assert [b.release for b in select(found, request)] == ["6.1.0-47-cloud-amd64", "7.3-amd64"]


def test_patterns_narrow_before_the_newest_is_taken() -> None:
    found = _index(("6.1.0-9-amd64", "6.1.27-1"), ("6.1.0-50-amd64", "6.1.176-1"), ("7.0-amd64", "7.0-1"))
    assert [b.release for b in select(found, Request("x", "amd64", ("amd64",), ("6.1*",)))] == [
        "6.1.0-50-amd64"
    ]
    everything = Request("x", "amd64", ("amd64",), ("6.1*",), newest_only=False)
    assert [b.release for b in select(found, everything)] == ["6.1.0-9-amd64", "6.1.0-50-amd64"]


# --- what becomes of one build


def test_a_build_of_the_new_layout_is_added(root: FakeRoot, store: Store) -> None:
    assert fetch(root, _build(root, NEW), store, REQUEST) == Outcome(f"debian/{NEW}", "added")
    kernel = store.get(f"debian/{NEW}")
    assert (kernel.identity.suite, kernel.config) == ("trixie", {"CONFIG_BPF": "y"})
    assert store.verify(kernel.name) == []


def test_a_kernel_that_is_there_is_not_downloaded_again(root: FakeRoot, store: Store) -> None:
    build = _build(root, NEW)
    fetch(root, build, store, REQUEST)
    stored = store.get(build.name)
    again = Build(build.release, stored.identity.version or "", build.image, build.base)
    root.downloads.clear()
    assert fetch(root, again, store, REQUEST).state == "present"
    assert root.downloads == []


def test_another_build_stands_in_for_one_the_mirror_lost(root: FakeRoot, store: Store) -> None:
    root.lost = (f"linux-image-{OLD}-unsigned",)
    outcome = fetch(root, _build(root, OLD), store, REQUEST)
    assert outcome.state == "added"
    assert f"linux-image-{OLD} stands in" in outcome.detail
    assert store.get(f"debian/{OLD}").provenance.notes == (outcome.detail,)


def test_a_build_the_mirror_lost_is_reported(root: FakeRoot, store: Store) -> None:
    root.lost = (f"linux-binary-{NEW}",)
    outcome = fetch(root, _build(root, NEW), store, REQUEST)
    assert outcome.state == "lost"
    assert "404" in outcome.detail
    assert store.names() == []


def test_a_lost_configuration_leaves_it_unknown(root: FakeRoot, store: Store) -> None:
    root.lost = (f"linux-base-{NEW}",)
    outcome = fetch(root, _build(root, NEW), store, REQUEST)
    assert outcome.state == "added"
    assert f"linux-base-{NEW} is listed but could not be had" in outcome.detail
    assert store.get(f"debian/{NEW}").config is None


def test_a_damaged_package_is_reported_and_not_kept(root: FakeRoot, store: Store) -> None:
    whole = root.content[f"linux-binary-{NEW}"]
    root.content[f"linux-binary-{NEW}"] = whole[: len(whole) // 2]
    outcome = fetch(root, _build(root, NEW), store, REQUEST)
    assert outcome.state == "failed"
    assert store.names() == []
    assert list(root.folder.rglob("*.deb")) == []


def test_a_name_taken_by_another_kernel_is_reported(root: FakeRoot, store: Store) -> None:
    from tests.kernels.test_store import make_kernel

    store.add(make_kernel(f"debian/{NEW}", types=9))
    assert fetch(root, _build(root, NEW), store, REQUEST).state == "failed"
    assert fetch(root, _build(root, NEW), store, REQUEST, replace_existing=True).state == "added"


def test_packages_are_gone_when_they_are_read(root: FakeRoot) -> None:
    assert load(root, _build(root, NEW), REQUEST).btf_bytes == tiny_btf()
    assert list(root.folder.rglob("*.deb")) == []


def test_one_bad_build_does_not_stop_the_others(root: FakeRoot, store: Store) -> None:
    root.content[f"linux-binary-{NEW}"] = b"rubbish"
    heard: list[Outcome] = []
    outcomes = fetch_all(root, builds(root.packages("linux-")), store, REQUEST, done=heard.append)
    assert sorted((o.name, o.state) for o in outcomes) == [
        (f"debian/{OLD}", "added"),
        (f"debian/{NEW}", "failed"),
    ]
    assert set(heard) == set(outcomes)


def test_what_was_under_way_when_it_was_interrupted_is_told(root: FakeRoot, store: Store) -> None:
    heard: list[Outcome] = []

    def done(outcome: Outcome) -> None:
        heard.append(outcome)
        if len(heard) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_all(root, builds(root.packages("linux-")), store, REQUEST, jobs=2, done=done)
    assert sorted(one.name for one in heard if one.state == "added") == store.names()


def test_two_runs_of_the_same_build_fetch_it_once(root: FakeRoot, store: Store) -> None:
    build = _build(root, NEW)
    same = Build(build.release, "6.99.1-1", build.image, build.base)
    outcomes: list[Outcome] = []
    runs = [
        threading.Thread(target=lambda: outcomes.append(fetch(root, same, store, REQUEST))) for _ in range(3)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(o.state for o in outcomes) == ["added", "present", "present"]
    assert root.downloads.count(f"linux-binary-{NEW}") == 1


def test_an_interrupt_stops_what_has_not_begun(root: FakeRoot, store: Store) -> None:
    many = [_build(root, NEW), _build(root, OLD)] * 4

    def interrupt(_: Outcome) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_all(root, many, store, REQUEST, jobs=1, done=interrupt)
    assert len(root.downloads) < 2 * len(many)
    assert all(store.verify(name) == [] for name in store.names())
