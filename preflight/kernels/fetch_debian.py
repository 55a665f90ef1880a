# SPDX-License-Identifier: Apache-2.0
"""Kernels from Debian's archive into the catalogue.

Which packages make up a kernel is read from the suite's index: `linux-image-REL` up to 6.18,
`linux-binary-REL`, `linux-base-REL` and `linux-modules-REL` from 6.19 on.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from functools import cmp_to_key
from pathlib import Path
from typing import Literal

from preflight.errors import InputError, InstrumentError, PreflightError, UsageError
from preflight.kernels.aptroot import (
    AptError,
    AptRoot,
    Package,
    Source,
    hold,
    host_sources,
    mirrors_for,
    newer_keyring,
)
from preflight.kernels.model import Kernel, Provenance
from preflight.kernels.packages import ARCHITECTURES, flavour_of, kernel_from_packages
from preflight.kernels.store import Store
from preflight.records import dataclass, replace

#: The flavour a plain installation of each architecture gets.
STANDARD_FLAVOUR = {
    "amd64": "amd64",
    "arm64": "arm64",
    "s390x": "s390x",
    "ppc64el": "powerpc64le",
    "riscv64": "riscv64",
    "loong64": "loong64",
    "i386": "686-pae",
    "armhf": "armmp",
}

_PART = re.compile(r"linux-(image|binary|base|modules)-(\d.*?)(-unsigned)?\Z")
_NOT_KERNELS = ("-dbg", "-dbgsym", "-signed-template")
#: Packages below this size hold no kernel: metapackages have 2 kB.
_SMALLEST_IMAGE = 1 << 20

#: What apt says when the index lists a file that the mirror no longer has, or has another one.
_LOST = re.compile(r"404|[Nn]ot [Ff]ound|unexpected size|Hash Sum mismatch|not the file the index describes")

State = Literal["added", "renewed", "present", "lost", "failed"]


@dataclass(frozen=True, slots=True)
class Build:
    """One kernel of an index; each package in `image` holds the same kernel image, best first."""

    release: str
    version: str
    image: tuple[Package, ...]
    base: Package | None = None
    modules: Package | None = None

    @property
    def name(self) -> str:
        """Its name in the catalogue."""
        return f"debian/{self.release}"

    @property
    def flavour(self) -> str | None:
        """Its flavour: `amd64`, `cloud-amd64`, `rt-amd64` ..."""
        return flavour_of(self.release)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one kernel: `detail` is a sentence for `lost` and `failed`, else notes or empty."""

    name: str
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What to fetch: shell patterns over flavour and release; `newest_only` keeps one per flavour."""

    suite: str
    arch: str
    flavours: tuple[str, ...]
    releases: tuple[str, ...] = ("*",)
    newest_only: bool = True
    with_modules: bool = False


def cache_root() -> Path:
    """`$XDG_CACHE_HOME/preflight/debian`, normally `~/.cache/preflight/debian`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "preflight" / "debian"


def host_arch() -> str:
    """The Debian name of the host's architecture. UsageError when it has none here."""
    machine = os.uname().machine
    for debian, uname in ARCHITECTURES.items():
        if uname == machine:
            return debian
    raise UsageError(f"give --arch: Debian's name for {machine} is not known here")


