# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around a catalogue: cut packages, wrong files, a full disk, runs killed or at once.

After each of them the catalogue is what it was, or has the whole new entry; the command says what happened.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.errors import InputError, InstrumentError, UsageError
from preflight.kernels import Store
from preflight.kernels import store as store_module
from preflight.kernels.blob import Blob
from preflight.kernels.fetch_debian import fetch
from preflight.kernels.trace_sites import Site, encode
from tests.kernels.builders import PACK, deb, elf, old_layout, tar, tiny_btf
from tests.kernels.test_cli import run
from tests.kernels.test_fetch_debian import NEW, REQUEST, FakeRoot, _build, root
from tests.kernels.test_store import make_kernel

__all__ = ("root",)

ROOT = Path(__file__).parent.parent.parent
RELEASE = "6.99.1+deb99-amd64"


def _hidden(store: Store) -> list[str]:
    return sorted(path.name for path in store.root.iterdir() if path.name.startswith((".new-", ".old-")))


def _untouched(store: Store, names: list[str]) -> None:
    assert sorted(store.names()) == sorted(names)
    assert [store.verify(name) for name in names] == [[]] * len(names)
    assert not store.root.exists() or _hidden(store) == []


# --- packages and files


PACKAGE = deb(f"linux-image-{RELEASE}", old_layout(tiny_btf()))
CUTS = [0, 1, 7, 8, 60, 68, *range(100, len(PACKAGE) - 1, max(1, len(PACKAGE) // 25))]


@pytest.mark.parametrize("length", CUTS)
def test_a_package_cut_anywhere_is_refused_whole(length: int, store: Store, tmp_path: Path) -> None:
    store.add(make_kernel("debian/before"))
    path = tmp_path / "cut.deb"
    path.write_bytes(PACKAGE[:length])
    done = run("add", path, "--with-modules", "--store", store.root)
    assert (done.code, "cut.deb" in done.text) == (2, True)
    _untouched(store, ["debian/before"])


def test_a_package_is_cut_though_all_that_is_wanted_of_it_is_there(store: Store, tmp_path: Path) -> None:
    """Without the modules, reading ends before the cut."""
    path = tmp_path / "cut.deb"
    path.write_bytes(PACKAGE[:-2])
    done = run("add", path, "--store", store.root)
    assert (done.code, "cut.deb: the package is cut off" in done.text) == (2, True), done.text
    _untouched(store, [])


def test_an_entry_does_not_take_the_place_of_a_folder_of_entries(store: Store, tmp_path: Path) -> None:
    store.add(make_kernel("debian/before"))
    path = tmp_path / "raw.btf"
    path.write_bytes(tiny_btf())
    done = run("add", path, "--name", "debian", "--replace", "--store", store.root)
    assert (done.code, "'debian' is a folder of other entries" in done.text) == (2, True), done.text
    _untouched(store, ["debian/before"])


@pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
def test_adding_a_kernel_again_mends_its_damaged_entry(damage: str, store: Store) -> None:
    store.add(make_kernel("debian/one"))
    path = store.root / "debian/one/vmlinux.btf"
    whole = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(whole[:-1] if damage == "cut" else whole[:-2] + b"!\0")
    store.add(make_kernel("debian/one"))
    assert path.read_bytes() == whole
    _untouched(store, ["debian/one"])


def _object_file(btf: bytes) -> bytes:
    """An ELF file with BTF that is still to be linked (e_type ET_REL)."""
    data = bytearray(elf({".BTF": btf}))
    data[16] = 1
    return bytes(data)


def _btfhub(*names: str) -> bytes:
    return PACK["xz"](tar([(name, tiny_btf()) for name in names]))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (_object_file(tiny_btf()), "is no kernel but an object file"),
        (elf({".rodata": tiny_btf()}), "holds no BTF of a kernel"),
        (_btfhub("5.4.0-1.btf", "5.4.0-2.btf"), "is a tar archive of 2 .btf files"),
        (b"#!/bin/sh\necho hello\n", "is no kernel image of a known kind"),
        (b"{}", "is JSON, and no facts file"),
        (b"\x7fELF\x02\x01\x01" + bytes(57), "holds no BTF of a kernel"),
        (b"\x1f\x8b\x08\x00rubbish", "gz stream"),
        (b"!<arch>\nrubbish", "damaged or cut off"),
        (deb("hello", [("./usr/bin/hello", b"#!/bin/sh\n")]), "holds no kernel image"),
        (bytes(4096), "is no kernel image of a known kind"),
    ],
    ids=[
        "empty",
        "object",
        "program",
        "two kernels",
        "script",
        "json",
        "elf",
        "gz",
        "ar",
        "another package",
        "zeros",
    ],
)
def test_a_wrong_file_is_named_with_what_it_is_not(
    content: bytes, said: str, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "wrong"
    path.write_bytes(content)
    done = run("add", path, "--store", store.root)
    assert (done.code, "wrong" in done.text, said in done.text) == (2, True, True), done.text
    _untouched(store, [])


def test_a_file_that_cannot_be_read_is_named(store: Store) -> None:
    """A damaged disk answers EIO, as the first page of this one does."""
    done = run("add", "/proc/self/mem", "--store", store.root)
    assert (done.code, "/proc/self/mem: cannot be read: " in done.text) == (2, True), done.text


@pytest.mark.parametrize("kind", ["directory", "fifo", "absent", "device"])
def test_what_is_no_file_is_refused_at_once(kind: str, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "odd"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    with pytest.raises((InputError, UsageError)):
        from preflight.kernels.files import kernels_from_refs

        kernels_from_refs([str(path)])
    assert run("add", path, "--store", store.root).code == 2
    assert not store.root.exists()


# --- a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_catalogue_as_it_was(small_disk: Path) -> None:
    store = Store(small_disk / "catalogue")
    store.add(make_kernel("debian/small"))
    large = make_kernel("debian/large", config=Blob(data=os.urandom(300 << 10)))
    with pytest.raises(InstrumentError, match=r"no room for debian/large in .*; nothing was added"):
        store.add(large)
    _untouched(store, ["debian/small"])


def test_replacing_on_a_full_disk_keeps_the_old_entry(small_disk: Path) -> None:
    store = Store(small_disk / "catalogue")
    store.add(make_kernel("debian/one", config=Blob(data=b"CONFIG_OLD=y\n")))
    (small_disk / "ballast").write_bytes(bytes(180 << 10))
    more = make_kernel("debian/one", config=Blob(data=os.urandom(100 << 10)))
    with pytest.raises(InstrumentError, match="no room"):
        store.add(more, replace_existing=True)
    assert store.get("debian/one").config == {"CONFIG_OLD": "y"}
    _untouched(store, ["debian/one"])
    (small_disk / "ballast").unlink()
    store.add(more, replace_existing=True)
    _untouched(store, ["debian/one"])


def test_a_full_disk_stops_a_fetch_with_one_line(small_disk: Path, root: FakeRoot) -> None:
    """The mirror's files are elsewhere; only the catalogue is on the full disk."""
    (small_disk / "ballast").write_bytes(bytes(250 << 10))
    store = Store(small_disk / "catalogue")
    outcome = fetch(root, _build(root, NEW), store, REQUEST)
    assert (outcome.state, "no room" in outcome.detail) == ("failed", True)
    assert store.names() == []
    (small_disk / "ballast").unlink()
    assert fetch(root, _build(root, NEW), store, REQUEST).state == "added"
    _untouched(store, [f"debian/{NEW}"])


# --- runs that are killed, and several at once


#: A fetch in a process of its own, from a mirror in memory that takes as long as the test wants.
_FETCH = """
import sys, time
from pathlib import Path
import pytest
from preflight.kernels import Store
from preflight.kernels.fetch_debian import fetch
from tests.kernels import test_fetch_debian as scene
from tests.kernels.builders import PACK, bzimage, deb, tiny_btf, vmlinux

folder, store, wait = Path(sys.argv[1]), Store(Path(sys.argv[2])), sys.argv[3]
image = bzimage(PACK["zst"](vmlinux(tiny_btf())))
name = f"linux-binary-{scene.NEW}"

class Mirror(scene.FakeRoot):
    def download(self, package, into):
        path = into / f"{package.name}_1_amd64.deb"
        if wait == "download":
            path.with_suffix(".part").write_bytes(b"the beginning of it")
            print("waiting", flush=True)
            sys.stdin.read()
        with (folder / "downloads").open("a") as log:
            log.write(package.name + "\\n")
        return super().download(package, into)

files = [(f"./usr/lib/modules/{scene.NEW}/vmlinuz", image)]
root = Mirror(folder / "apt", {name: deb(name, files, version="7.3.4-1")})
if wait == "write":
    from preflight.kernels import store as module
    real = module._sync
    def stop(path):
        print("waiting", flush=True)
        sys.stdin.read()
        real(path)
    module._sync = stop
outcome = fetch(root, scene._build(root, scene.NEW), store, scene.REQUEST)
print(outcome.state, outcome.detail, flush=True)
"""


def _fetching(folder: Path, store: Store, wait: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _FETCH, str(folder), str(store.root), wait],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("wait", ["download", "write"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_fetch_that_is_stopped_leaves_nothing_half_written_and_goes_on(
    how: signal.Signals, wait: str, store: Store, tmp_path: Path
) -> None:
    store.add(make_kernel("debian/before"))
    running = _fetching(tmp_path, store, wait)
    assert running.stdout is not None
    assert running.stdout.readline() == "waiting\n"
    running.send_signal(how)
    running.communicate(timeout=60)
    assert running.returncode != 0
    assert store.names() == ["debian/before"]
    again = _fetching(tmp_path, store)
    said, errors = again.communicate(timeout=60)
    assert said.startswith("added"), errors
    _untouched(store, ["debian/before", f"debian/{NEW}"])


def test_two_fetches_at_once_download_a_build_once(store: Store, tmp_path: Path) -> None:
    runs = [_fetching(tmp_path, store) for _ in range(3)]
    said = sorted(one.communicate(timeout=120)[0].split()[0] for one in runs)
    assert said == ["added", "present", "present"]
    assert (tmp_path / "downloads").read_text().split() == [f"linux-binary-{NEW}"]
    _untouched(store, [f"debian/{NEW}"])


_REPLACING = """
import sys
from pathlib import Path
from tests.kernels.test_store import make_kernel
from preflight.kernels import Store
store = Store(Path(sys.argv[1]))
number = 0
print("begun", flush=True)
while not Path(sys.argv[2]).exists():
    number += 1
    store.add(make_kernel("debian/6.1", types=number % 5), replace_existing=True)
    if number == 5:
        Path(sys.argv[3]).touch()
"""


def test_who_reads_an_entry_that_is_replaced_finds_one_of_both(store: Store, tmp_path: Path) -> None:
    store.add(make_kernel("debian/6.1"))
    ready = store_module._exchanged(*_two(store.root))
    if not ready:
        pytest.skip("this file system cannot let directories change places (RENAME_EXCHANGE)")
    stop, often = tmp_path / "stop", tmp_path / "often"
    writer = subprocess.Popen(
        [sys.executable, "-c", _REPLACING, str(store.root), str(stop), str(often)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "begun\n"
    path = store.root / "debian/6.1" / "vmlinux.btf"
    reads, end = 0, time.monotonic() + 60
    # a busy machine may let the writer wait for long
    while reads < 20_000 or not often.exists():
        assert writer.poll() is None, "it ended before it was told to"
        assert time.monotonic() < end, "it did not replace it often enough"
        for _ in range(1_000):
            with path.open("rb") as stream:
                assert stream.read(2) == b"\x9f\xeb"
        reads += 1_000
    stop.touch()
    writer.communicate(timeout=60)
    assert writer.returncode == 0
    _untouched(store, ["debian/6.1"])


def _two(folder: Path) -> tuple[Path, Path]:
    pair = folder / ".one", folder / ".other"
    for path in pair:
        path.mkdir()
    return pair


def test_directories_change_places_or_nothing_happens(tmp_path: Path) -> None:
    one, other = _two(tmp_path)
    (one / "mine").touch()
    if store_module._exchanged(one, other):
        assert [path.name for path in other.iterdir()] == ["mine"]
    assert not store_module._exchanged(one, tmp_path / "absent")
    assert one.is_dir()


def test_replacing_works_where_directories_cannot_change_places(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_exchanged", lambda *_: False)
    kernel = make_kernel("debian/6.1")
    store.add(kernel)
    sites = Blob(data=encode({"ftrace"}, [Site("work", "f")]))
    store.add(replace(kernel, contents=replace(kernel.contents, sites=sites)), replace_existing=True)
    assert store.get("debian/6.1").trace_sites is not None
    _untouched(store, ["debian/6.1"])