def open_suite(
    suite: str,
    arch: str,
    *,
    mirror: str | None = None,
    keyring: Path | None = None,
    cache: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> AptRoot:
    """A private apt with the suite's index, from the first of the host's mirrors that has it.

    When the suite is signed by a key younger than the host's keyring, the keyring of the host's own
    suites is fetched and used, and `say` is told. UsageError when no mirror is known, AptError when
    none has the suite.
    """
    cache = cache or cache_root()
    sources = host_sources()
    signed_by = str(keyring.absolute()) if keyring else None
    if mirror is not None:
        best = next(iter(mirrors_for(suite, sources)), None)
        candidates = [Source(mirror, suite, ("main",), signed_by or (best.signed_by if best else None))]
    else:
        candidates = [replace(s, signed_by=signed_by or s.signed_by) for s in mirrors_for(suite, sources)]
    if not candidates:
        raise UsageError(f"the host's apt names no mirror that could have {suite[:80]!r}; give --mirror")
    problem = AptError(f"no mirror has {suite}")
    for number, source in enumerate(candidates):
        folder = cache / f"{suite.replace('/', '_')}-{arch}" / str(number)
        root = AptRoot(folder, source.uri, suite, arch, source.signed_by)
        try:
            root.update()
            return root
        except AptError as error:
            problem = error
            if not error.missing_keys or keyring is not None:
                continue
        try:
            keys = newer_keyring(sources, arch, cache / "keyring")
        except PreflightError:
            continue
        root = AptRoot(folder, source.uri, suite, arch, str(keys))
        try:
            root.update()
        except AptError as error:
            problem = error
            continue
        say(
            f"{suite} is signed by a key that this host's keyring lacks; "
            f"verified with the keyring that the host's own suites carry now ({keys})"
        )
        return root
    raise problem


def builds(packages: Iterable[Package]) -> list[Build]:
    """The kernels that an index's packages make up, oldest first."""
    images: dict[str, list[Package]] = {}
    others: dict[tuple[str, str], Package] = {}
    for package in packages:
        match = _PART.match(package.name)
        if match is None or package.name.endswith(_NOT_KERNELS) or flavour_of(match[2]) is None:
            continue
        part, release = match[1], match[2]
        if part in ("image", "binary"):
            if package.size >= _SMALLEST_IMAGE:
                images.setdefault(release, []).append(package)
        else:
            others[part, release] = package
    found = []
    for release, candidates in images.items():
        # The unsigned build is the one that never disappears first; its kernel is the same.
        candidates.sort(key=lambda package: not package.name.endswith("-unsigned"))
        found.append(
            Build(
                release,
                candidates[0].version,
                tuple(candidates),
                others.get(("base", release)),
                others.get(("modules", release)),
            )
        )
    by_version = cmp_to_key(compare_versions)
    return sorted(found, key=lambda build: (by_version(build.version), build.release))


def select(found: Sequence[Build], request: Request) -> list[Build]:
    """The builds a request is about, oldest first."""
    chosen = [
        build
        for build in found
        if any(fnmatchcase(build.flavour or "", pattern) for pattern in request.flavours)
        and any(fnmatchcase(build.release, pattern) for pattern in request.releases)
    ]
    if request.newest_only:
        newest = {build.flavour: build for build in chosen}
        chosen = [build for build in chosen if newest[build.flavour] is build]
    return chosen


def fetch(
    root: AptRoot, build: Build, store: Store, request: Request, *, replace_existing: bool = False
) -> Outcome:
    """Bring one build into the catalogue, unless it is there; what is wrong with it is in the outcome."""
    try:
        with _alone(root, build):
            there = store.get(build.name) if build.name in store and not replace_existing else None
            same = there is not None and there.identity.version == build.version
            complete = there is not None and (
                there.contents.symbols is None or there.contents.sites is not None
            )
            if there and same and complete and (there.modules is not None or not request.with_modules):
                return Outcome(build.name, "present")
            kernel = _load(root, build, request)
            store.add(kernel, build.name, replace_existing=replace_existing or same)
    except (InputError, InstrumentError) as error:
        return outcome_of(build.name, error)
    except OSError as error:
        return Outcome(build.name, "failed", f"{root.folder}: {error.strerror}")
    return Outcome(build.name, "added", "; ".join(kernel.provenance.notes))


def outcome_of(name: str, error: PreflightError) -> Outcome:
    """What an error makes of a kernel: lost when the mirror no longer has its package, else failed."""
    lost = isinstance(error, AptError) and _LOST.search(str(error))
    return Outcome(name, "lost" if lost else "failed", str(error))


def load(root: AptRoot, build: Build, request: Request) -> Kernel:
    """Download a build's packages and read the kernel from them, without a catalogue.

    Packages that are complete stay until the kernel is read, so that an interrupted run goes on
    with them. AptError when the mirror lost the image, InputError when it has no BTF.
    """
    with _alone(root, build):
        return _load(root, build, request)


def _alone(root: AptRoot, build: Build) -> AbstractContextManager[None]:
    """No other run has this build's packages in hand meanwhile."""
    return hold(root.folder / "packages" / f"{build.release}.lock")


def _load(root: AptRoot, build: Build, request: Request) -> Kernel:
    folder = root.folder / "packages" / build.release
    folder.mkdir(parents=True, exist_ok=True)
    notes: list[str] = []
    files = [_image(root, build, folder, notes)]
    for package in (build.base, build.modules if request.with_modules else None):
        if package is None:
            continue
        try:
            files.append(root.download(package, folder))
        except AptError as error:
            notes.append(f"{package.name} is listed but could not be had: {error}")
    try:
        kernel = kernel_from_packages(
            files, with_modules=request.with_modules, name=build.name, suite=request.suite
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if kernel.contents.config is None and build.base is None:
        notes.append("the suite no longer has the package with the configuration, which stays unknown")
    notes += kernel.provenance.notes
    return Kernel(kernel.identity, kernel.contents, Provenance("deb", kernel.provenance.files, tuple(notes)))


def _image(root: AptRoot, build: Build, folder: Path, notes: list[str]) -> Path:
    """The first of the packages with the image that the mirror still has."""
    problem: AptError | None = None
    for package in build.image:
        try:
            path = root.download(package, folder)
        except AptError as error:
            problem = error
            continue
        if problem is not None:
            notes.append(f"{build.image[0].name} is listed but could not be had; {package.name} stands in")
        return path
    raise problem or AptError(f"{build.release} has no package")


def fetch_all(
    root: AptRoot,
    chosen: Sequence[Build],
    store: Store,
    request: Request,
    *,
    jobs: int = 2,
    replace_existing: bool = False,
    done: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Bring builds into the catalogue, `jobs` at a time; `done` hears of each. In the order of `chosen`."""
    from concurrent.futures import Future, ThreadPoolExecutor, as_completed

    pool = ThreadPoolExecutor(max_workers=max(1, jobs))
    tasks: list[Future[Outcome]] = []
    told = set()
    try:
        for build in chosen:
            tasks.append(pool.submit(fetch, root, build, store, request, replace_existing=replace_existing))
        for task in as_completed(tasks):
            told.add(task)
            done(task.result())
        return [task.result() for task in tasks]
    finally:
        # Interrupted: what has not begun never will; what has begun leaves nothing half-written, and is told.
        pool.shutdown(wait=True, cancel_futures=True)
        for task in tasks:
            if task not in told and not task.cancelled() and task.exception() is None:
                done(task.result())


def compare_versions(one: str, other: str) -> int:
    """Debian's order of versions (deb-version(7)): negative, 0 or positive."""
    first, second = _split(one), _split(other)
    if first[0] != second[0]:
        return first[0] - second[0]
    return _compare_part(first[1], second[1]) or _compare_part(first[2], second[2])


def _split(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    return (int(epoch) if epoch.isdigit() else 0, *((upstream, revision) if dash else (rest, "0")))


def _weight(character: str) -> int:
    """`~` before the end, the end before letters, letters before the rest."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _compare_part(one: str, other: str) -> int:
    pattern = re.compile(r"([^0-9]*)([0-9]*)")
    a = b = 0
    while a < len(one) or b < len(other):
        left, right = pattern.match(one, a), pattern.match(other, b)
        if left is None or right is None:  # the pattern matches the empty string
            break
        for place in range(max(len(left[1]), len(right[1]))):
            x = _weight(left[1][place]) if place < len(left[1]) else 0
            y = _weight(right[1][place]) if place < len(right[1]) else 0
            if x != y:
                return x - y
        difference = int(left[2] or 0) - int(right[2] or 0)
        if difference:
            return difference
        a, b = left.end(), right.end()
    return 0
